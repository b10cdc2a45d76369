/*
 * Everything that depends on the key or the algorithm is settled here, so that a packet costs one indirect
 * call and the cipher. Contexts are copies of the key and are freed, which wipes them, in one place.
 */
#include "crypto/engine.h"
#include "crypto/internal.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/fetch.h"
#include "secret/secret.h"

enum {
	KEY_FETCHED =
	    640 /* octets of an engine's key: round keys, and what a short packet needs beside them */
};

static const struct crypto_way *way_of(enum alg_kind kind, size_t key_len)
{
	const struct crypto_way *engine = crypto_engine_way(kind, key_len);

	if (engine)
		return engine;
	switch (kind) {
	case ALG_KIND_NULL:
		return &crypto_way_null;
	case ALG_KIND_CBC:
		return &crypto_way_cbc;
	case ALG_KIND_CTR:
		return &crypto_way_ctr;
	case ALG_KIND_GCM:
	case ALG_KIND_CHACHA:
		return &crypto_way_gcm;
	case ALG_KIND_CCM:
		return &crypto_way_ccm;
	case ALG_KIND_GMAC:
		return &crypto_way_gmac;
	}
	return NULL;
}

static int check_icv_len(
    const struct crypto_sa_params *p, const struct alg_enc_info *enc, const struct alg_auth_info *auth)
{
	if (enc && enc->aead)
		return auth || (p->icv_len && p->icv_len != enc->icv_len) ? -EINVAL : 0;
	if (!p->icv_len)
		return 0;
	if (!auth || p->icv_len > auth->digest_len || p->icv_len > ALG_ICV_MAX)
		return -EINVAL;
	/* Its ICV field has an IV in front, which cannot be cut. */
	return p->auth == ALG_AUTH_AES_GMAC && p->icv_len != auth->icv_len ? -EINVAL : 0;
}

static int check_params(
    const struct crypto_sa_params *p, const struct alg_enc_info *enc, const struct alg_auth_info *auth)
{
	int r;

	if ((p->enc && !enc) || (p->auth && !auth) || (!enc && !auth))
		return -EOPNOTSUPP;
	if (p->dir != CRYPTO_SEAL && p->dir != CRYPTO_OPEN)
		return -EINVAL;
	if ((enc && !alg_enc_keylen_ok(enc, p->enc_key_len)) ||
	    (auth && !alg_auth_keylen_ok(auth, p->auth_key_len)))
		return -EINVAL;
	/* In ESP it is a cipher (RFC 4543 section 3). */
	if (enc && p->auth == ALG_AUTH_AES_GMAC)
		return -EINVAL;
	r = check_icv_len(p, enc, auth);
	if (r < 0)
		return r;
	if (enc && crypto_key_fault(enc->id, p->enc_key, p->enc_key_len))
		return -EKEYREJECTED;
	return 0;
}

static int init_cipher(struct crypto_sa *sa, const struct crypto_sa_params *p, const struct alg_enc_info *enc)
{
	const EVP_CIPHER *c = crypto_cipher(enc->id, p->enc_key_len - enc->salt_len);
	const struct crypto_way *way = way_of(enc->kind, p->enc_key_len - enc->salt_len);

	if (!way)
		return -EOPNOTSUPP;
	sa->run = p->dir == CRYPTO_SEAL ? way->seal : way->open;
	sa->salt_len = enc->salt_len;
	sa->iv_len = enc->iv_len;
	sa->icv_len = enc->icv_len;
	sa->block = enc->block;
	if (!way->init)
		return 0;
	if (!c)
		return -EOPNOTSUPP;
	if (way->bare)
		return way->init(sa, c, p);
	sa->cipher = EVP_CIPHER_CTX_new();
	return sa->cipher ? way->init(sa, c, p) : -ENOMEM;
}

static void drop_engine_key(struct crypto_sa *sa)
{
	if (sa->engine_key)
		wipe(sa->engine_key, sa->engine_key_len);
	free(sa->engine_key);
	sa->engine_key = NULL;
}

/* OpenSSL's states stay for packets that do not lie in one piece. */
static int init_pair(struct crypto_sa *sa, const struct crypto_sa_params *p)
{
	const struct crypto_engine *e = crypto_engine();
	int r = e ? e->pair(sa, p) : -EOPNOTSUPP;

	sa->in_pairs = r == 0;
	if (r == -EOPNOTSUPP) {
		drop_engine_key(sa);
		return 0;
	}
	return r;
}

static int init_sa(struct crypto_sa *sa, const struct crypto_sa_params *p)
{
	const struct alg_enc_info *enc = p->enc ? alg_enc_by_id(p->enc) : NULL;
	const struct alg_auth_info *auth = p->auth ? alg_auth_by_id(p->auth) : NULL;
	int r = check_params(p, enc, auth);

	sa->dir = p->dir;
	sa->esn = p->esn;
	sa->block = 1;
	if (r == 0 && enc)
		r = init_cipher(sa, p, enc);
	if (r == 0 && auth) {
		sa->icv_len = p->icv_len ? p->icv_len : auth->icv_len;
		r = mac_init(&sa->mac, p->auth, p->auth_key, p->auth_key_len);
	}
	return r == 0 && enc && auth ? init_pair(sa, p) : r;
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

void crypto_sa_fetch(const struct crypto_sa *sa, bool keys)
{
	size_t n = sa && keys && sa->engine_key ? sa->engine_key_len : 0;

	if (sa && !keys)
		fetch(sa, sizeof(*sa));
	fetch(n ? sa->engine_key : NULL, n < KEY_FETCHED ? n : KEY_FETCHED);
}

struct crypto_sa *crypto_sa_free(struct crypto_sa *sa)
{
	if (!sa)
		return NULL;
	EVP_CIPHER_CTX_free(sa->cipher);
	drop_engine_key(sa);
	mac_fini(&sa->mac);
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
