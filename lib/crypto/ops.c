/*
 * The per-packet work. OpenSSL's rules for it (3.0 and later): a context is keyed once; per packet only the
 * IV is set, with every other argument NULL, because naming the cipher again takes references and locks, and
 * nothing is allocated, copied between contexts or reset for a cipher. Bursts are the interface so that an
 * engine that works on several packets at once can stand behind it; OpenSSL takes them one by one.
 */
#include "crypto/internal.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "secret/secret.h"

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static void put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t)(v >> 32));
	put_u32(p + 4, (uint32_t)v);
}

/* RFC 4106 section 5: SPI and sequence number, the top half of an extended number between them. */
static bool gcm_start(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t aad[ESP_AAD_LEN + 4];
	int n = 0, aad_len = ESP_AAD_LEN;
	const uint8_t *from = op->hdr;

	memcpy(sa->nonce + SALT_LEN, op->iv, sa->iv_len);
	if (sa->esn) {
		memcpy(aad, op->hdr, 4);
		put_u32(aad + 4, (uint32_t)(op->seq >> 32));
		memcpy(aad + 8, op->hdr + 4, 4);
		from = aad;
		aad_len = sizeof(aad);
	}
	return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, sa->nonce, -1) == 1 &&
	       EVP_CipherUpdate(sa->cipher, NULL, &n, from, aad_len) == 1;
}

static bool gcm_data(struct crypto_sa *sa, const struct crypto_op *op)
{
	int n = 0;

	return op->len == 0 ||
	       (EVP_CipherUpdate(sa->cipher, op->data, &n, op->data, (int)op->len) == 1 && n == (int)op->len);
}

enum crypto_result esp_seal_gcm(struct crypto_sa *sa, const struct crypto_op *op)
{
	int n = 0;

	if (!op->iv_given)
		put_u64(op->iv, op->seq);
	if (!gcm_start(sa, op) || !gcm_data(sa, op) || EVP_CipherFinal_ex(sa->cipher, op->icv, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG, sa->icv_len, op->icv) != 1)
		return CRYPTO_FAILED;
	return CRYPTO_OK;
}

enum crypto_result esp_open_gcm(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!gcm_start(sa, op) ||
	    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG, sa->icv_len, op->icv) != 1 ||
	    !gcm_data(sa, op))
		return CRYPTO_FAILED;
	if (EVP_CipherFinal_ex(sa->cipher, none, &n) != 1) {
		/* What was deciphered under a wrong tag must not be seen by anybody. */
		wipe(op->data, op->len);
		return CRYPTO_BAD_ICV;
	}
	return CRYPTO_OK;
}

/* RFC 4303 section 2.8: the ICV covers all from the SPI to the next header; an extended number's top half
 * counts as behind that. */
static bool esp_hmac(struct crypto_sa *sa, const struct crypto_op *op, uint8_t out[EVP_MAX_MD_SIZE])
{
	bool one_piece = op->iv == op->hdr + ESP_AAD_LEN && op->data == op->iv + sa->iv_len;
	uint8_t hi[4];

	if (!hmac_begin(&sa->hmac))
		return false;
	if (one_piece) {
		if (!hmac_update(&sa->hmac, op->hdr, ESP_AAD_LEN + (size_t)sa->iv_len + op->len))
			return false;
	} else if (!hmac_update(&sa->hmac, op->hdr, ESP_AAD_LEN) ||
	           !hmac_update(&sa->hmac, op->iv, sa->iv_len) ||
	           !hmac_update(&sa->hmac, op->data, op->len)) {
		return false;
	}
	put_u32(hi, (uint32_t)(op->seq >> 32));
	if (sa->esn && !hmac_update(&sa->hmac, hi, sizeof(hi)))
		return false;
	return hmac_end(&sa->hmac, out);
}

static bool cbc_run(struct crypto_sa *sa, uint8_t *p, size_t len)
{
	int n = 0;

	return EVP_CipherUpdate(sa->cipher, p, &n, p, (int)len) == 1 && n == (int)len;
}

/*
 * The IV is the cipher's own output for a value that never repeats: random start plus sequence number, run
 * through the cipher as a first block under a zero IV. That block then is the IV on the wire, and the chain
 * goes straight on into the data.
 */
