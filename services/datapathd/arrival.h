/*
 * What the kernel says about a received packet beside its octets: a raw IPv6 socket gives what is behind the
 * headers, and a UDP socket what is behind its own, with the rest in control messages. The pipeline works on
 * packets, so the IP header is put in front again: for AH every octet of it that counts must be what it was.
 */
#ifndef POSTERN_DATAPATHD_ARRIVAL_H
#define POSTERN_DATAPATHD_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "datapathd/batch.h"

enum { ARRIVAL_EXT_ROOM = 512 /* octets: what AH can mask, and no more (wire/esp/ah.h) */ };

struct arrival {
	uint8_t src[16], dst[16];
	bool has_dst;
	uint8_t tos, hops;
	uint16_t sport;
	uint32_t scope, ifindex;       /* v6: of a link-local sender; where it came in */
	uint8_t first;                 /* the first extension header's number, when there are any */
	uint32_t ext_len, last;        /* in octets; where the last one begins */
	uint8_t ext[ARRIVAL_EXT_ROOM]; /* in order */
	bool unfit;                    /* more extension headers than there is room for, or half a one */
	uint32_t segment; /* octets of each of the datagrams that came as one, but the last; 0: one */
};

/* Of a message received with its sender's address and control messages. False when the kernel did not say
 * enough. */
bool arrival_read(struct msghdr *m, bool v6, struct arrival *ret);

/* Puts the header in front of what is at p->data, as of a packet of `proto`. False: it would be too long for
 * a packet. */
bool arrival_put_header(struct pkt *p, const struct arrival *a, bool v6, uint8_t proto);

#endif
