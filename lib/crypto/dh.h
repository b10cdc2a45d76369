/*
 * Diffie-Hellman for IKE: an ephemeral key pair of one group, and what it makes of the peer's public value.
 */
#ifndef POSTERN_CRYPTO_DH_H
#define POSTERN_CRYPTO_DH_H

#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"
#include "ipsec/alg_ike.h"
#include "secret/secret.h"

struct crypto_dh;

/* "modp1024", "ecp256", "curve25519"; NULL for a number that is no group of ours. */
const char *crypto_dh_name(enum alg_group g);
/* Octets of a public value on the wire, fixed for each group (RFC 2409 section 5, RFC 5903 section 7); 0: no
 * group of ours. */
size_t crypto_dh_public_len(enum alg_group g);
/* Octets of the shared secret, fixed likewise; 0: no group of ours. */
size_t crypto_dh_shared_len(enum alg_group g);
/* Why nobody should use it any more (RFC 8247 section 2.4); NULL: it is good. */
const char *crypto_dh_weakness(enum alg_group g);

/* A fresh key pair. 0; -EOPNOTSUPP: no such group here; -ENOMEM; -EIO when OpenSSL refuses. */
must_check int crypto_dh_new(enum alg_group g, struct crypto_dh **ret);
/* One with a given private value, big-endian (for curves as RFC 7748 has it): for known answers. */
must_check int crypto_dh_new_from(enum alg_group g, const uint8_t *priv, size_t n, struct crypto_dh **ret);
/* Frees, and wipes with it; NULL is fine. Returns NULL. */
struct crypto_dh *crypto_dh_free(struct crypto_dh *dh);

/* Writes crypto_dh_public_len() octets. 0, or -EIO. */
must_check int crypto_dh_public(const struct crypto_dh *dh, uint8_t *ret);

/* The shared secret: of MODP groups as long as the prime, of curves one coordinate. The peer's value is
 * judged first: 1, p - 1, what is not of the subgroup (RFC 5114), points that are not on the curve and what
 * leads to zero give -EBADMSG, as does
 * another length. 0; -ENOMEM; -EIO. */
must_check int crypto_dh_shared(
    const struct crypto_dh *dh, const uint8_t *peer, size_t n, struct secret **ret);

static inline void auto_crypto_dh_(struct crypto_dh **dh)
{
	crypto_dh_free(*dh);
}
#define AUTO_CRYPTO_DH AUTO(auto_crypto_dh_)

#endif
