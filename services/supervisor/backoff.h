/*
 * How long a service that ended waits before it is started again.
 */
#ifndef POSTERN_SUPERVISOR_BACKOFF_H
#define POSTERN_SUPERVISOR_BACKOFF_H

#include <stdint.h>

#include "base/rng.h"

enum {
	BACKOFF_MIN_MS = 100, /* one crash is over before anybody notices */
	BACKOFF_MAX_MS = 5000,
	BACKOFF_HEALTHY_MS = 10000, /* a life this long forgives what was before */
};

struct backoff {
	uint32_t failures; /* in a row */
};

/* The delay after a life of `lived_ms` (0: it never was ready): doubling from MIN to MAX, a quarter either
 * way at random. */
uint32_t backoff_next_ms(struct backoff *b, uint64_t lived_ms, struct rng *rng);

#endif
