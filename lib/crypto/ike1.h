/*
 * The key schedule of IKE version 1 (RFC 2409 section 5 and appendix B): from nonces and a shared secret to
 * the keys of an ISAKMP SA, its initialization vectors, its hashes, and the keys of IPsec SAs.
 */
#ifndef POSTERN_CRYPTO_IKE1_H
#define POSTERN_CRYPTO_IKE1_H

#include "crypto/ike.h"
#include "secret/secret.h"

enum { IKE1_COOKIE = 8, IKE1_KEYMAT_MAX = 1024, IKE1_BLOCK_MAX = 16 };

/* A slice of octets that are no secret: a nonce's body, a public value. */
struct ike1_octets {
	const void *p;
	size_t n;
};

/* SKEYID with a pre-shared key, and with signatures. *ret is the caller's. 0; -EOPNOTSUPP: the function is
 * absent; -ENOMEM: the arena of secrets is full; -EIO. */
must_check int ike1_skeyid_psk(enum alg_prf prf, const struct secret *psk, struct ike1_octets ni,
    struct ike1_octets nr, struct secret **ret);
must_check int ike1_skeyid_sig(enum alg_prf prf, struct ike1_octets ni, struct ike1_octets nr,
    const struct secret *gxy, struct secret **ret);

struct ike1_keys {
	enum alg_prf prf;
	struct secret *skeyid, *d, *a, *e;
};

/* SKEYID_d, _a and _e. Takes `skeyid`, also on failure. The same answers; *ret is then empty. */
must_check int ike1_keys_init(struct ike1_keys *ret, enum alg_prf prf, struct secret *skeyid,
    const struct secret *gxy, const uint8_t icookie[IKE1_COOKIE], const uint8_t rcookie[IKE1_COOKIE]);
void ike1_keys_fini(struct ike1_keys *k);

/* The ISAKMP SA's cipher key of n octets: SKEYID_e, or made longer from it (appendix B). */
must_check int ike1_cipher_key(const struct ike1_keys *k, size_t n, struct secret **ret);

/* HASH_I when `mine` is the initiator's public value and cookie, `his` the responder's; HASH_R the other way
 * round (section 5). `sa` is the body of the initiator's SA payload, `id` that of who is proved. */
struct ike1_proof {
	struct ike1_octets mine, his, sa, id;
	const uint8_t *my_cookie, *his_cookie;
};
must_check int ike1_proof(
    const struct ike1_keys *k, const struct ike1_proof *p, uint8_t ret[ALG_PRF_LEN_MAX]);

/* The two of base mode, whose first cannot be over the responder's value (docs/decisions.md): HASH_I with the
 * pre-shared key's SKEYID and no `gxr`; and both with signatures, which prove under hash(Ni | Nr), HASH_R
 * with `gxr`. `id` is the initiator's in all of them. HASH_R of a pre-shared key is that of ike1_proof(). */
struct ike1_base_proof {
	struct ike1_octets gxi, gxr, sa, id;
	const uint8_t *icookie, *rcookie;
};
must_check int ike1_base_proof_psk(
    const struct ike1_keys *k, const struct ike1_base_proof *p, uint8_t ret[ALG_PRF_LEN_MAX]);
must_check int ike1_base_proof_sig(enum alg_prf prf, struct ike1_octets ni, struct ike1_octets nr,
    const struct ike1_base_proof *p, uint8_t ret[ALG_PRF_LEN_MAX]);

/* HASH(1), (2) and (3) of quick mode and of informational exchanges (sections 5.5 and 5.7): `zero` in front
 * for the third, the message id, then the pieces. */
must_check int ike1_hash(const struct ike1_keys *k, bool zero, uint32_t msg_id,
    const struct ike1_octets *piece, size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX]);

/* The IV of the first enciphered message, and that of another exchange under the same SA, from the last
 * enciphered block of phase 1 (appendix B). `block` octets are written. */
must_check int ike1_first_iv(
    enum alg_prf prf, struct ike1_octets gxi, struct ike1_octets gxr, size_t block, uint8_t *ret);
must_check int ike1_exchange_iv(
    enum alg_prf prf, const uint8_t *last_block, size_t block, uint32_t msg_id, uint8_t *ret);

/* KEYMAT of n octets for the SA with this protocol and SPI (section 5.5). `gxy` NULL: without perfect forward
 * secrecy. */
struct ike1_keymat {
	const struct secret *gxy;
	uint8_t protocol;
	struct ike1_octets spi, ni, nr;
};
must_check int ike1_keymat(
    const struct ike1_keys *k, const struct ike1_keymat *m, size_t n, struct secret **ret);

#endif
