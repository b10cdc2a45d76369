/*
 * The Internet checksum (RFC 1071) and its incremental form (RFC 1624).
 */
#ifndef POSTERN_WIRE_IP_CSUM_H
#define POSTERN_WIRE_IP_CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

/* Adds n octets to a running sum. An odd count is padded with a zero octet, so only the last piece may be
 * odd. */
uint64_t csum_add(uint64_t sum, const void *p, size_t n);
/* The 16-bit checksum, in host order, ready to be stored big-endian. */
uint16_t csum_finish(uint64_t sum);
/* The checksum after a 16-bit word of what it covers changed. */
uint16_t csum_adjust(uint16_t csum, uint16_t old_word, uint16_t new_word);

/* The right checksum of an IPv4 header, whatever its checksum field holds. */
uint16_t csum_ip4_header(const uint8_t *hdr, size_t hdr_len);

/*
 * Completes what the kernel left to be done: the field at start + offset holds the folded pseudo-header sum,
 * and becomes the checksum of [start, len). 0, or -EINVAL when field or start lie outside the packet. A UDP
 * result of 0 is stored as 0xffff (offset 6).
 */
must_check int csum_complete(uint8_t *pkt, size_t len, size_t start, size_t offset);

struct ip_view;

/* The sum of the pseudo-header of a packet of either family (RFC 9293 section 3.1, RFC 8200 section 8.1), to
 * which csum_add() adds the upper layer. len: octets of the upper layer. The destination counts as it stands:
 * the final one, unless a routing header is still to be followed. */
uint64_t csum_pseudo(const uint8_t *pkt, uint8_t proto, uint32_t len);

/*
 * Computes anew the checksum of the TCP, UDP, UDP-Lite or ICMPv6 that v found in pkt, which v is of. UDP over
 * IPv4 that was sent without one stays so. False, and nothing changed, for fragments, other protocols and
 * headers that are cut off or contradict themselves.
 */
bool csum_l4_fill(uint8_t *pkt, const struct ip_view *v);

#endif
