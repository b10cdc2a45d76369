/*
 * Hints from one worker to the control thread that packets come for an SA that is not there: a bounded ring
 * with one writer and one reader. Anybody can send such packets, so a full ring loses hints and nothing else.
 */
#ifndef POSTERN_DATAPATHD_UNKNOWN_RING_H
#define POSTERN_DATAPATHD_UNKNOWN_RING_H

#include <stdint.h>

#include "datapathd/ring.h"
#include "inet/addr.h"
#include "ipsec/policy.h"

enum { UNKNOWN_RING_SLOTS = 64 };

struct unknown_spi {
	struct inet_addr src, dst; /* of the packet */
	enum ipsec_proto proto;
	uint32_t spi;
};

RING(unknown_ring, struct unknown_spi, UNKNOWN_RING_SLOTS)

#endif
