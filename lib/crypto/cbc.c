/*
 * Block ciphers in CBC mode, and no cipher at all (RFC 2410): what is behind them is the same.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

#include "base/rng.h"

/* Blowfish and CAST take keys of several lengths, and must know which before they see the key. */
static int init_cbc(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p)
{
	bool seal = p->dir == CRYPTO_SEAL;

	if (EVP_CipherInit_ex(sa->cipher, c, NULL, NULL, NULL, seal) != 1)
		return -EIO;
	if (EVP_CIPHER_get_key_length(c) != (int)p->enc_key_len &&
	    EVP_CIPHER_CTX_set_key_length(sa->cipher, (int)p->enc_key_len) != 1)
		return -EIO;
	if (EVP_CipherInit_ex(sa->cipher, NULL, NULL, p->enc_key, NULL, -1) != 1 ||
	    EVP_CIPHER_CTX_set_padding(sa->cipher, 0) != 1)
		return -EIO;
	rng_kernel.fill(&rng_kernel, &sa->iv_start, sizeof(sa->iv_start));
	rng_kernel.fill(&rng_kernel, sa->iv_fill, sizeof(sa->iv_fill));
	return 0;
}

static bool run(struct crypto_sa *sa, uint8_t *p, size_t len)
{
	int n = 0;

	return EVP_CipherUpdate(sa->cipher, p, &n, p, (int)len) == 1 && n == (int)len;
}

/*
 * The IV is the cipher's own output for a value that never repeats: random start plus sequence number, run
 * through the cipher as a first block under a zero IV. That block then is the IV on the wire, and the chain
 * goes straight on into the data.
 */
static bool encipher(struct crypto_sa *sa, const struct crypto_op *op)
{
	static const uint8_t zero[BLOCK_MAX];

	if (op->iv_given)
		return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, op->iv, -1) == 1 &&
		       run(sa, op->data, op->len);
	memcpy(op->iv, sa->iv_fill, sa->iv_len - 8u);
	put_u64(op->iv + sa->iv_len - 8, sa->iv_start + op->seq);
	if (EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, zero, -1) != 1)
		return false;
	if (op->data == op->iv + sa->iv_len)
		return run(sa, op->iv, sa->iv_len + (size_t)op->len);
	return run(sa, op->iv, sa->iv_len) && run(sa, op->data, op->len);
}

static enum crypto_result seal_cbc(struct crypto_sa *sa, const struct crypto_op *op)
{
	return encipher(sa, op) ? esp_put_icv(sa, op) : CRYPTO_FAILED;
}

static enum crypto_result open_cbc(struct crypto_sa *sa, const struct crypto_op *op)
{
	enum crypto_result r = esp_check_icv(sa, op);

	if (r != CRYPTO_OK)
		return r;
	return EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, op->iv, -1) == 1 && run(sa, op->data, op->len)
	           ? CRYPTO_OK
	           : CRYPTO_FAILED;
}

const struct crypto_way crypto_way_cbc = {.init = init_cbc, .seal = seal_cbc, .open = open_cbc};
const struct crypto_way crypto_way_null = {.seal = esp_put_icv, .open = esp_check_icv};
