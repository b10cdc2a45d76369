/*
 * AH (RFC 4302): its header, and the view of a packet over which the ICV is computed, with the fields that
 * change in transit as zeros.
 */
#ifndef POSTERN_WIRE_ESP_AH_H
#define POSTERN_WIRE_ESP_AH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum {
	AH_FIXED_LEN = 12,
	AH_LEN_MAX = AH_FIXED_LEN + 32 + 4, /* longest ICV and its padding */
	AH_HDR_MAX = 512,                   /* IP headers in front of it; more has no honest use */
};

enum ah_outcome {
	AH_OK = 0,
	AH_SHORT,      /* fewer octets than the header says */
	AH_BAD_LEN,    /* payload length does not fit the ICV of the SA */
	AH_BAD_OPTION, /* IP options or extension headers that cannot be walked, or more than AH_HDR_MAX
	                  octets */
	AH_ROUTED, /* a route still to be followed, of a kind whose end we do not work out (RFC 4302 appendix
	              A) */
};

/* Octets of the whole AH for this ICV: a multiple of 4 over IPv4, of 8 over IPv6. */
size_t ah_len(uint8_t icv_len, uint8_t ip_version);

/* A received or written header. */
struct ah_view {
	uint8_t next;
	uint32_t spi, seq;
	uint32_t hdr_len; /* what the payload length field says, in octets; at least 12 */
};

/* Writes ah_len() octets, ICV and its padding zero. */
void ah_write(uint8_t *ah, uint8_t icv_len, uint8_t ip_version, uint32_t spi, uint32_t seq, uint8_t next);

/* Before the SA is known. `len`: octets from ah to the end of the packet. 0, or AH_SHORT. */
must_check int ah_parse(const void *ah, size_t len, struct ah_view *ret);
/* Whether the header has the length this SA's ICV needs. 0, or AH_BAD_LEN. Peers that align to 8 over IPv4
 * too are accepted. */
must_check int ah_check_len(const struct ah_view *v, uint8_t icv_len, uint8_t ip_version);

/* Whose view of the headers: the sender's is of a packet whose route lies ahead of it. */
enum ah_side { AH_SENDING, AH_RECEIVED };

/* The octets the ICV is computed over: three pieces, the last one borrowed from the packet. */
struct ah_pieces {
	uint8_t ip[AH_HDR_MAX]; /* headers in front of AH, mutable fields zero */
	uint8_t ah[AH_LEN_MAX]; /* AH, ICV zero */
	struct iovec v[3];
};

/*
 * For the packet at pkt of either family, whose AH begins at ah_off (ip_find_ipsec() says where); `total_len`
 * octets, the headers' own length and protocol fields being as they are on the wire. Destination options
 * behind AH are payload. IPv4 source routes are refused on both sides; IPv6 routing headers see
 * ah6_mask_headers(). *ret must not move afterwards: v points into it. 0, AH_SHORT, AH_BAD_LEN, AH_BAD_OPTION
 * or AH_ROUTED.
 */
must_check int ah_pieces(const uint8_t *pkt, size_t total_len, uint16_t ah_off, uint8_t icv_len,
    enum ah_side side, struct ah_pieces *ret);

const char *ah_outcome_name(enum ah_outcome o);

#endif
