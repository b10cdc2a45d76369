/*
 * IPComp (RFC 3173) with DEFLATE (RFC 2394): the header, and a codec that takes its memory once. Every packet
 * is compressed for itself; nothing of one is remembered for the next.
 */
#ifndef POSTERN_WIRE_COMP_IPCOMP_H
#define POSTERN_WIRE_COMP_IPCOMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	IPCOMP_HDR_LEN = 4,
	IPCOMP_CPI_DEFLATE = 2, /* RFC 3173 section 3.3: well-known, good without negotiation */
	IPCOMP_MIN_LEN = 90,    /* shorter payloads are not worth a try (RFC 2394 section 3) */
};

enum ipcomp_outcome {
	IPCOMP_OK = 0,
	IPCOMP_NO_GAIN,  /* with its header the result would not be shorter: send the payload as it is */
	IPCOMP_BAD,      /* not a DEFLATE stream, cut off, or with something behind its end */
	IPCOMP_TOO_LONG, /* decompressed, it is longer than the room */
	IPCOMP_SHORT,    /* fewer octets than the header */
};

struct ipcomp_view {
	uint8_t next;
	uint16_t cpi;
};

/* Writes IPCOMP_HDR_LEN octets, flags 0. */
void ipcomp_write(uint8_t *hdr, uint8_t next, uint16_t cpi);
/* Flags are for later versions and are not looked at (RFC 3173 section 3.3). 0, or IPCOMP_SHORT. */
must_check int ipcomp_parse(const void *hdr, size_t len, struct ipcomp_view *ret);

/* One per thread. */
struct ipcomp_codec;

/* Takes all memory the codec will ever use, some 50 KiB. 0, -ENOMEM, or -ENOTSUP when the zlib found at run
 * time is not one this was built for. */
must_check int ipcomp_codec_new(struct ipcomp_codec **ret);
/* Wipes what is left of packets. NULL is fine; returns NULL. */
struct ipcomp_codec *ipcomp_codec_free(struct ipcomp_codec *c);

/* Compresses n octets, which do not overlap with out. 0, or IPCOMP_NO_GAIN with out undefined; also when the
 * result would not be shorter than room. */
must_check int ipcomp_deflate(
    struct ipcomp_codec *c, const void *in, size_t n, void *out, size_t room, size_t *ret_len);
/* The inverse. However small the input, no more than room octets are written and no memory is taken. 0,
 * IPCOMP_BAD or IPCOMP_TOO_LONG. */
must_check int ipcomp_inflate(
    struct ipcomp_codec *c, const void *in, size_t n, void *out, size_t room, size_t *ret_len);

const char *ipcomp_outcome_name(enum ipcomp_outcome o);

#endif
