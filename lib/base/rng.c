/*
 * The seeded generator is SplitMix64: one 64-bit state, good enough to drive tests, and reproducible from the
 * number a failing test prints.
 */
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void kernel_fill(struct rng *r, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)r;
	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got <= 0)
			abort();
		p += got;
		n -= (size_t)got;
	}
}

struct rng rng_kernel = {.fill = kernel_fill};

static uint64_t splitmix_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void seeded_fill(struct rng *r, void *buf, size_t n)
{
	struct rng_seeded *s = (struct rng_seeded *)r;
	uint8_t *p = buf;

	while (n) {
		uint64_t v = splitmix_next(&s->state);
		size_t take = n < sizeof(v) ? n : sizeof(v);

		memcpy(p, &v, take);
		p += take;
		n -= take;
	}
}

void rng_seeded_init(struct rng_seeded *r, uint64_t seed)
{
	r->rng.fill = seeded_fill;
	r->state = seed;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint32_t limit = UINT32_MAX - UINT32_MAX % n, v;

	do
		r->fill(r, &v, sizeof(v));
	while (v >= limit);
	return v % n;
}
