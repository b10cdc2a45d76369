/*
 * AES-GMAC (RFC 4543): GCM that enciphers nothing. Here twice: for AH, where the ICV field holds the IV in
 * front of the tag (section 4), and as an ESP transform (section 3), which unlike RFC 4106 counts the IV and
 * the whole payload as additional data.
 */
#include "crypto/mac.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "crypto/internal.h"
#include "secret/secret.h"

static int gmac_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len)
{
	struct gmac *g = &m->gmac;
	const size_t salt_len = GMAC_NONCE_LEN - GMAC_IV_LEN;
	const EVP_CIPHER *c = crypto_mac_cipher(id, key_len - salt_len);

	if (!c)
		return -EOPNOTSUPP;
	memcpy(g->nonce, key + key_len - salt_len, salt_len);
	g->cipher = EVP_CIPHER_CTX_new();
	if (!g->cipher)
		return -ENOMEM;
	return EVP_EncryptInit_ex(g->cipher, c, NULL, key, NULL) == 1 ? 0 : -EIO;
}

static void gmac_fini(struct mac *m)
{
	EVP_CIPHER_CTX_free(m->gmac.cipher);
}

static bool gmac_begin(struct mac *m, const uint8_t *iv)
{
	memcpy(m->gmac.nonce + GMAC_NONCE_LEN - GMAC_IV_LEN, iv, GMAC_IV_LEN);
	return EVP_EncryptInit_ex(m->gmac.cipher, NULL, NULL, NULL, m->gmac.nonce) == 1;
}

/* Without an output OpenSSL takes the octets as additional data. */
static bool add(EVP_CIPHER_CTX *c, const void *p, size_t n)
{
	int got = 0;

	return n == 0 || (n <= INT_MAX && EVP_CipherUpdate(c, NULL, &got, p, (int)n) == 1);
}

static bool gmac_update(struct mac *m, const void *p, size_t n)
{
	return add(m->gmac.cipher, p, n);
}

static bool gmac_end(struct mac *m, uint8_t out[EVP_MAX_MD_SIZE])
{
	int n = 0;

	return EVP_EncryptFinal_ex(m->gmac.cipher, out, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(m->gmac.cipher, EVP_CTRL_AEAD_GET_TAG, GMAC_TAG_LEN, out) == 1;
}

const struct mac_kind mac_kind_gmac = {.iv_len = GMAC_IV_LEN,
    .init = gmac_init,
    .begin = gmac_begin,
    .update = gmac_update,
    .end = gmac_end,
    .fini = gmac_fini};

/* Section 3.3: SPI, number (64 bits when extended), IV, payload. */
static bool esp_gmac_start(struct crypto_sa *sa, const struct crypto_op *op)
{
	bool adjacent = op->data == op->iv + sa->iv_len;
	uint8_t aad[ESP_AAD_LEN + 4];

	memcpy(sa->nonce + sa->salt_len, op->iv, sa->iv_len);
	if (EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, sa->nonce, -1) != 1)
		return false;
	if (adjacent && !sa->esn && op->iv == op->hdr + ESP_AAD_LEN)
		return add(sa->cipher, op->hdr, ESP_AAD_LEN + (size_t)sa->iv_len + op->len);
	if (!add(sa->cipher, aad, (size_t)esp_aad(sa, op, aad)))
		return false;
	if (adjacent)
		return add(sa->cipher, op->iv, sa->iv_len + (size_t)op->len);
	return add(sa->cipher, op->iv, sa->iv_len) && add(sa->cipher, op->data, op->len);
}

static enum crypto_result seal_gmac(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!op->iv_given)
		put_u64(op->iv, op->seq);
	if (!esp_gmac_start(sa, op) || EVP_CipherFinal_ex(sa->cipher, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG, sa->icv_len, op->icv) != 1)
		return CRYPTO_FAILED;
	return CRYPTO_OK;
}

static enum crypto_result open_gmac(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!esp_gmac_start(sa, op) ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG, sa->icv_len, op->icv) != 1)
		return CRYPTO_FAILED;
	return EVP_CipherFinal_ex(sa->cipher, none, &n) == 1 ? CRYPTO_OK : CRYPTO_BAD_ICV;
}

static int init_gmac(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p)
{
	memcpy(sa->nonce, p->enc_key + p->enc_key_len - sa->salt_len, sa->salt_len);
	return EVP_CipherInit_ex(sa->cipher, c, NULL, p->enc_key, NULL, p->dir == CRYPTO_SEAL) == 1 ? 0
	                                                                                            : -EIO;
}

const struct crypto_way crypto_way_gmac = {.init = init_gmac, .seal = seal_gmac, .open = open_gmac};
