/*
 * How long a packet of an SA may be, and what that leaves for the packet inside (RFC 4301 section 8).
 */
#ifndef POSTERN_DATAPATHD_SA_PATH_MTU_H
#define POSTERN_DATAPATHD_SA_PATH_MTU_H

#include "datapathd/sa/rt.h"

enum {
	PATH_MTU_MIN4 = 576, /* less is not believed: every IPv4 host takes this much (RFC 791 section 3.1) */
	PATH_MTU_MIN6 = 1280, /* RFC 8200 section 5 */
	PATH_MTU_MS = 600000, /* ten minutes (RFC 1191 section 6.3, RFC 8201 section 4) */
};

/* 0: nothing is known. */
uint32_t sa_path_mtu(const struct sa_rt *rt, uint64_t now_ms);
/* Notes a smaller one; values below the family's least count as the least. True when that is news. */
bool sa_path_learn(struct sa_rt *rt, uint32_t mtu, uint64_t now_ms);

/*
 * The longest packet that, with this SA's header around it in this mode, is no longer than `room`; `hdr_len`
 * is the length of the packet's own IP header, which transport mode keeps in front. 0: none. Compression is
 * taken to gain nothing.
 */
uint32_t sa_inner_max(const struct sa_rt *rt, enum ipsec_mode mode, uint32_t hdr_len, uint32_t room);

/* Octets of a tunnel's outer headers in front of ESP, AH or IPComp: IP, and UDP where the SA has it. */
uint32_t sa_outer_len(const struct sa_rt *rt);

#endif
