/*
 * A bucket that is full again has nothing to remember, so its place is free for another address.
 */
#include "inet/meter.h"

#include <string.h>

static uint32_t hash(const struct inet_addr *a)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < inet_addr_len(a); i++)
		h = (h ^ a->b[i]) * 16777619U;
	return h;
}

void meter_init(struct meter *m, uint32_t rate, uint32_t burst)
{
	memset(m, 0, sizeof(*m));
	m->rate = rate;
	m->burst = burst;
}

bool meter_ok(struct meter *m, const struct inet_addr *a, uint64_t now_ms)
{
	uint32_t at = hash(a) % METER_PLACES;
	struct bucket *b = &m->place[at].bucket;

	if (!b->rate ||
	    (!inet_addr_equal(&m->place[at].addr, a) && bucket_wait_ms(b, m->burst, now_ms) == 0)) {
		m->place[at].addr = *a;
		bucket_init(b, m->rate, m->burst, now_ms);
	}
	if (bucket_take(b, 1, now_ms))
		return true;
	m->n_refused++;
	return false;
}
