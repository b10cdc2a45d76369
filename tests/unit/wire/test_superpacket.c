/*
 * Superpackets, cut and put together, against an octet-by-octet builder of packets: what comes out of either
 * is compared with what it made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "wire/ip/merge.h"
#include "wire/ip/segment.h"

enum { ROUNDS = 3000, LONGEST = 65535, FLOWS = 5 };

/* One TCP or UDP flow as its sender sees it. */
struct flow {
	bool v6, udp, df;
	uint8_t src[16], dst[16], tos, ttl, options[40], n_options;
	uint16_t sport, dport, id, window;
	uint32_t seq, ack;
};

static struct rng_seeded rng;

static uint32_t below(uint32_t n)
{
	return rng_below(&rng.rng, n);
}

static void put(uint8_t *p, size_t n, uint64_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* RFC 1071 as its first sentence has it. */
static uint32_t slow_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static uint16_t slow_upper_sum(const struct flow *f, const uint8_t *upper, uint32_t n)
{
	uint8_t rest[8] = {0};
	uint32_t sum;

	put(rest, 4, n);
	rest[7] = f->udp ? 17 : 6;
	sum = slow_sum(0, f->src, f->v6 ? 16 : 4);
	sum = slow_sum(sum, f->dst, f->v6 ? 16 : 4);
	sum = slow_sum(slow_sum(sum, rest, sizeof(rest)), upper, n);
	return (uint16_t)~sum;
}

static uint32_t put_upper(const struct flow *f, uint8_t *p, uint8_t flags, const uint8_t *data, uint32_t n)
{
	uint32_t head = f->udp ? 8 : 20u + f->n_options;
	uint16_t sum;

	put(p, 2, f->sport);
	put(p + 2, 2, f->dport);
	if (f->udp) {
		put(p + 4, 2, head + n);
		put(p + 6, 2, 0);
	} else {
		put(p + 4, 4, f->seq);
		put(p + 8, 4, f->ack);
		p[12] = (uint8_t)(head / 4 << 4);
		p[13] = flags;
		put(p + 14, 2, f->window);
		put(p + 16, 4, 0);
		memcpy(p + 20, f->options, f->n_options);
	}
	memcpy(p + head, data, n);
	sum = slow_upper_sum(f, p, head + n);
	if (f->udp && !sum)
		sum = 0xffff;
	put(p + (f->udp ? 6 : 16), 2, sum);
	return head + n;
}

/* Writes the flow's next packet and moves it on. Octets written. */
static uint32_t put_packet(struct flow *f, uint8_t *p, uint8_t flags, const uint8_t *data, uint32_t n)
{
	uint32_t ip = f->v6 ? 40 : 20, upper = put_upper(f, p + ip, flags, data, n);

	if (f->v6) {
		put(p, 4, 6u << 28 | (uint32_t)f->tos << 20 | 0x12345);
		put(p + 4, 2, upper);
		p[6] = f->udp ? 17 : 6;
		p[7] = f->ttl;
		memcpy(p + 8, f->src, 16);
		memcpy(p + 24, f->dst, 16);
	} else {
		put(p, 2, 0x4500u | f->tos);
		put(p + 2, 2, ip + upper);
		put(p + 4, 2, f->id++);
		put(p + 6, 2, f->df ? 0x4000 : 0);
		p[8] = f->ttl;
		p[9] = f->udp ? 17 : 6;
		put(p + 10, 2, 0);
		memcpy(p + 12, f->src, 4);
		memcpy(p + 16, f->dst, 4);
		put(p + 10, 2, (uint16_t)~slow_sum(0, p, 20));
	}
	f->seq += n;
	return ip + upper;
}

static struct flow any_flow(void)
{
	struct flow f = {
	    .v6 = below(2), .udp = below(2), .df = below(2), .tos = (uint8_t)below(4), .ttl = 64};

	rng.rng.fill(&rng.rng, f.src, sizeof(f.src));
	rng.rng.fill(&rng.rng, f.dst, sizeof(f.dst));
	rng.rng.fill(&rng.rng, f.options, sizeof(f.options));
	f.n_options = (uint8_t)(below(4) * 4);
	f.sport = (uint16_t)below(65536);
	f.dport = (uint16_t)below(65536);
	f.id = (uint16_t)(65530 + below(12)); /* wraps */
	f.window = (uint16_t)below(65536);
	f.seq = 0xffffff00u + below(512);
	f.ack = below(UINT32_MAX);
	return f;
}

static uint8_t super[LONGEST], want[LONGEST], got[LONGEST], data[LONGEST];

static void cut_one(void)
{
	struct flow f = any_flow(), each = f;
	uint32_t room = LONGEST - 20 - 60 - 40, size = 1 + below(below(10) ? 1500 : 9000);
	uint32_t most = room / size < 64 ? room / size : 64;
	uint32_t n = 1 + below(most * size < room ? most * size : room), at = 0;
	uint8_t flags = (uint8_t)(0x10 | (below(3) ? 0 : 0x80) | (below(2) ? 8 : 0) | (below(5) ? 0 : 1));
	struct segmenter s;
	uint32_t len = put_packet(&f, super, flags, data, n);

	memset(super + (each.v6 ? 40 : 20) + (each.udp ? 6 : 16), 0xee, 2); /* nobody made it */
	assert_int_equal(
	    segment_begin(&s, super, len, each.udp ? SEGMENT_UDP : SEGMENT_TCP, (uint16_t)size), 0);
	assert_int_equal(segment_count(&s), (n + size - 1) / size);
	while (at < n) {
		uint32_t k = n - at < size ? n - at : size;
		uint8_t now = flags;

		if (at)
			now &= 0x7f;
		if (at + k < n)
			now &= (uint8_t)~9;
		len = put_packet(&each, want, now, data + at, k);
		assert_int_equal(segment_next(&s, got), len);
		assert_memory_equal(got, want, len);
		at += k;
	}
	assert_int_equal(segment_next(&s, got), 0);
}

static void test_segment_gives_the_packets_of_the_flow(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 4);
	rng.rng.fill(&rng.rng, data, sizeof(data));
	for (int i = 0; i < ROUNDS; i++)
		cut_one();
}

