/*
 * Shared by the files of lib/crypto only: the fetched algorithms, HMAC, and the keyed state.
 */
#ifndef POSTERN_CRYPTO_INTERNAL_H
#define POSTERN_CRYPTO_INTERNAL_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

enum { BLOCK_MAX = 16, NONCE_LEN = 12, SALT_LEN = 4, ESP_AAD_LEN = 8 };

/* Borrowed until crypto_fini(); NULL when there is none, or before crypto_init(). key_len is without the
 * salt. */
const EVP_CIPHER *crypto_cipher(enum alg_enc id, size_t key_len);
const EVP_MD *crypto_digest(enum alg_auth id);
int crypto_fetch_all(struct err_text *e);
void crypto_release_all(void);
int crypto_known_answers(struct err_text *e);

/* HMAC (RFC 2104) whose two key blocks are hashed once; each value starts from copies of those states. */
struct hmac {
	EVP_MD_CTX *inner, *outer, *work; /* NULL: no integrity */
	uint8_t digest_len;
};

int hmac_init(struct hmac *h, const EVP_MD *md, const uint8_t *key, size_t key_len);
void hmac_fini(struct hmac *h);
bool hmac_begin(struct hmac *h);
bool hmac_update(struct hmac *h, const void *p, size_t n);
bool hmac_end(struct hmac *h, uint8_t out[EVP_MAX_MD_SIZE]);

struct crypto_sa {
	/* One packet; which pair it is, is decided once, when the SA is made. NULL for AH. */
	enum crypto_result (*run)(struct crypto_sa *sa, const struct crypto_op *op);
	EVP_CIPHER_CTX *cipher; /* keyed, NULL for NULL encryption */
	struct hmac hmac;
	uint64_t iv_start;          /* CBC: random, added to the sequence number before it is enciphered */
	uint8_t iv_fill[BLOCK_MAX]; /* CBC: random first half of a 16-octet block */
	uint8_t nonce[NONCE_LEN];   /* GCM: salt in front, IV behind */
	enum crypto_dir dir;
	uint8_t iv_len, icv_len, block;
	bool esn;
};

/* The four ways through ESP. */
enum crypto_result esp_seal_gcm(struct crypto_sa *sa, const struct crypto_op *op);
enum crypto_result esp_open_gcm(struct crypto_sa *sa, const struct crypto_op *op);
enum crypto_result esp_seal_hmac(struct crypto_sa *sa, const struct crypto_op *op);
enum crypto_result esp_open_hmac(struct crypto_sa *sa, const struct crypto_op *op);

#endif
