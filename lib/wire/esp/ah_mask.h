/*
 * The IP headers in front of an AH as its ICV sees them (RFC 4302 section 3.3.3.1 and appendix A): what
 * routers change is zero, what they change in a known way is as it will arrive.
 */
#ifndef POSTERN_WIRE_ESP_AH_MASK_H
#define POSTERN_WIRE_ESP_AH_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/esp/ah.h"

/*
 * Copies an IPv4 header with options and zeroes what changes in transit: TOS, flags, fragment offset, TTL,
 * checksum, mutable options. 0, AH_SHORT, AH_BAD_OPTION or AH_ROUTED.
 */
must_check int ah4_mask_header(const uint8_t *hdr, size_t hdr_len, uint8_t out[AH_HDR_MAX]);

/*
 * Copies the IPv6 header and the extension headers up to ah_off. Class, flow label, hop limit and options
 * marked as changing are zero. A routing header that is still to be followed is AH_SENDING's only, of type 0
 * or 2, and is written as the last host sees it. The fragment header of a whole datagram (RFC 6946) is left
 * out, because it comes after AH and goes before it; so *ret_len can be ah_off less 8. 0, AH_SHORT,
 * AH_BAD_OPTION or AH_ROUTED.
 */
must_check int ah6_mask_headers(
    const uint8_t *pkt, size_t ah_off, enum ah_side side, uint8_t out[AH_HDR_MAX], size_t *ret_len);

#endif
