/*
 * Everything that depends on the key or the algorithm is settled here, so that a packet costs one indirect
 * call and the cipher. Contexts are copies of the key and are freed, which wipes them, in one place.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "base/rng.h"
#include "secret/secret.h"

static int check_params(
    const struct crypto_sa_params *p, const struct alg_enc_info *enc, const struct alg_auth_info *auth)
{
	if ((p->enc && !enc) || (p->auth && !auth) || (!enc && !auth))
		return -EOPNOTSUPP;
	if (p->dir != CRYPTO_SEAL && p->dir != CRYPTO_OPEN)
		return -EINVAL;
	if ((enc && !alg_enc_keylen_ok(enc, p->enc_key_len)) ||
	    (auth && !alg_auth_keylen_ok(auth, p->auth_key_len)))
		return -EINVAL;
	if (enc && enc->aead && (auth || (p->icv_len && p->icv_len != enc->icv_len)))
		return -EINVAL;
	if (auth && p->icv_len && (p->icv_len > auth->digest_len || p->icv_len > ALG_ICV_MAX))
		return -EINVAL;
	if (!auth && p->icv_len && !(enc && enc->aead))
		return -EINVAL;
	return 0;
}

static int init_cipher(struct crypto_sa *sa, const struct crypto_sa_params *p, const struct alg_enc_info *enc)
{
	const EVP_CIPHER *c = crypto_cipher(enc->id, p->enc_key_len - enc->salt_len);

	sa->iv_len = enc->iv_len;
	sa->block = enc->block;
	if (enc->id == ALG_ENC_NULL)
		return 0;
	if (!c)
		return -EOPNOTSUPP;
	sa->cipher = EVP_CIPHER_CTX_new();
	if (!sa->cipher)
		return -ENOMEM;
	if (EVP_CipherInit_ex(sa->cipher, c, NULL, p->enc_key, NULL, p->dir == CRYPTO_SEAL) != 1)
		return -EIO;
	if (enc->salt_len)
		memcpy(sa->nonce, p->enc_key + p->enc_key_len - enc->salt_len, SALT_LEN);
	else if (EVP_CIPHER_CTX_set_padding(sa->cipher, 0) != 1)
		return -EIO;
	rng_kernel.fill(&rng_kernel, &sa->iv_start, sizeof(sa->iv_start));
	rng_kernel.fill(&rng_kernel, sa->iv_fill, sizeof(sa->iv_fill));
	return 0;
}

static int init_sa(struct crypto_sa *sa, const struct crypto_sa_params *p)
{
	const struct alg_enc_info *enc = p->enc ? alg_enc_by_id(p->enc) : NULL;
	const struct alg_auth_info *auth = p->auth ? alg_auth_by_id(p->auth) : NULL;
	bool seal = p->dir == CRYPTO_SEAL;
	int r = check_params(p, enc, auth);

	sa->dir = p->dir;
	sa->esn = p->esn;
	sa->block = 1;
	if (r == 0 && enc)
		r = init_cipher(sa, p, enc);
	if (r == 0 && auth) {
		const EVP_MD *md = crypto_digest(p->auth);

		sa->icv_len = p->icv_len ? p->icv_len : auth->icv_len;
		r = md ? hmac_init(&sa->hmac, md, p->auth_key, p->auth_key_len) : -EOPNOTSUPP;
	}
	if (r < 0 || !enc)
		return r;
	if (enc->aead) {
		sa->icv_len = enc->icv_len;
		sa->run = seal ? esp_seal_gcm : esp_open_gcm;
	} else {
		sa->run = seal ? esp_seal_hmac : esp_open_hmac;
	}
	return 0;
}

int crypto_sa_new(const struct crypto_sa_params *p, struct crypto_sa **ret)
{
	struct crypto_sa *sa = calloc(1, sizeof(*sa));
	int r;

	if (!sa)
		return -ENOMEM;
	r = init_sa(sa, p);
	if (r < 0) {
		ERR_clear_error();
		crypto_sa_free(sa);
		return r;
	}
	*ret = sa;
	return 0;
}

struct crypto_sa *crypto_sa_free(struct crypto_sa *sa)
{
	if (!sa)
		return NULL;
	EVP_CIPHER_CTX_free(sa->cipher);
	hmac_fini(&sa->hmac);
	wipe(sa, sizeof(*sa));
	free(sa);
	return NULL;
}

uint8_t crypto_sa_icv_len(const struct crypto_sa *sa)
{
	return sa->icv_len;
}

uint8_t crypto_sa_iv_len(const struct crypto_sa *sa)
{
	return sa->iv_len;
}

uint8_t crypto_sa_block(const struct crypto_sa *sa)
{
	return sa->block;
}
