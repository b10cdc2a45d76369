/*
 * What certd and certd-verify have in common: which exchange of version 1 with whom, what an ID payload says,
 * and the ticket for policyd.
 */
#ifndef POSTERN_CERTD_SESSION_H
#define POSTERN_CERTD_SESSION_H

#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"
#include "ticket/ticket.h"

enum {
	/* A ticket is good for as long as an ISAKMP SA may live, which keyd holds to the same bound. */
	SESSION_TICKET_MS = (IKE_LIFE_MAX_S + 60) * 1000,
	SESSION_ID_MIN = 5, /* octets of an ID payload's body */
	SESSION_ID_MAX = 4 + IKE_ID_DATA_MAX,
};

struct session {
	uint64_t generation;
	uint32_t peer;  /* index */
	uint64_t block; /* number of its block, as the configuration has it */
	struct inet_addr addr;
	uint8_t icookie[IKE1_COOKIE], rcookie[IKE1_COOKIE];
};

/* The identity that an ID payload's body says. False: none that names a peer. */
must_check bool session_id_of(struct ike1_octets body, struct ike_id *ret);
/* "I have seen who this is." Octets of the ticket, or -errno. */
must_check int session_ticket(const struct session *s, const struct ike_id *id, const struct ticket_key *key,
    uint64_t now_ms, uint8_t ret[TICKET_MAX]);

#endif
