/*
 * Randomness as an interface: the kernel's in service, a seeded one in tests and simulations.
 */
#ifndef POSTERN_BASE_RNG_H
#define POSTERN_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	/* Fills n bytes. Cannot fail: a kernel without randomness ends the process. */
	void (*fill)(struct rng *r, void *buf, size_t n);
};

/* getrandom(2). */
extern struct rng rng_kernel;

/* Reproducible, never for keys (xoshiro-like mixing of a 64-bit counter). */
struct rng_seeded {
	struct rng rng;
	uint64_t state;
};

void rng_seeded_init(struct rng_seeded *r, uint64_t seed);

/* A uniformly distributed number below n (n > 0). */
uint32_t rng_below(struct rng *r, uint32_t n);

#endif
