/*
 * The arithmetic of one exchange: SKEYID and what is made of it, and the two hashes. Which of them is whose
 * follows from what was fixed when it began.
 */
#ifndef POSTERN_CERTD_PROOF_H
#define POSTERN_CERTD_PROOF_H

#include "certd/exchange.h"

enum { PROOF_SA_MIN = 40, PROOF_SA_MAX = 16384 /* octets of an SA payload's body */ };

/* Whether the method is one of signatures; else a pre-shared key. */
bool proof_with_signature(enum ike_auth_method m);
/* Whether facts, and then the values of the key exchange, are such as the argument in proof.c stands on, and
 * no reflection. 0; -EBADMSG with a sentence. */
must_check int proof_check_facts(
    const struct exchanges *t, const struct exchange_facts *f, struct err_text *e);
must_check int proof_check_values(enum alg_group group, struct ike1_octets gxi, struct ike1_octets gxr,
    const struct secret *gxy, struct err_text *e);
/* Keeps SKEYID in `x`, which is told: with a pre-shared key then, with signatures once there is g^xy. 0 or
 * -errno as lib/crypto has them. */
must_check int proof_skeyid_psk(struct exchange *x, const struct secret *psk);
must_check int proof_skeyid_sig(struct exchange *x, const struct secret *gxy);
/* SKEYID_d, _a and _e, and no SKEYID. The same. */
must_check int proof_keys(const struct exchange *x, const struct secret *gxy, struct ike1_keys *ret);
/* HASH_I or HASH_R, ours or the peer's, with this body of an ID payload, its owner's. Octets, or -errno. */
must_check int proof_hash(
    const struct exchange *x, bool ours, struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX]);

#endif
