/*
 * Who asks again: a filter of first messages that were turned away for want of time. A flood invents a cookie
 * for each of its messages; a peer repeats its own (RFC 2408 section 5.1), and is recognised by that. The
 * filter has a fixed size and forgets by being written over: wrong answers cost a chance, nothing else.
 */
#ifndef POSTERN_KEYD_CORE_REPEAT_H
#define POSTERN_KEYD_CORE_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "inet/addr.h"
#include "keyd/core/spread.h"

enum { REPEAT_MARKS = 1 << 20 }; /* 2 MiB, made when first needed */

struct repeat {
	struct spread spread; /* so that a stranger cannot choose whose mark is written over */
	uint16_t *mark;
};

void repeat_fini(struct repeat *r);
/* Whether this cookie (8 octets) from this address was here before; remembers it. False without memory. */
bool repeat_is(struct repeat *r, struct rng *rng, const uint8_t *cookie, const struct inet_addr *from);

#endif