static void test_segment_what_is_no_such_packet_is_refused(void **state)
{
	struct flow f = {.udp = false, .ttl = 1, .src = {1}, .dst = {2}};
	struct segmenter s;
	uint32_t len;

	(void)state;
	len = put_packet(&f, super, 0x10, data, 3000);
	assert_int_equal(segment_begin(&s, super, len, SEGMENT_TCP, 1000), 0);
	assert_true(segment_begin(&s, super, len, SEGMENT_UDP, 1000) < 0);
	assert_true(segment_begin(&s, super, len, SEGMENT_TCP, 0) < 0);
	for (uint32_t n = 0; n < len; n++)
		assert_true(segment_begin(&s, super, n, SEGMENT_TCP, 1000) < 0);
	super[32] = 0xf0; /* its header would end behind the packet's */
	len = put_packet(&f, super, 0x10, data, 30);
	super[32] = 0xf0;
	assert_true(segment_begin(&s, super, len, SEGMENT_TCP, 1000) < 0);
	super[32] = 0x40;
	assert_true(segment_begin(&s, super, len, SEGMENT_TCP, 1000) < 0);
	super[32] = 0x50;
	super[6] = 0x20; /* more fragments */
	assert_true(segment_begin(&s, super, len, SEGMENT_TCP, 1000) < 0);
	len = put_packet(&f, super, 0x10, data, 0);
	assert_true(segment_begin(&s, super, len, SEGMENT_TCP, 1000) < 0);
}

/* A batch of packets of a few flows, mixed, with all that keeps packets apart. */
static struct {
	uint8_t *at;
	uint32_t len;
	uint16_t flow;
	bool wrong; /* its checksum */
} batch[MERGE_PACKETS_MAX];

static uint8_t arena[MERGE_PACKETS_MAX * 2048], before[MERGE_PACKETS_MAX * 2048];

static void fill_batch(uint32_t n)
{
	struct flow f[FLOWS];
	uint32_t size[FLOWS];

	for (uint16_t i = 0; i < FLOWS; i++) {
		f[i] = any_flow();
		size[i] = 1 + below(1400);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint16_t k = below(8) ? (uint16_t)(i / 40 % FLOWS) : (uint16_t)below(FLOWS);
		uint8_t flags = below(30) ? 0x10 : (uint8_t)below(256);

		if (!below(40))
			f[k].seq += 1;
		if (!below(60))
			f[k].window ^= 1;
		if (!below(60))
			f[k].tos ^= 3;
		if (!below(60))
			f[k].id += 7;
		if (!below(60))
			f[k].options[0] ^= 1;
		batch[i].at = arena + i * 2048;
		batch[i].flow = k;
		batch[i].len = put_packet(&f[k], batch[i].at, flags, data, below(15) ? size[k] : below(1400));
		batch[i].wrong = !below(25);
		if (batch[i].wrong)
			batch[i].at[batch[i].len - 1] ^= 0x20;
	}
	memcpy(before, arena, sizeof(arena));
}