static bool cbc_seal(struct crypto_sa *sa, const struct crypto_op *op)
{
	static const uint8_t zero[BLOCK_MAX];

	if (op->iv_given)
		return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, op->iv, -1) == 1 &&
		       cbc_run(sa, op->data, op->len);
	memcpy(op->iv, sa->iv_fill, sa->iv_len - 8u);
	put_u64(op->iv + sa->iv_len - 8, sa->iv_start + op->seq);
	if (EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, zero, -1) != 1)
		return false;
	if (op->data == op->iv + sa->iv_len)
		return cbc_run(sa, op->iv, sa->iv_len + (size_t)op->len);
	return cbc_run(sa, op->iv, sa->iv_len) && cbc_run(sa, op->data, op->len);
}

enum crypto_result esp_seal_hmac(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (sa->cipher && !cbc_seal(sa, op))
		return CRYPTO_FAILED;
	if (!sa->icv_len)
		return CRYPTO_OK;
	if (!esp_hmac(sa, op, mac))
		return CRYPTO_FAILED;
	memcpy(op->icv, mac, sa->icv_len);
	return CRYPTO_OK;
}

enum crypto_result esp_open_hmac(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (sa->icv_len) {
		if (!esp_hmac(sa, op, mac))
			return CRYPTO_FAILED;
		if (!secret_equal_bytes(mac, op->icv, sa->icv_len))
			return CRYPTO_BAD_ICV;
	}
	if (sa->cipher && (EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, op->iv, -1) != 1 ||
	                      !cbc_run(sa, op->data, op->len)))
		return CRYPTO_FAILED;
	return CRYPTO_OK;
}

static size_t esp_burst(struct crypto_op *ops, size_t n, enum crypto_dir dir)
{
	size_t n_ok = 0;

	for (size_t i = 0; i < n; i++) {
		struct crypto_op *op = &ops[i];

		if (op->sa->dir != dir || !op->sa->run)
			op->result = CRYPTO_FAILED;
		else if (op->len & (op->sa->block - 1u) || op->len > INT_MAX - BLOCK_MAX)
			op->result = CRYPTO_BAD_LEN;
		else
			op->result = (uint8_t)op->sa->run(op->sa, op);
		n_ok += op->result == CRYPTO_OK;
	}
	/* A wrong tag leaves a line in OpenSSL's error queue; it must not grow. */
	if (n_ok < n)
		ERR_clear_error();
	return n_ok;
}

size_t crypto_seal_burst(struct crypto_op *ops, size_t n)
{
	return esp_burst(ops, n, CRYPTO_SEAL);
}

size_t crypto_open_burst(struct crypto_op *ops, size_t n)
{
	return esp_burst(ops, n, CRYPTO_OPEN);
}

static enum crypto_result mac_one(const struct crypto_mac_op *op, enum crypto_dir dir)
{
	struct crypto_sa *sa = op->sa;
	uint8_t mac[EVP_MAX_MD_SIZE], hi[4];

	if (sa->dir != dir || !sa->hmac.work || op->n_pieces > CRYPTO_MAC_PIECES_MAX ||
	    !hmac_begin(&sa->hmac))
		return CRYPTO_FAILED;
	for (uint32_t i = 0; i < op->n_pieces; i++)
		if (!hmac_update(&sa->hmac, op->piece[i].iov_base, op->piece[i].iov_len))
			return CRYPTO_FAILED;
	put_u32(hi, (uint32_t)(op->seq >> 32));
	if ((sa->esn && !hmac_update(&sa->hmac, hi, sizeof(hi))) || !hmac_end(&sa->hmac, mac))
		return CRYPTO_FAILED;
	if (dir == CRYPTO_SEAL)
		memcpy(op->icv, mac, sa->icv_len);
	else if (!secret_equal_bytes(mac, op->icv, sa->icv_len))
		return CRYPTO_BAD_ICV;
	return CRYPTO_OK;
}

static size_t mac_burst(struct crypto_mac_op *ops, size_t n, enum crypto_dir dir)
{
	size_t n_ok = 0;

	for (size_t i = 0; i < n; i++) {
		ops[i].result = (uint8_t)mac_one(&ops[i], dir);
		n_ok += ops[i].result == CRYPTO_OK;
	}
	return n_ok;
}

size_t crypto_mac_seal_burst(struct crypto_mac_op *ops, size_t n)
{
	return mac_burst(ops, n, CRYPTO_SEAL);
}

size_t crypto_mac_open_burst(struct crypto_mac_op *ops, size_t n)
{
	return mac_burst(ops, n, CRYPTO_OPEN);
}
