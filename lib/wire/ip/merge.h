/*
 * The other way round: packets of one TCP or UDP flow that follow each other become one superpacket, which
 * the kernel takes through a TUN device for the price of one. Nothing is copied: a superpacket is a chain of
 * packets, of which the first one's headers speak for all.
 */
#ifndef POSTERN_WIRE_IP_MERGE_H
#define POSTERN_WIRE_IP_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/segment.h"

enum {
	MERGE_PACKETS_MAX = 192,
	MERGE_SEGMENTS_MAX = 64, /* in a chain: what any Linux takes of UDP */
	MERGE_LEN_MAX = 65535,
	MERGE_FLOWS = 256,
	MERGE_NONE = 0xffff,
};

/* One packet or a chain of them, to be delivered in the place of its first. */
struct merge_unit {
	uint8_t *pkt; /* the first one */
	uint32_t len; /* of all, with one header */
	uint16_t first, last, n;
	uint16_t hdr_len, upper_off; /* 0: it is no flow's, or cannot grow */
	uint16_t size;               /* payload of each but the last */
	uint32_t next_seq;           /* TCP */
	enum segment_kind kind;
	bool v6, closed, verified, psh;
};

struct merger {
	bool udp; /* whether the kernel takes chains of UDP */
	uint16_t n, n_units;
	struct merge_unit unit[MERGE_PACKETS_MAX];
	struct merge_link {
		uint8_t *pkt;
		uint32_t len;
		uint16_t next; /* MERGE_NONE: the last of its unit */
	} link[MERGE_PACKETS_MAX];
	uint16_t by_flow[MERGE_FLOWS]; /* the newest unit of a flow; MERGE_NONE */
};

void merge_begin(struct merger *m, bool udp);

/*
 * The next packet in order; `pkt` is a whole IP packet and stays where it is until the units are used. Two
 * packets are joined only when their checksums are right (behind the device nobody will look again), and when
 * cutting the chain gives exactly these packets back. The packets of a flow keep their order. At most
 * MERGE_PACKETS_MAX.
 */
void merge_add(struct merger *m, uint8_t *pkt, uint32_t len);

/* Turns a chain's first header into that of the superpacket: lengths of all, and the sum of the
 * pseudo-header in the place of the upper checksum, as the kernel wants it. Nothing for a unit of one. */
void merge_seal(struct merge_unit *u);

#endif
