/*
 * An exchange of version 1 as certd and certd-verify are told of it, and the hash that both sides prove
 * themselves by (RFC 2409 section 5). Slices point into the record.
 */
#ifndef POSTERN_CERTD_SESSION_H
#define POSTERN_CERTD_SESSION_H

#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"
#include "ticket/ticket.h"

/* A ticket is good for as long as an ISAKMP SA may live, which keyd holds to the same bound. */
enum { SESSION_TICKET_MS = (IKE_LIFE_MAX_S + 60) * 1000 };

struct session {
	uint64_t generation;
	uint32_t peer; /* index */
	struct inet_addr addr;
	uint8_t icookie[IKE1_COOKIE], rcookie[IKE1_COOKIE];
	enum alg_prf prf;
	struct ike1_octets ni, nr;
};

/* What one side proves. */
struct facts {
	bool prover_began;
	struct ike1_octets gx_prover, gx_other, sa, id;
};

/* HASH_I or HASH_R. Octets written, or -errno. */
must_check int session_hash(const struct session *s, const struct facts *f, const struct secret *skeyid,
    uint8_t ret[ALG_PRF_LEN_MAX]);
/* Whether the ID payload's body says this identity. */
must_check bool session_id_is(struct ike1_octets body, const struct ike_id *id);
/* The identity that an ID payload's body says. False: none that names a peer. */
must_check bool session_id_of(struct ike1_octets body, struct ike_id *ret);
/* "I have seen who this is." Octets of the ticket, or -errno. */
must_check int session_ticket(const struct session *s, const struct ike_id *id, const struct ticket_key *key,
    uint64_t now_ms, uint8_t ret[TICKET_MAX]);

#endif
