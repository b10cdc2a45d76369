/*
 * A bucket that is full again has nothing to remember, so its place is free for another address.
 */
#include "certd/meter.h"

static uint32_t hash(const struct inet_addr *a)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < inet_addr_len(a); i++)
		h = (h ^ a->b[i]) * 16777619U;
	return h;
}

bool meter_ok(struct meter *m, const struct inet_addr *a, uint64_t now_ms)
{
	uint32_t at = hash(a) % METER_PLACES;
	struct bucket *b = &m->place[at].bucket;

	if (!b->rate ||
	    (!inet_addr_equal(&m->place[at].addr, a) && bucket_wait_ms(b, METER_BURST, now_ms) == 0)) {
		m->place[at].addr = *a;
		bucket_init(b, METER_RATE, METER_BURST, now_ms);
	}
	if (bucket_take(b, 1, now_ms))
		return true;
	m->n_refused++;
	return false;
}
