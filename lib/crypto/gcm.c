/*
 * AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634): other ciphers, the same packet. Salt and IV are the
 * nonce, SPI and sequence number the additional data.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

#include "secret/secret.h"

static int init_gcm(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p)
{
	memcpy(sa->nonce, p->enc_key + p->enc_key_len - sa->salt_len, sa->salt_len);
	return EVP_CipherInit_ex(sa->cipher, c, NULL, p->enc_key, NULL, p->dir == CRYPTO_SEAL) == 1 ? 0
	                                                                                            : -EIO;
}

static bool start(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t aad[ESP_AAD_LEN + 4];
	int n = 0, aad_len = ESP_AAD_LEN;
	const uint8_t *from = op->hdr;

	memcpy(sa->nonce + sa->salt_len, op->iv, sa->iv_len);
	if (sa->esn) {
		aad_len = esp_aad(sa, op, aad);
		from = aad;
	}
	return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, sa->nonce, -1) == 1 &&
	       EVP_CipherUpdate(sa->cipher, NULL, &n, from, aad_len) == 1;
}

static enum crypto_result seal_gcm(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!op->iv_given)
		put_u64(op->iv, op->seq);
	if (!start(sa, op) || !esp_cipher_data(sa, op) || EVP_CipherFinal_ex(sa->cipher, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG, sa->icv_len, op->icv) != 1)
		return CRYPTO_FAILED;
	return CRYPTO_OK;
}

static enum crypto_result open_gcm(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!start(sa, op) ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG, sa->icv_len, op->icv) != 1 ||
	    !esp_cipher_data(sa, op))
		return CRYPTO_FAILED;
	if (EVP_CipherFinal_ex(sa->cipher, none, &n) != 1) {
		/* What was deciphered under a wrong tag must not be seen by anybody. */
		wipe(op->data, op->len);
		return CRYPTO_BAD_ICV;
	}
	return CRYPTO_OK;
}

const struct crypto_way crypto_way_gcm = {.init = init_gcm, .seal = seal_gcm, .open = open_gcm};
