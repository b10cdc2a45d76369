/*
 * The ring needs no shifting: a number's word is its place modulo the ring, and moving the window forward
 * only zeroes the words that come into it. The order of stores matters, because the process may be killed
 * between any two of them and the memory is gone on with: `top` moves first, then words are zeroed, then the
 * bit is set. Interrupted, that can only leave bits set that should not be: a packet too many is refused,
 * never one accepted twice.
 */
#include "wire/esp/replay.h"

#include <stdatomic.h>
#include <string.h>

enum { WORD_BITS = 64 };

static uint32_t ring_words(uint32_t size)
{
	uint32_t need = (size + WORD_BITS - 1) / WORD_BITS + 1, n = 1;

	if (!size)
		return 0;
	while (n < need)
		n *= 2;
	return n;
}

size_t replay_memory(uint32_t bytes)
{
	return sizeof(struct replay) + (size_t)ring_words(bytes * 8) * sizeof(uint64_t);
}

void replay_init(struct replay *r, uint32_t bytes)
{
	assert(bytes <= REPLAY_BYTES_MAX);
	memset(r, 0, replay_memory(bytes));
	r->size = bytes * 8;
	r->n_words = ring_words(r->size);
}

bool replay_valid(const struct replay *r, size_t room, uint32_t bytes)
{
	return bytes <= REPLAY_BYTES_MAX && room >= replay_memory(bytes) && r->size == bytes * 8 &&
	       r->n_words == ring_words(r->size);
}

static uint64_t *word_of(struct replay *r, uint64_t seq)
{
	return &r->word[(seq / WORD_BITS) & (r->n_words - 1)];
}

enum replay_verdict replay_check(const struct replay *r, uint64_t seq)
{
	uint64_t word;

	if (!r->size)
		return REPLAY_NEW;
	if (!seq)
		return REPLAY_ZERO;
	if (seq > r->top)
		return REPLAY_NEW;
	if (r->top - seq >= r->size)
		return REPLAY_OLD;
	word = r->word[(seq / WORD_BITS) & (r->n_words - 1)];
	return word >> (seq % WORD_BITS) & 1 ? REPLAY_SEEN : REPLAY_NEW;
}

static void advance(struct replay *r, uint64_t seq)
{
	uint64_t from = r->top / WORD_BITS, n = seq / WORD_BITS - from;

	r->top = seq;
	atomic_signal_fence(memory_order_seq_cst);
	if (!r->size)
		return;
	if (n > r->n_words)
		n = r->n_words;
	for (uint64_t i = 1; i <= n; i++)
		r->word[(seq / WORD_BITS - n + i) & (r->n_words - 1)] = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

enum replay_verdict replay_commit(struct replay *r, uint64_t seq)
{
	enum replay_verdict v = replay_check(r, seq);

	if (v != REPLAY_NEW)
		return v;
	if (seq > r->top)
		advance(r, seq);
	if (r->size)
		*word_of(r, seq) |= (uint64_t)1 << (seq % WORD_BITS);
	return REPLAY_NEW;
}

void replay_carry(struct replay *to, const struct replay *from)
{
	to->top = from->top;
	for (uint64_t back = 0; back < to->size && back < to->top; back++) {
		uint64_t seq = to->top - back;

		/* One that checked nothing has seen nothing, and all of it may have come. */
		if (!from->size || replay_check(from, seq) != REPLAY_NEW)
			*word_of(to, seq) |= (uint64_t)1 << (seq % WORD_BITS);
	}
}

uint64_t replay_esn(const struct replay *r, uint32_t seq_lo)
{
	uint32_t tl = (uint32_t)r->top, th = (uint32_t)(r->top >> 32), w = r->size ? r->size : 1;
	uint32_t bottom = tl - w + 1;

	/* RFC 4303 appendix A2.2. Case A: the window lies within one run of the low half. */
	if (tl >= w - 1)
		return (uint64_t)(seq_lo >= bottom ? th : th + 1) << 32 | seq_lo;
	/* Case B: it spans two; before the first roll-over the earlier run does not exist. */
	return (uint64_t)(seq_lo >= bottom && th ? th - 1 : th) << 32 | seq_lo;
}

int seq_take(struct seq_counter *c, enum seq_kind kind, uint32_t n, uint64_t *ret_first)
{
	uint64_t limit = kind == SEQ_32 ? UINT32_MAX : UINT64_MAX, last = c->last;

	if (last > limit || limit - last < n)
		return SEQ_EXHAUSTED;
	c->last = last + n;
	*ret_first = last + 1;
	return SEQ_OK;
}
