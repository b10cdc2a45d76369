/*
 * Where a stranger's first message has its place in a table: by what he chose himself, his cookie (of version
 * 2: SPI) and his address, and by a key of ours, so that he cannot choose the place.
 */
#ifndef POSTERN_KEYD_CORE_SPREAD_H
#define POSTERN_KEYD_CORE_SPREAD_H

#include <stdint.h>

#include "base/rng.h"
#include "inet/addr.h"

struct spread {
	uint64_t key[2]; /* never shown */
};

void spread_init(struct spread *s, struct rng *rng);
/* Any number, of which the low bits may serve for a table. The cookie has 8 octets. */
uint64_t spread_of(const struct spread *s, const uint8_t *cookie, const struct inet_addr *from);

#endif
