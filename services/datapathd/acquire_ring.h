/*
 * Acquire hints from one worker to the control thread: a bounded ring with one writer and one reader. A full
 * ring loses hints, never packets' time.
 */
#ifndef POSTERN_DATAPATHD_ACQUIRE_RING_H
#define POSTERN_DATAPATHD_ACQUIRE_RING_H

#include <stdint.h>

#include "datapathd/ring.h"
#include "ipsec/selector.h"

enum { ACQUIRE_RING_SLOTS = 256 };

struct acquire_hint {
	uint32_t policy_id;
	uint8_t request;           /* index in the policy */
	struct packet_key packet;  /* that asked */
	struct inet_addr src, dst; /* of the SA wanted */
};

RING(acquire_ring, struct acquire_hint, ACQUIRE_RING_SLOTS)

#endif
