/*
 * AES-CCM (RFC 4309): salt of 3 octets and IV are the nonce of 11, so that the length field has 4. The mode
 * authenticates the length first, so OpenSSL must be told it before the additional data, and takes the data
 * in one piece, which is never empty in ESP.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

#include "secret/secret.h"

enum { CCM_NONCE_LEN = 11 };

/* Nonce and tag length go into the key's set-up, so they come before the key. */
static int init_ccm(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p)
{
	bool seal = p->dir == CRYPTO_SEAL;

	memcpy(sa->nonce, p->enc_key + p->enc_key_len - sa->salt_len, sa->salt_len);
	return EVP_CipherInit_ex(sa->cipher, c, NULL, NULL, NULL, seal) == 1 &&
	               EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_IVLEN, CCM_NONCE_LEN, NULL) == 1 &&
	               EVP_CIPHER_CTX_ctrl(
	                   sa->cipher, EVP_CTRL_AEAD_SET_TAG, alg_enc_by_id(p->enc)->icv_len, NULL) == 1 &&
	               EVP_CipherInit_ex(sa->cipher, NULL, NULL, p->enc_key, NULL, -1) == 1
	           ? 0
	           : -EIO;
}

static bool start(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t aad[ESP_AAD_LEN + 4];
	int n = 0, aad_len = esp_aad(sa, op, aad);

	memcpy(sa->nonce + sa->salt_len, op->iv, sa->iv_len);
	return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, sa->nonce, -1) == 1 &&
	       (sa->dir == CRYPTO_SEAL ||
	           EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG, sa->icv_len, op->icv) == 1) &&
	       EVP_CipherUpdate(sa->cipher, NULL, &n, NULL, (int)op->len) == 1 &&
	       EVP_CipherUpdate(sa->cipher, NULL, &n, aad, aad_len) == 1;
}

static enum crypto_result seal_ccm(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (op->len == 0)
		return CRYPTO_BAD_LEN;
	if (!op->iv_given)
		put_u64(op->iv, op->seq);
	if (!start(sa, op) || !esp_cipher_data(sa, op) || EVP_CipherFinal_ex(sa->cipher, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG, sa->icv_len, op->icv) != 1)
		return CRYPTO_FAILED;
	return CRYPTO_OK;
}

/* The tag is checked when the data is given; a wrong one makes that call fail. */
static enum crypto_result open_ccm(struct crypto_sa *sa, const struct crypto_op *op)
{
	if (op->len == 0)
		return CRYPTO_BAD_LEN;
	if (!start(sa, op))
		return CRYPTO_FAILED;
	if (!esp_cipher_data(sa, op)) {
		wipe(op->data, op->len);
		return CRYPTO_BAD_ICV;
	}
	return CRYPTO_OK;
}

const struct crypto_way crypto_way_ccm = {.init = init_ccm, .seal = seal_ccm, .open = open_ccm};
