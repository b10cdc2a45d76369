/*
 * What of our packet an ICMP error quotes (RFC 792, RFC 4443 section 2.4 (c)): a stranger's octets, which may
 * end anywhere.
 */
#ifndef POSTERN_DATAPATHD_STAGE_QUOTED_H
#define POSTERN_DATAPATHD_STAGE_QUOTED_H

#include "datapathd/stage/path.h"

/* From the header of `proto` on, which for ESP in UDP is what is behind UDP's. Sets proto, spi, seq and
 * has_seq; false when not even the SPI is quoted. Routers need not quote more than eight octets: enough for
 * ESP, not for the number of AH. */
bool quoted_header(enum ipsec_proto proto, const uint8_t *at, size_t n, struct path_report *ret);

/* A whole ICMPv6 "too big" of n octets. False when it is not about AH of ours, or about a later fragment. */
bool quoted_ah6(const uint8_t *icmp, size_t n, struct path_report *ret);

#endif
