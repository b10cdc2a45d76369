/*
 * The traffic class across a tunnel (RFC 4301 section 5.1.2, RFC 6040).
 */
#ifndef POSTERN_WIRE_IP_ECN_H
#define POSTERN_WIRE_IP_ECN_H

#include <stdint.h>

#include "base/auto.h"

enum ecn_mode {
	ECN_NORMAL = 0, /* RFC 6040 normal mode: ECN is copied both ways */
	ECN_FORBIDDEN,  /* compatibility mode, KAME's default: the outer header never carries ECN */
};

enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

enum ecn_outcome {
	ECN_OK = 0,
	ECN_DROP, /* congestion was marked on a packet whose sender cannot hear it (RFC 6040 section 4.2) */
};

/* RFC 4301 section 5.1.2.1: whether the service class shows outside. */
enum dscp_mode {
	DSCP_COPY = 0, /* the outer header carries the inner DSCP */
	DSCP_ZERO,     /* the outer header says nothing about what is inside */
};

/* Traffic class of the outer header for this inner one. Decapsulation needs no DSCP mode: the inner one
 * stays. */
uint8_t tos_encapsulate(uint8_t inner_tos, enum ecn_mode ecn, enum dscp_mode dscp);
/* The same with DSCP_COPY. */
uint8_t ecn_encapsulate(uint8_t inner_tos, enum ecn_mode mode);

/* Traffic class the inner packet goes on with; DSCP stays the inner one's. 0 or ECN_DROP. */
must_check int ecn_decapsulate(uint8_t outer_tos, uint8_t inner_tos, enum ecn_mode mode, uint8_t *ret_tos);

#endif
