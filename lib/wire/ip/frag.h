/*
 * Cutting one packet into fragments (RFC 791 section 3.2, RFC 8200 section 4.5): headers are made here,
 * payload is pointed to.
 */
#ifndef POSTERN_WIRE_IP_FRAG_H
#define POSTERN_WIRE_IP_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum { IP_FRAG_HDR_MAX = 512 }; /* IPv6: header, extension headers of each fragment, fragment header */

enum ip_frag_outcome {
	IP_FRAG_OK = 0,
	IP_FRAG_DF,      /* IPv4: longer than the MTU and not to be fragmented; tell the sender */
	IP_FRAG_BAD_MTU, /* not even 8 octets of payload fit */
	IP_FRAG_BAD_HDR, /* IPv6: headers that each fragment repeats cannot be walked, or are too long */
};

/* Fields are the iterator's own. */
struct ip_fragger {
	const uint8_t *pkt;
	uint32_t pos, start, end; /* offsets: what is next, first and past the last to be sent */
	uint32_t mtu;
	uint16_t first_len; /* header of the first fragment, which is the packet's own but for IPv6 */
	uint16_t later_len; /* header of all others: IPv4, without options that are not copied */
	uint16_t orig_off;
	bool v6, cut; /* cut: IPv6 that gets fragment headers */
	bool orig_more;
	uint8_t hdr[IP_FRAG_HDR_MAX]; /* of later fragments; IPv6: of all */
};

struct ip_frag {
	uint8_t hdr[IP_FRAG_HDR_MAX]; /* complete, IPv4 checksum included */
	uint16_t hdr_len;
	const uint8_t *data; /* borrowed from the packet */
	uint32_t len;
};

/*
 * Starts on a packet that ip_parse() accepted; a fragment may be fragmented further. A packet that fits gives
 * itself as its only fragment. `id`: for the fragment headers of IPv6, a new one for each packet; a packet
 * that has a fragment header already keeps its own, and so does IPv4.
 *
 * IPv6 has no "don't fragment" because routers never do: call this only where this host is the packet's
 * source, of which v->df says nothing; elsewhere icmp_too_big() is the answer. 0 or a positive enum
 * ip_frag_outcome.
 */
must_check int ip_fragger_init(struct ip_fragger *f, const struct ip_view *v, uint32_t mtu, uint32_t id);
/* The next fragment, in order; false when all were given. */
bool ip_fragger_next(struct ip_fragger *f, struct ip_frag *ret);

#endif
