/*
 * Superpackets: many segments of one TCP or UDP flow under one header, as the kernel hands them through a TUN
 * device with segmentation offload. Here they are cut into the packets that they stand for.
 */
#ifndef POSTERN_WIRE_IP_SEGMENT_H
#define POSTERN_WIRE_IP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum segment_kind { SEGMENT_TCP, SEGMENT_UDP };

enum {
	SEGMENT_HEADERS_MAX = 60 + 60 /* of IPv4 and TCP with all their options; IPv6 with extension headers
	                                 is longer and is refused when it exceeds this */
};

/* Where cutting stands. */
struct segmenter {
	const uint8_t *pkt; /* borrowed */
	uint32_t len;
	uint32_t hdr_len;   /* IP and upper header */
	uint16_t upper_off; /* of the latter */
	uint16_t size;      /* octets of payload in each packet but the last */
	uint32_t at;        /* octets of payload that have been given out */
	uint64_t sum;       /* of what the upper checksum covers and no packet changes */
	enum segment_kind kind;
	bool v6;
};

/*
 * `pkt` is a superpacket of `len` octets whose upper checksum need not be right; `size` is the payload of a
 * packet. 0; -EINVAL: not a whole packet of that kind, a fragment, headers longer than SEGMENT_HEADERS_MAX,
 * or no payload or size.
 */
must_check int segment_begin(
    struct segmenter *s, const uint8_t *pkt, size_t len, enum segment_kind kind, uint16_t size);

/* How many packets it becomes. */
uint32_t segment_count(const struct segmenter *s);

/*
 * The next packet, with headers and checksums of its own (RFC 9293 section 3.1: numbers move on, FIN and PSH
 * belong to the last one, CWR to the first; IPv4's identification counts up). Needs s->hdr_len + s->size
 * octets. Octets written; 0 when there is none left.
 */
uint32_t segment_next(struct segmenter *s, uint8_t *out);
/* The same for a packet whose payload lies at its place behind the headers already. */
uint32_t segment_next_head(struct segmenter *s, uint8_t *out);

#endif
