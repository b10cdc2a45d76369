/*
 * Stepping through IPv6 extension headers that stand in front of what is looked for (RFC 8200 section 4).
 */
#ifndef POSTERN_WIRE_IP_EXT6_H
#define POSTERN_WIRE_IP_EXT6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	IP6_HOPOPTS = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_AUTH = 51,
	IP6_DSTOPTS = 60,
	IP6_FRAGMENT_LEN = 8,
};

/* Where a header begins. Offsets are from the first octet of the packet; at least 2 octets are there. */
struct ext6 {
	const uint8_t *pkt; /* borrowed */
	size_t end;         /* octets that may be read */
	uint16_t at;        /* the header */
	uint16_t proto_off; /* the octet that names it */
	uint8_t type;       /* what that octet says */
	uint8_t walked;     /* headers left behind */
};

/* At the header right behind the fixed one. False when the packet has no fixed header. */
must_check bool ext6_first(const uint8_t *pkt, size_t len, struct ext6 *ret);
/* Hop-by-hop, routing or destination options. */
bool ext6_is_options(uint8_t type);
/* A fragment header with offset 0 and nothing to follow: a whole datagram (RFC 6946). */
bool ext6_is_atomic(const struct ext6 *e);
/* Octets of the header stood at: hop-by-hop, routing, destination options, fragment or AH. 0 when it is cut
 * off. */
size_t ext6_len(const struct ext6 *e);
/* To the next header. False, and e untouched, when this one is cut off or IP6_EXT_MAX were walked. */
must_check bool ext6_next(struct ext6 *e);

#endif
