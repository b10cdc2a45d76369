/*
 * How often somebody at an address may make us work: a token bucket an address, in a table that does not
 * grow. Addresses that share a place share its bucket while it is in use.
 */
#ifndef POSTERN_INET_METER_H
#define POSTERN_INET_METER_H

#include "base/bucket.h"
#include "inet/addr.h"

enum { METER_PLACES = 4096 };

struct meter {
	uint32_t rate, burst; /* tokens a second, and the most there are */
	struct {
		struct inet_addr addr;
		struct bucket bucket;
	} place[METER_PLACES];
	uint64_t n_refused;
};

/* Empties it. */
void meter_init(struct meter *m, uint32_t rate, uint32_t burst);
/* False: not so often. */
bool meter_ok(struct meter *m, const struct inet_addr *a, uint64_t now_ms);

#endif
