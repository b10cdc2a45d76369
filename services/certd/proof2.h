/*
 * The arithmetic of one exchange of version 2: what each side's AUTH payload is over (RFC 7296 section 2.15),
 * and its value with a pre-shared key.
 */
#ifndef POSTERN_CERTD_PROOF2_H
#define POSTERN_CERTD_PROOF2_H

#include "certd/exchange.h"
#include "crypto/ike2.h"

enum {
	PROOF2_MESSAGE_MAX = 8192, /* octets of a message of IKE_SA_INIT */
	PROOF2_NONCE_MIN = 16,     /* of a nonce (section 2.10) */
	/* of what is proved: a message, the other side's nonce, a value of prf */
	PROOF2_OCTETS_MAX = PROOF2_MESSAGE_MAX + NONCE_LEN + ALG_PRF_LEN_MAX,
};

/* Whether the facts are such as the argument in proof2.c stands on. 0; -EBADMSG with a sentence. */
must_check int proof2_check_facts(
    const struct exchanges *t, const struct exchange *x, const struct exchange_facts2 *f, struct err_text *e);

/* What is proved by ourselves or by the peer, with this body of an ID payload, its owner's. The pieces lie in
 * the exchange and in here. */
struct proof2 {
	struct ike2_signed over;
	uint8_t maced_id[ALG_PRF_LEN_MAX];
};
/* 0 or -errno as lib/crypto has them. */
must_check int proof2_over(const struct exchange *x, bool ours, struct ike1_octets id, struct proof2 *ret);
/* The value under a pre-shared key. Octets, or -errno. */
must_check int proof2_psk(const struct exchange *x, const struct secret *psk, bool ours,
    struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX]);

#endif
