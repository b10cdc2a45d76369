/*
 * The two proofs of version 2, for prove.c, which has looked at everything that both versions have in common.
 */
#ifndef POSTERN_CERTD_PROVE2_H
#define POSTERN_CERTD_PROVE2_H

#include "certd/prove.h"

/* The statement of what a peer's signature has to be over, in either version (prove.c). Octets, or -errno. */
must_check int prove_state(const struct prover *p, const struct exchange *x, struct ike1_octets id,
    struct ike1_octets over, uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX]);

/* The body of our AUTH payload over this body of our ID payload. Octets, or -errno, with a sentence where
 * there is more to say than its name. */
must_check int prove2_us(const struct creds *c, const struct ike_peer *peer, const struct exchange *x,
    struct ike1_octets id, uint8_t ret[PROVE_PROOF_MAX], struct err_text *e);

/* The peer's: who it says it is, and the bodies of its ID and AUTH payloads. */
struct prove2_claim {
	struct ike_id who;
	struct ike1_octets id, proof;
};
/* A ticket with a pre-shared key, a statement with signatures. Octets, or -errno with a sentence. */
must_check int prove2_peer(const struct prover *p, const struct creds *c, const struct ike_peer *peer,
    struct exchange *x, const struct prove2_claim *claim, uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX],
    struct err_text *e);

#endif
