/*
 * A ticket: what certd or certd-verify found out about a peer in one exchange.
 */
#ifndef POSTERN_TICKET_TICKET_H
#define POSTERN_TICKET_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "inet/addr.h"
#include "ipsec/ike_conf.h"

enum { TICKET_USER_MAX = 128 /* octets of a user's name */ };
enum { TICKET_OWNER_LEN = 16 /* octets */ };
enum { TICKET_KEY_LEN = 32, TICKET_COOKIE_LEN = 8, TICKET_MAX = IKE_ID_DATA_MAX + 256 /* octets */ };

struct ticket_key {
	uint8_t octets[TICKET_KEY_LEN];
};

struct ticket {
	uint64_t generation;            /* of the configuration, */
	uint32_t peer;                  /* and the peer's index in it, */
	uint64_t block;                 /* and its block's number, which outlives it; 0: none */
	struct inet_addr addr;          /* where the peer's messages came from */
	struct ike_id id;               /* who it is */
	char user[TICKET_USER_MAX + 1]; /* who its user is, where that was asked; empty: nobody has said so */
	uint8_t icookie[TICKET_COOKIE_LEN], rcookie[TICKET_COOKIE_LEN]; /* of the exchange that showed it */
	uint64_t expires_ms;                                            /* CLOCK_BOOTTIME */
};

/* Once per process, before the others. 0, or -EIO. */
must_check int ticket_init(struct err_text *e);
/* Writes it. Octets written; -EINVAL for an identity that is too long; -EMSGSIZE. */
int ticket_seal(const struct ticket_key *key, const struct ticket *t, uint8_t *buf, size_t room);
/* Whose it is, in few octets: the same for the same identity with the same user, wherever he is. Only what
 * ticket_open() has given says the truth about it. Never all zero. */
void ticket_owner(const struct ticket *t, uint8_t ret[TICKET_OWNER_LEN]);
/* Believes octets from keyd. 0; -EBADMSG: nobody who has the key wrote this; -EKEYEXPIRED; with a sentence.
 */
must_check int ticket_open(const struct ticket_key *key, const uint8_t *buf, size_t n, uint64_t now_ms,
    struct ticket *ret, struct err_text *e);

#endif
