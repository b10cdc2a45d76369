/*
 * AES in counter mode (RFC 3686). The counter block is nonce, IV and a block counter that starts at one; both
 * directions encipher. Whoever can change a bit of such a packet changes that bit of the plain text, so the
 * SA must have an integrity algorithm; lib/ipsec sees to it.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

static int init_ctr(struct crypto_sa *sa, const EVP_CIPHER *c, const struct crypto_sa_params *p)
{
	memcpy(sa->nonce, p->enc_key + p->enc_key_len - sa->salt_len, sa->salt_len);
	put_u32(sa->nonce + sa->salt_len + sa->iv_len, 1);
	return EVP_EncryptInit_ex(sa->cipher, c, NULL, p->enc_key, NULL) == 1 ? 0 : -EIO;
}

static bool run(struct crypto_sa *sa, const struct crypto_op *op)
{
	memcpy(sa->nonce + sa->salt_len, op->iv, sa->iv_len);
	return EVP_EncryptInit_ex(sa->cipher, NULL, NULL, NULL, sa->nonce) == 1 && esp_cipher_data(sa, op);
}

static enum crypto_result seal_ctr(struct crypto_sa *sa, const struct crypto_op *op)
{
	if (!op->iv_given)
		put_u64(op->iv, op->seq);
	return run(sa, op) ? esp_put_icv(sa, op) : CRYPTO_FAILED;
}

static enum crypto_result open_ctr(struct crypto_sa *sa, const struct crypto_op *op)
{
	enum crypto_result r = esp_check_icv(sa, op);

	if (r != CRYPTO_OK)
		return r;
	return run(sa, op) ? CRYPTO_OK : CRYPTO_FAILED;
}

const struct crypto_way crypto_way_ctr = {.init = init_ctr, .seal = seal_ctr, .open = open_ctr};
