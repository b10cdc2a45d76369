/*
 * ICMP errors that we make ourselves: "packet too big", without which a sender behind the tunnel never learns
 * how much fits (RFC 1191, RFC 8201).
 */
#ifndef POSTERN_WIRE_IP_ICMP_H
#define POSTERN_WIRE_IP_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum {
	ICMP_ERROR_MAX4 = 576,  /* longest error over IPv4 (RFC 1812 section 4.3.2.3) */
	ICMP_ERROR_MAX6 = 1280, /* longest over IPv6: its minimum MTU (RFC 4443 section 2.4 (c)) */
};

/*
 * Writes a whole IP packet: ICMPv4 type 3 code 4 or ICMPv6 type 2, from the quoted packet's destination to
 * its source, with as much of it as the limits and `room` allow (ICMP_ERROR_MAX6 is always enough). mtu:
 * octets of the longest packet of that family that would have fit; IPv4 has 16 bits for it. Hosts take no
 * IPv6 MTU below 1280 to heart.
 *
 * Returns its length; 0 when no error may be sent (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)), or room
 * is too short. None is sent about an ICMP error or redirect, a later fragment, from a source that is no
 * single host's address, and to a destination that is none. RFC 4443 would let an error be sent about
 * multicast, but not from the group, and another address is not known here.
 */
must_check size_t icmp_too_big(const struct ip_view *about, uint32_t mtu, uint8_t *out, size_t room);

#endif
