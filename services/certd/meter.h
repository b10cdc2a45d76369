/*
 * How often somebody at an address may make certd work: a token bucket an address, in a table that does not
 * grow. Addresses that share a place share its bucket while it is in use.
 */
#ifndef POSTERN_CERTD_METER_H
#define POSTERN_CERTD_METER_H

#include "base/bucket.h"
#include "inet/addr.h"

enum { METER_PLACES = 4096, METER_RATE = 10, METER_BURST = 40 };

struct meter {
	struct {
		struct inet_addr addr;
		struct bucket bucket;
	} place[METER_PLACES];
	uint64_t n_refused;
};

/* False: not so often. A meter is zeroed at first. */
bool meter_ok(struct meter *m, const struct inet_addr *a, uint64_t now_ms);

#endif
