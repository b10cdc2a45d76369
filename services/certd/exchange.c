/*
 * All live equally long, so the list by age is also the list by end, and looking at its head is enough. The
 * bucket of a nonce follows from random octets of ours: nobody can fill one on purpose.
 */
#include "certd/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void exchanges_init(struct exchanges *t, struct rng *rng)
{
	*t = (struct exchanges){.rng = rng};
	for (size_t i = 0; i < EXCHANGES_BUCKETS; i++)
		list_init(&t->bucket[i]);
	list_init(&t->open);
	list_init(&t->verified);
	rng->fill(rng, t->key.octets, sizeof(t->key.octets));
}

static struct list *lists_of(struct exchanges *t, unsigned i)
{
	return i ? &t->verified : &t->open;
}

void exchanges_fini(struct exchanges *t)
{
	for (unsigned i = 0; i < 2; i++)
		list_foreach_safe (x, next, lists_of(t, i), struct exchange, by_age)
			exchange_end(t, x);
	wipe(&t->key, sizeof(t->key));
}

static struct list *bucket_of(struct exchanges *t, const uint8_t *nonce)
{
	uint32_t h;

	memcpy(&h, nonce, sizeof(h));
	h ^= h >> 16; /* of a nonce for exchanges that we begin, top bits are 0 */
	return &t->bucket[h % EXCHANGES_BUCKETS];
}

void exchange_end(struct exchanges *t, struct exchange *x)
{
	list_remove(&x->by_nonce);
	list_remove(&x->by_age);
	t->n--;
	t->octets -= x->n_room;
	secret_free(x->skeyid);
	secret_free(x->pi);
	secret_free(x->pr);
	free(x->peer_id);
	free(x->kept);
	free(x);
}

/* Those whose time is over. */
static void expire(struct exchanges *t, uint64_t now_ms)
{
	for (unsigned i = 0; i < 2; i++)
		list_foreach_safe (x, next, lists_of(t, i), struct exchange, by_age) {
			if (x->ends_ms > now_ms)
				break;
			exchange_end(t, x);
		}
}

/* The oldest without a proved peer gives way, but not `keep`. False: there is none. */
static bool evict(struct exchanges *t, const struct exchange *keep)
{
	list_foreach (x, &t->open, struct exchange, by_age) {
		if (x == keep)
			continue;
		exchange_end(t, x);
		t->n_evicted++;
		return true;
	}
	return false;
}

int exchange_begin(
    struct exchanges *t, const struct session *s, bool we_began, uint64_t now_ms, struct exchange **ret)
{
	struct exchange *x;

	expire(t, now_ms);
	if (t->n >= EXCHANGES_MAX && !evict(t, NULL))
		return -EBUSY;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	*x = (struct exchange){
	    .s = *s, .we_began = we_began, .ends_ms = now_ms + EXCHANGE_MS, .tries = EXCHANGE_TRIES};
	if (nonce_make(&t->key, t->rng, we_began, x->nonce) < 0) {
		free(x);
		return -EIO;
	}
	list_append(bucket_of(t, x->nonce), &x->by_nonce);
	list_append(&t->open, &x->by_age);
	t->n++;
	*ret = x;
	return 0;
}

struct exchange *exchange_find(struct exchanges *t, struct ike1_octets nonce, uint64_t now_ms)
{
	expire(t, now_ms);
	if (nonce.n != NONCE_LEN)
		return NULL;
	list_foreach (x, bucket_of(t, nonce.p), struct exchange, by_nonce)
		if (memcmp(x->nonce, nonce.p, NONCE_LEN) == 0)
			return x;
	return NULL;
}

static struct ike1_octets put(struct exchange *x, struct ike1_octets o)
{
	struct ike1_octets r = {x->kept + x->n_kept, o.n};

	assert(o.n <= x->n_room - x->n_kept);
	if (o.n)
		memcpy(x->kept + x->n_kept, o.p, o.n);
	x->n_kept += o.n;
	return r;
}

