/*
 * Puts outbound fragments of both families together again for transport mode, which protects whole datagrams
 * only. Fragments come from our own kernel, yet nothing is taken on trust: places, sizes and times are
 * bounded, and a datagram whose pieces overlap is given up (RFC 5722's rule, for both families a sane one).
 */
#ifndef POSTERN_DATAPATHD_FRAG_REASM_H
#define POSTERN_DATAPATHD_FRAG_REASM_H

#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum {
	REASM_PLACES = 32,
	REASM_MS = 15000,
	REASM_HDR_MAX = 512,   /* IPv6 headers in front of the fragment header */
	REASM_LEN_MAX = 65535, /* whole, IP header included */
};

struct reasm;

int must_check reasm_new(struct reasm **ret);
/* NULL is fine; returns NULL. */
struct reasm *reasm_free(struct reasm *r);

enum reasm_outcome {
	REASM_WHOLE = 0, /* the datagram is complete: *ret_pkt, *ret_len */
	REASM_HELD,      /* kept */
	REASM_REFUSED,   /* overlaps, contradicts itself or is too long: the whole datagram is forgotten */
};

/*
 * Takes a fragment (copied), or an IPv6 packet with the fragment header of a whole datagram, which is whole
 * at once and touches nothing else (RFC 6946). WHOLE: the result, without fragment header, at most
 * REASM_LEN_MAX octets, is borrowed until the next call.
 */
int must_check reasm_put(
    struct reasm *r, const struct ip_view *v, uint64_t now_ms, const uint8_t **ret_pkt, uint32_t *ret_len);

#endif
