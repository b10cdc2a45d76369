/*
 * The key schedule of IKE version 2 (RFC 7296 sections 2.13 to 2.18): from nonces and shared secrets to the
 * keys of an IKE SA and of its children, and what AUTH payloads prove.
 */
#ifndef POSTERN_CRYPTO_IKE2_H
#define POSTERN_CRYPTO_IKE2_H

#include "crypto/ike.h"
#include "secret/secret.h"

enum { IKE2_SPI = 8, IKE2_KEYMAT_MAX = 1024 };

/* A slice of octets that are no secret: a nonce's body, an identity's. */
struct ike2_octets {
	const void *p;
	size_t n;
};

/* What an IKE SA negotiated, as far as keys depend on it. */
struct ike2_suite {
	enum alg_prf prf;
	enum alg_enc enc;
	enum alg_auth auth;  /* NONE with a combined mode */
	uint8_t enc_key_len; /* octets, salt included */
};

/* 0; -EOPNOTSUPP: no pair of algorithms that may protect an IKE SA, or one that is absent; -EINVAL: a key
 * length that the cipher has not. */
must_check int ike2_suite_check(const struct ike2_suite *s);

/* prf+ (section 2.13): n octets, at most IKE2_KEYMAT_MAX, of the pieces under the key. *ret is the caller's.
 * 0; -EOPNOTSUPP: the function is absent; -EINVAL; -ENOMEM: the arena of secrets is full; -EIO. All below
 * answer so. */
must_check int ike2_prf_plus(enum alg_prf prf, const struct secret *key, const struct ike2_octets *piece,
    size_t n_pieces, size_t n, struct secret **ret);

struct ike2_nonces {
	struct ike2_octets i, r; /* of the exchange's initiator and responder, whole bodies */
};

/* SKEYSEED of the first exchange (section 2.14): prf(Ni | Nr, g^ir), with functions of AES the first 64 bits
 * of each nonce. */
must_check int ike2_skeyseed(
    enum alg_prf prf, const struct ike2_nonces *n, const struct secret *gir, struct secret **ret);

/* The seven keys (section 2.14). ai and ar are NULL with a combined mode. */
struct ike2_keys {
	struct ike2_suite suite;
	struct secret *d, *ai, *ar, *ei, *er, *pi, *pr;
};

/* SPIs are those of the SA that is made: the initiator's is its own initiator's. Does not take `skeyseed`.
 * *ret is empty on failure. */
must_check int ike2_keys_init(struct ike2_keys *ret, const struct ike2_suite *s,
    const struct secret *skeyseed, const struct ike2_nonces *n, const uint8_t spi_i[IKE2_SPI],
    const uint8_t spi_r[IKE2_SPI]);
void ike2_keys_fini(struct ike2_keys *k);

/* SKEYSEED of an IKE SA that takes the place of this one (section 2.18), with this one's function. `gir` is
 * the new shared secret. */
must_check int ike2_rekey_skeyseed(
    const struct ike2_keys *old, const struct ike2_nonces *n, const struct secret *gir, struct secret **ret);

/* KEYMAT of a child (section 2.17): n octets for what the exchange's initiator sends, then n for what it
 * receives; each is the cipher's key with its salt, then that of integrity. `gir` NULL: without a key
 * exchange of its own. */
must_check int ike2_child_keymat(const struct ike2_keys *k, const struct ike2_nonces *nonces,
    const struct secret *gir, size_t n, struct secret **ret_i, struct secret **ret_r);

/* What one side signs (section 2.15): its first message as it was sent, the peer's nonce, and
 * prf(SK_p, ID'), which is ike2_maced_id(). */
struct ike2_signed {
	struct ike2_octets message, nonce, maced_id;
};
enum { IKE2_SIGNED_PIECES = 3 };
/* The octets in their order, for a signature. */
void ike2_signed_pieces(const struct ike2_signed *s, struct iovec ret[IKE2_SIGNED_PIECES]);

/* prf(SK_pi or SK_pr, body of the ID payload): crypto_prf_len() octets. */
must_check int ike2_maced_id(
    const struct ike2_keys *k, bool initiator, struct ike2_octets id, uint8_t ret[ALG_PRF_LEN_MAX]);

/* AUTH with a shared key (section 2.15), or with the MSK of EAP (section 2.16): crypto_prf_len() octets. */
must_check int ike2_auth_psk(
    enum alg_prf prf, const struct secret *psk, const struct ike2_signed *s, uint8_t ret[ALG_PRF_LEN_MAX]);

#endif
