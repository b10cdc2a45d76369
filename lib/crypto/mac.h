/*
 * One keyed integrity algorithm: keyed once, then begin, update, end for each packet. One implementation a
 * file; which one it is, is decided when the SA is made.
 */
#ifndef POSTERN_CRYPTO_MAC_H
#define POSTERN_CRYPTO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/auto.h"
#include "ipsec/alg.h"

enum { GMAC_IV_LEN = 8, GMAC_NONCE_LEN = 12, GMAC_TAG_LEN = 16, KEYED_KEY_MAX = 20 };

/* HMAC (RFC 2104) whose two key blocks are hashed once; each value starts from copies of those states. */
struct hmac {
	EVP_MD_CTX *inner, *outer, *work;
	uint8_t digest_len;
};

/* RFC 1828: the key, filled to a block, is hashed once; the key comes again behind the data. */
struct keyed {
	EVP_MD_CTX *start, *work;
	uint8_t key[KEYED_KEY_MAX], key_len;
};

struct cbcmac {
	EVP_CIPHER_CTX *cipher;
	struct cbcmac_work *work;
};

struct gmac {
	EVP_CIPHER_CTX *cipher;
	uint8_t nonce[GMAC_NONCE_LEN];
};

struct mac {
	const struct mac_kind *kind; /* NULL: no integrity */
	union {
		struct hmac hmac;
		struct keyed keyed;
		struct cbcmac cbcmac;
		struct gmac gmac;
	};
};

struct mac_kind {
	uint8_t iv_len; /* octets in front of the value in the ICV field; the value depends on them */
	/* 0, -EOPNOTSUPP when the algorithm is absent, -ENOMEM, -EIO. What was made, fini() releases in any
	 * case. */
	int (*init)(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len);
	bool (*begin)(struct mac *m, const uint8_t *iv);
	bool (*update)(struct mac *m, const void *p, size_t n);
	bool (*end)(struct mac *m, uint8_t out[EVP_MAX_MD_SIZE]);
	void (*fini)(struct mac *m);
};

extern const struct mac_kind mac_kind_hmac, mac_kind_keyed, mac_kind_cmac, mac_kind_xcbc, mac_kind_gmac;

/* Keys *m, which must be zero. Errors as of init(). */
must_check int mac_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len);
/* Wipes; fine for one that was never keyed. */
void mac_fini(struct mac *m);

/*
 * A chain of AES blocks whose last block is mixed with a key of its own: what CMAC (RFC 4493) and XCBC (RFC
 * 3566) share. chain_key: 16 octets; last_whole, last_filled: what is mixed into a last block that is whole,
 * or that was filled with a one bit and zeros.
 */
int cbcmac_init(struct mac *m, const EVP_CIPHER *c, const uint8_t *chain_key, const uint8_t last_whole[16],
    const uint8_t last_filled[16]);
bool cbcmac_begin(struct mac *m, const uint8_t *iv);
bool cbcmac_update(struct mac *m, const void *p, size_t n);
bool cbcmac_end(struct mac *m, uint8_t out[EVP_MAX_MD_SIZE]);
void cbcmac_fini(struct mac *m);
/* One block alone under a key of 16 octets, for making the keys above. c: AES-128-CBC. */
bool cbcmac_block(const EVP_CIPHER *c, const uint8_t *key, const uint8_t in[16], uint8_t out[16]);

#endif
