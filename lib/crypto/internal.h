/*
 * Shared by the files of lib/crypto only: the fetched algorithms, integrity values, and the keyed state.
 */
#ifndef POSTERN_CRYPTO_INTERNAL_H
#define POSTERN_CRYPTO_INTERNAL_H

#include <openssl/evp.h>

#include "crypto/crypto.h"
#include "crypto/mac.h"

enum { BLOCK_MAX = 16, NONCE_MAX = 16, ESP_AAD_LEN = 8 };

/* Borrowed until crypto_fini(); NULL when it is absent, or before crypto_init(). key_len is without the salt.
 */
const EVP_CIPHER *crypto_cipher(enum alg_enc id, size_t key_len);
const EVP_CIPHER *crypto_mac_cipher(enum alg_auth id, size_t key_len);
const EVP_MD *crypto_digest(enum alg_auth id);
/* From now on the algorithm counts as absent. 0, or -EIO with *e when nothing works without it. */
must_check int crypto_mark_wrong(
    enum alg_enc enc, enum alg_auth auth, size_t key_len, const char *what, struct err_text *e);

struct crypto_sa {
	/* One packet; which pair it is, is decided once, when the SA is made. NULL for AH. */
	enum crypto_result (*run)(struct crypto_sa *sa, const struct crypto_op *op);
	EVP_CIPHER_CTX *cipher; /* keyed, NULL for NULL encryption, and where an engine does it */
	void *engine_key;       /* owned, aligned as the engine wants it; NULL: OpenSSL does it */
	size_t engine_key_len;
	void (*engine_run)(void); /* the engine's call for this key and direction */
	bool in_pairs;            /* the engine takes it in bursts; else engine_key is a cipher's */
	struct mac mac;
	uint64_t iv_start;          /* CBC: random, added to the sequence number before it is enciphered */
	uint8_t iv_fill[BLOCK_MAX]; /* CBC: random first half of a 16-octet block */
	uint8_t nonce[NONCE_MAX];   /* counter modes: salt in front, IV behind */
	enum crypto_dir dir;
	uint8_t salt_len, iv_len, icv_len, block;
	bool esn;
};

/* How one kind of cipher is keyed and used. init() finds sa->cipher allocated, unless the way is an engine's;
 * 0, -ENOMEM or -EIO. */
struct crypto_way {
	bool bare; /* an engine's: no context of OpenSSL */
	int (*init)(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p);
	enum crypto_result (*seal)(struct crypto_sa *sa, const struct crypto_op *op);
	enum crypto_result (*open)(struct crypto_sa *sa, const struct crypto_op *op);
};

extern const struct crypto_way crypto_way_null, crypto_way_cbc, crypto_way_ctr, crypto_way_gcm,
    crypto_way_ccm, crypto_way_gmac;

/* SPI and sequence number, the top half of an extended number between them (RFC 4106 section 5, 4309 section
 * 5, 4543 section 3.3, 7634 section 2.1). Returns the octets written. */
int esp_aad(const struct crypto_sa *sa, const struct crypto_op *op, uint8_t aad[ESP_AAD_LEN + 4]);
/* The integrity value behind a packet whose cipher has none: written, or compared in constant time. */
enum crypto_result esp_put_icv(struct crypto_sa *sa, const struct crypto_op *op);
enum crypto_result esp_check_icv(struct crypto_sa *sa, const struct crypto_op *op);
/* All of op->data in place through sa->cipher. */
bool esp_cipher_data(struct crypto_sa *sa, const struct crypto_op *op);

static inline void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static inline void put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t)(v >> 32));
	put_u32(p + 4, (uint32_t)v);
}

/* A known answer of a cipher; hex text. A header of 12 octets has an extended number. */
struct cipher_answer {
	enum alg_enc id;
	const char *key, *hdr, *iv, *plain, *cipher, *icv;
};

/* Of an integrity algorithm. GMAC: an IV of zeros in front of the value. */
struct mac_answer {
	enum alg_auth id;
	const char *key, *data, *mac;
};

extern const struct cipher_answer crypto_cipher_answers[];
extern const struct mac_answer crypto_mac_answers[];
extern const size_t crypto_n_cipher_answers, crypto_n_mac_answers;

/* Whether the ciphers of this kind answer rightly, as SAs made now would. */
must_check bool crypto_kind_answers(enum alg_kind kind);
/* Whether the engine in use seals and opens bursts of ciphers with integrity beside them as OpenSSL does. */
must_check bool crypto_pairs_agree(void);
/* Every answer; an algorithm that computes another one is marked. 0, or -EIO as from crypto_mark_wrong(). */
must_check int crypto_known_answers(
    const struct cipher_answer *c, size_t n_c, const struct mac_answer *m, size_t n_m, struct err_text *e);

#endif
