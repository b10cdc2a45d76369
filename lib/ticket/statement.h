/*
 * A statement: what a peer's signature has to be over, as certd says it to certd-verify by way of keyd. It is
 * under the same key as tickets and can never be taken for one.
 */
#ifndef POSTERN_TICKET_STATEMENT_H
#define POSTERN_TICKET_STATEMENT_H

#include "ticket/ticket.h"

enum {
	STATEMENT_ID_MAX = 4 + IKE_ID_DATA_MAX,
	/* of what is signed: version 1 a hash, version 2 a message of 8192 octets, a nonce and a hash */
	STATEMENT_OVER_MAX = 8192 + 32 + 64,
	STATEMENT_MAX = STATEMENT_ID_MAX + STATEMENT_OVER_MAX + 256
};

struct statement {
	uint64_t generation;   /* of the configuration, */
	uint32_t peer;         /* and the peer's index in it */
	struct inet_addr addr; /* where the peer's messages come from */
	uint8_t icookie[TICKET_COOKIE_LEN], rcookie[TICKET_COOKIE_LEN];
	uint8_t version; /* of IKE: says what `over` is, and what a signature is */
	uint16_t n_id;
	uint8_t id[STATEMENT_ID_MAX]; /* body of the peer's ID payload */
	const uint8_t
	    *over; /* borrowed; version 1: HASH_I or HASH_R; version 2: RFC 7296 section 2.15's octets */
	uint16_t n_over;
	uint64_t expires_ms; /* CLOCK_BOOTTIME */
};

/* Octets written; -EINVAL for lengths that are none; -EMSGSIZE. */
must_check int statement_seal(
    const struct ticket_key *key, const struct statement *s, uint8_t *buf, size_t room);
/* Believes octets from keyd, into which *ret points. 0; -EBADMSG: certd did not write this; -EKEYEXPIRED;
 * with a sentence. */
must_check int statement_open(const struct ticket_key *key, const uint8_t *buf, size_t n, uint64_t now_ms,
    struct statement *ret, struct err_text *e);

#endif