/* Gathers a chain as writev() would. */
static uint32_t gather(const struct merger *m, const struct merge_unit *u)
{
	uint32_t n = 0;

	for (uint16_t i = u->first; i != MERGE_NONE; i = m->link[i].next) {
		uint32_t skip = i == u->first ? 0 : u->hdr_len;

		memcpy(super + n, m->link[i].pkt + skip, m->link[i].len - skip);
		n += m->link[i].len - skip;
	}
	return n;
}

static void check_chain(const struct merger *m, const struct merge_unit *u)
{
	struct segmenter s;

	assert_int_equal(gather(m, u), u->len);
	assert_int_equal(segment_begin(&s, super, u->len, u->kind, u->size), 0);
	assert_int_equal(segment_count(&s), u->n);
	for (uint16_t i = u->first; i != MERGE_NONE; i = m->link[i].next) {
		uint32_t len = segment_next(&s, got);

		assert_int_equal(len, batch[i].len);
		if (!u->v6 && before[i * 2048u + 6] & 0x40) { /* numbered anew, for nobody to see */
			memcpy(got + 4, before + i * 2048u + 4, 2);
			memcpy(got + 10, before + i * 2048u + 10, 2);
		}
		assert_memory_equal(got, before + i * 2048u, len);
		assert_false(batch[i].wrong);
	}
}

/* Returns how many packets were spared. */
static uint32_t merge_one(bool udp)
{
	static struct merger m;
	uint32_t n = 1 + below(MERGE_PACKETS_MAX), seen = 0;
	int last[FLOWS];

	fill_batch(n);
	memset(last, 0xff, sizeof(last));
	merge_begin(&m, udp);
	for (uint32_t i = 0; i < n; i++)
		merge_add(&m, batch[i].at, batch[i].len);
	for (uint16_t k = 0; k < m.n_units; k++) {
		struct merge_unit *u = &m.unit[k];

		merge_seal(u);
		for (uint16_t i = u->first; i != MERGE_NONE; i = m.link[i].next, seen++) {
			assert_true((int)i > last[batch[i].flow]); /* nothing overtakes */
			last[batch[i].flow] = i;
			assert_int_equal(batch[i].flow, batch[u->first].flow);
		}
		if (u->n > 1) {
			assert_true(udp || u->kind == SEGMENT_TCP);
			check_chain(&m, u);
		} else {
			assert_memory_equal(
			    batch[u->first].at, before + u->first * 2048u, batch[u->first].len);
		}
	}
	assert_int_equal(seen, n);
	return n - m.n_units;
}

static void test_merge_chains_are_what_cutting_gives_back(void **state)
{
	uint32_t spared = 0;

	(void)state;
	rng_seeded_init(&rng, 5);
	rng.rng.fill(&rng.rng, data, sizeof(data));
	for (int i = 0; i < ROUNDS / 3; i++)
		spared += merge_one(i % 2);
	assert_true(spared > ROUNDS); /* or nothing was tried */
}

static void test_merge_a_flow_in_a_hurry_is_one_unit(void **state)
{
	static struct merger m;
	struct flow f = {.v6 = false, .df = true, .ttl = 64, .src = {10}, .dst = {11}};

	(void)state;
	merge_begin(&m, false);
	for (int i = 0; i < 40; i++) {
		uint8_t *at = arena + i * 2048;

		merge_add(&m, at, put_packet(&f, at, i == 39 ? 0x18 : 0x10, data, 1400));
	}
	assert_int_equal(m.n_units, 1);
	merge_seal(&m.unit[0]);
	assert_int_equal(m.unit[0].n, 40);
	assert_int_equal(m.unit[0].len, 40 + 40 * 1400);
	assert_int_equal(m.unit[0].pkt[33], 0x18); /* the last one's PSH */
}

static void test_merge_rubbish_stays_alone(void **state)
{
	static struct merger m;

	(void)state;
	rng_seeded_init(&rng, 6);
	for (int round = 0; round < ROUNDS; round++) {
		merge_begin(&m, true);
		rng.rng.fill(&rng.rng, arena, 8 * 2048);
		for (uint32_t i = 0; i < 8; i++) {
			arena[i * 2048] = below(2) ? 0x45 : 0x60;
			arena[i * 2048 + (arena[i * 2048] == 0x45 ? 9 : 6)] = below(2) ? 6 : 17;
			merge_add(&m, arena + i * 2048, below(100));
		}
		assert_int_equal(m.n_units, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segment_gives_the_packets_of_the_flow),
	    cmocka_unit_test(test_segment_what_is_no_such_packet_is_refused),
	    cmocka_unit_test(test_merge_chains_are_what_cutting_gives_back),
	    cmocka_unit_test(test_merge_a_flow_in_a_hurry_is_one_unit),
	    cmocka_unit_test(test_merge_rubbish_stays_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
