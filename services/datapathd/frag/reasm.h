/*
 * Puts outbound IPv4 fragments together again for transport mode, which protects whole datagrams only.
 * Fragments come from our own kernel, yet nothing is taken on trust: places, sizes and times are bounded, and
 * a datagram whose pieces overlap is given up (RFC 5722's rule, for both families a sane one).
 */
#ifndef POSTERN_DATAPATHD_FRAG_REASM_H
#define POSTERN_DATAPATHD_FRAG_REASM_H

#include <stdint.h>

#include "base/auto.h"
#include "wire/ip/ip.h"

enum { REASM_PLACES = 32, REASM_MS = 15000 };

struct reasm;

int must_check reasm_new(struct reasm **ret);
/* NULL is fine; returns NULL. */
struct reasm *reasm_free(struct reasm *r);

enum reasm_outcome {
	REASM_WHOLE = 0, /* the datagram is complete: *ret_pkt, *ret_len */
	REASM_HELD,      /* kept */
	REASM_REFUSED,   /* overlaps, contradicts itself or is too long: the whole datagram is forgotten */
};

/* Takes a fragment (copied). WHOLE: the result is borrowed until the next call. */
int must_check reasm_put(
    struct reasm *r, const struct ip_view *v, uint64_t now_ms, const uint8_t **ret_pkt, uint32_t *ret_len);

#endif
