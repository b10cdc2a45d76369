/*
 * Where a new header goes around an outbound packet, and the IP and UDP headers in front of it: the same for
 * ESP, AH and IPComp, for both modes and both families.
 */
#ifndef POSTERN_DATAPATHD_STAGE_SHELL_H
#define POSTERN_DATAPATHD_STAGE_SHELL_H

#include "datapathd/stage/path.h"

struct shell {
	uint8_t *at;        /* what is protected: the whole packet, or what is behind its IP headers */
	uint32_t len;       /* of it */
	uint32_t ip_len;    /* of the IP headers in front of the new header on the wire */
	uint32_t udp_len;   /* and of a UDP header behind those */
	uint16_t proto_off; /* of the octet in them that names what follows */
	uint8_t next;       /* what is protected, as a next header number */
};

/* False when the packet was dropped: extension headers that cannot be walked, or an SA that is at its end. */
bool shell_of(struct path *c, struct pkt *p, struct shell *ret);

/* Whether `head` octets of the new header and `total` of the whole fit; drops the packet otherwise. */
bool shell_fits(struct path *c, struct pkt *p, const struct shell *s, uint32_t head, uint32_t total);

/* Puts IP and UDP headers in front of `head` octets of the new header; `total` is the length of the result,
 * `proto` what it is. The packet then begins there, and counts for the SA's life if there is such a header.
 */
void shell_put(
    struct path *c, struct pkt *p, const struct shell *s, uint32_t head, uint32_t total, uint8_t proto);

/* Counts a header that was added in the statistics, and completes what depends on the sealed octets. */
void shell_sealed(struct path *c, struct pkt *p, enum hist hist, unsigned alg);

#endif
