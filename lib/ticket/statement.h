/*
 * A statement: what a peer's signature has to be over, as certd says it to certd-verify by way of keyd. It is
 * under the same key as tickets and can never be taken for one.
 */
#ifndef POSTERN_TICKET_STATEMENT_H
#define POSTERN_TICKET_STATEMENT_H

#include "ticket/ticket.h"

enum {
	STATEMENT_ID_MAX = 4 + IKE_ID_DATA_MAX,
	STATEMENT_HASH_MAX = 64,
	STATEMENT_MAX = STATEMENT_ID_MAX + 256
};

struct statement {
	uint64_t generation;   /* of the configuration, */
	uint32_t peer;         /* and the peer's index in it */
	struct inet_addr addr; /* where the peer's messages come from */
	uint8_t icookie[TICKET_COOKIE_LEN], rcookie[TICKET_COOKIE_LEN];
	uint16_t n_id;
	uint8_t id[STATEMENT_ID_MAX]; /* body of the peer's ID payload */
	uint8_t n_hash;
	uint8_t hash[STATEMENT_HASH_MAX]; /* HASH_I or HASH_R, the peer's */
	uint64_t expires_ms;              /* CLOCK_BOOTTIME */
};

/* Octets written; -EINVAL for lengths that are none; -EMSGSIZE. */
must_check int statement_seal(
    const struct ticket_key *key, const struct statement *s, uint8_t *buf, size_t room);
/* Believes octets from keyd. 0; -EBADMSG: certd did not write this; -EKEYEXPIRED; with a sentence. */
must_check int statement_open(const struct ticket_key *key, const uint8_t *buf, size_t n, uint64_t now_ms,
    struct statement *ret, struct err_text *e);

#endif