static int copy_facts(struct exchange *x, const struct exchange_facts *f, size_t octets)
{
	x->kept = malloc(octets);
	x->peer_id = f->peer_id ? malloc(sizeof(*x->peer_id)) : NULL;
	if (!x->kept || (f->peer_id && !x->peer_id)) {
		free(x->kept);
		free(x->peer_id);
		x->kept = NULL;
		x->peer_id = NULL;
		return -ENOMEM;
	}
	x->n_room = octets;
	if (f->peer_id)
		*x->peer_id = *f->peer_id;
	x->peer_nonce = put(x, f->peer_nonce);
	x->gxi = put(x, f->gxi);
	x->sa = put(x, f->sa);
	x->idi = put(x, f->idi);
	return 0;
}

/* For so many octets more than there are. */
static int make_room(struct exchanges *t, const struct exchange *x, size_t octets)
{
	while (t->octets + octets > EXCHANGES_OCTETS_MAX)
		if (!evict(t, x))
			return -EBUSY;
	return 0;
}

int exchange_keep(struct exchanges *t, struct exchange *x, const struct exchange_facts *f)
{
	/* The other public value will have the length of the first. */
	size_t octets = f->peer_nonce.n + 2 * f->gxi.n + f->sa.n + f->idi.n;
	int r = make_room(t, x, octets);

	if (r == 0)
		r = copy_facts(x, f, octets);
	if (r < 0)
		return r;
	t->octets += octets;
	memcpy(x->s.icookie, f->icookie, sizeof(x->s.icookie));
	memcpy(x->s.rcookie, f->rcookie, sizeof(x->s.rcookie));
	x->auth = f->auth;
	x->prf = f->prf;
	x->group = f->group;
	x->told = true;
	return 0;
}

static struct secret *copy_of(const struct secret *s)
{
	return secret_dup_bytes(secret_bytes(s), secret_len(s));
}

static int copy_facts2(struct exchange *x, const struct exchange_facts2 *f, size_t octets)
{
	x->kept = malloc(octets);
	x->pi = copy_of(f->pi);
	x->pr = copy_of(f->pr);
	if (!x->kept || !x->pi || !x->pr) {
		free(x->kept);
		x->kept = NULL;
		x->pi = secret_free(x->pi);
		x->pr = secret_free(x->pr);
		return -ENOMEM;
	}
	x->n_room = octets;
	x->peer_nonce = put(x, f->peer_nonce);
	x->message_i = put(x, f->message_i);
	x->message_r = put(x, f->message_r);
	return 0;
}

int exchange_keep2(
    struct exchanges *t, struct exchange *x, const struct exchange_facts2 *f, enum ike_auth_method auth)
{
	size_t octets = f->peer_nonce.n + f->message_i.n + f->message_r.n;
	int r = make_room(t, x, octets);

	if (r == 0)
		r = copy_facts2(x, f, octets);
	if (r < 0)
		return r;
	t->octets += octets;
	memcpy(x->s.icookie, f->spi_i, sizeof(x->s.icookie));
	memcpy(x->s.rcookie, f->spi_r, sizeof(x->s.rcookie));
	x->auth = auth;
	x->prf = f->prf;
	x->peer_hashes = f->peer_hashes;
	x->v2 = x->told = x->keyed = true;
	return 0;
}

void exchange_complete(struct exchange *x, struct ike1_octets gxr)
{
	x->gxr = put(x, gxr);
	x->keyed = true;
}

void exchange_verified(struct exchanges *t, struct exchange *x)
{
	struct list *at = &t->verified;

	x->verified = true;
	list_remove(&x->by_age);
	/* In order of their ends, which is not that of their proofs. */
	while (
	    at->prev != &t->verified && list_entry(at->prev, struct exchange, by_age)->ends_ms > x->ends_ms)
		at = at->prev;
	list_insert_before(at, &x->by_age);
}
