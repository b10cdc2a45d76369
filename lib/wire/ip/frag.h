/*
 * Cutting one IPv4 packet into fragments (RFC 791 section 3.2): headers are made here, payload is pointed to.
 */
#ifndef POSTERN_WIRE_IP_FRAG_H
#define POSTERN_WIRE_IP_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum ip4_frag_outcome {
	IP4_FRAG_OK = 0,
	IP4_FRAG_DF,      /* longer than the MTU and not to be fragmented: tell the sender */
	IP4_FRAG_BAD_MTU, /* not even 8 octets of payload fit */
};

/* Fields are the iterator's own. */
struct ip4_fragger {
	const uint8_t *pkt;
	uint32_t pos, end; /* offsets of what is still to be sent */
	uint32_t mtu;
	uint16_t hdr_len, orig_off;
	uint8_t later_hdr_len; /* header of all but the first: without options that are not copied */
	uint8_t later_hdr[IP4_HDR_MAX];
	bool orig_more;
};

struct ip4_frag {
	uint8_t hdr[IP4_HDR_MAX]; /* complete, checksum included */
	uint16_t hdr_len;
	const uint8_t *data; /* borrowed from the packet */
	uint32_t len;
};

/* Starts on a packet that ip_parse() accepted; a fragment may be fragmented further. A packet that fits gives
 * itself as its only fragment. 0 or a positive enum ip4_frag_outcome. */
must_check int ip4_fragger_init(struct ip4_fragger *f, const struct ip_view *v, uint32_t mtu);
/* The next fragment, in order; false when all were given. */
bool ip4_fragger_next(struct ip4_fragger *f, struct ip4_frag *ret);

#endif
