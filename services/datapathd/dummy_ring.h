/*
 * Associations that are to send a dummy packet, from the control thread to one worker: a bounded ring with
 * one writer and one reader. They are named, not pointed to, since they may be gone by then. A full ring
 * means that the rest is asked for again next time.
 */
#ifndef POSTERN_DATAPATHD_DUMMY_RING_H
#define POSTERN_DATAPATHD_DUMMY_RING_H

#include <stdint.h>

#include "datapathd/ring.h"
#include "inet/addr.h"

enum { DUMMY_RING_SLOTS = 256 };

struct dummy_due {
	struct inet_addr dst;
	uint32_t spi; /* of ESP */
};

RING(dummy_ring, struct dummy_due, DUMMY_RING_SLOTS)

#endif
