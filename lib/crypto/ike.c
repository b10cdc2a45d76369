/*
 * A key of a pseudorandom function may be longer than a block here (a pre-shared key, a Diffie-Hellman
 * secret's nonces), so OpenSSL's own HMAC is used, which shortens it as RFC 2104 wants; what it costs more
 * than packets could bear is nothing beside an exponentiation.
 */
#include "crypto/ike.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "crypto/internal.h"
#include "crypto/piece.h"

static const struct row {
	enum alg_prf id;
	enum alg_auth base; /* whose hash it is, or whose chain of blocks */
	uint8_t len;
	const char *name;
} rows[] = {
    {ALG_PRF_HMAC_MD5, ALG_AUTH_HMAC_MD5, 16, "hmac-md5"},
    {ALG_PRF_HMAC_SHA1, ALG_AUTH_HMAC_SHA1, 20, "hmac-sha1"},
    {ALG_PRF_HMAC_SHA256, ALG_AUTH_HMAC_SHA256, 32, "hmac-sha256"},
    {ALG_PRF_HMAC_SHA384, ALG_AUTH_HMAC_SHA384, 48, "hmac-sha384"},
    {ALG_PRF_HMAC_SHA512, ALG_AUTH_HMAC_SHA512, 64, "hmac-sha512"},
    {ALG_PRF_AES128_XCBC, ALG_AUTH_AES_XCBC, 16, "aes128-xcbc"},
    {ALG_PRF_AES128_CMAC, ALG_AUTH_AES_CMAC, 16, "aes128-cmac"},
};

static const struct row *row_of(enum alg_prf id)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

/* NULL also for the functions that have none. */
static const EVP_MD *digest_of(enum alg_prf id)
{
	const struct row *r = row_of(id);

	return r ? crypto_digest(r->base) : NULL;
}

static bool is_of_aes(enum alg_prf id)
{
	return id == ALG_PRF_AES128_XCBC || id == ALG_PRF_AES128_CMAC;
}

bool crypto_has_prf(enum alg_prf id)
{
	return is_of_aes(id) ? crypto_has_auth(row_of(id)->base) : digest_of(id) != NULL;
}

size_t crypto_prf_len(enum alg_prf id)
{
	const struct row *r = row_of(id);

	return r ? r->len : 0;
}

size_t crypto_hash_len(enum alg_prf id)
{
	return is_of_aes(id) ? 0 : crypto_prf_len(id);
}

const char *crypto_prf_name(enum alg_prf id)
{
	const struct row *r = row_of(id);

	return r ? r->name : NULL;
}

/* The failed value is wiped: nobody shall go on with half of one. */
static int answer(bool ok, uint8_t ret[ALG_PRF_LEN_MAX])
{
	ERR_clear_error();
	if (ok)
		return 0;
	wipe(ret, ALG_PRF_LEN_MAX);
	return -EIO;
}

static bool run_hmac(const EVP_MD *md, const void *key, size_t key_len, const struct iovec *piece,
    size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX])
{
	static const uint8_t no_key[1];
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
	size_t n = 0;
	bool ok = ctx != NULL;

	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)EVP_MD_get0_name(md), 0);
	ok = ok && EVP_MAC_init(ctx, key_len ? key : no_key, key_len, params) == 1;
	for (size_t i = 0; i < n_pieces; i++)
		ok = ok && EVP_MAC_update(ctx, piece[i].iov_base, piece[i].iov_len) == 1;
	ok = ok && EVP_MAC_final(ctx, ret, &n, ALG_PRF_LEN_MAX) == 1 && n == (size_t)EVP_MD_get_size(md);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok;
}

int crypto_prf(enum alg_prf id, const void *key, size_t key_len, const struct iovec *piece, size_t n_pieces,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	const EVP_MD *md = digest_of(id);

	if (!crypto_has_prf(id))
		return -EOPNOTSUPP;
	if (md)
		return answer(run_hmac(md, key, key_len, piece, n_pieces, ret), ret);
	return answer(prf_aes(row_of(id)->base, key, key_len, piece, n_pieces, ret) == 0, ret);
}

int prf_secret(
    enum alg_prf id, struct iovec key, const struct iovec *piece, size_t n_pieces, struct secret **ret)
{
	uint8_t out[ALG_PRF_LEN_MAX] = {0};
	AUTO_WIPE(out);
	int r = crypto_prf(id, key.iov_base, key.iov_len, piece, n_pieces, out);

	if (r < 0)
		return r;
	*ret = secret_dup_bytes(out, crypto_prf_len(id));
	return *ret ? 0 : -ENOMEM;
}

int crypto_hash(enum alg_prf id, const struct iovec *piece, size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const EVP_MD *md = digest_of(id);
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;

	if (!md)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < n_pieces; i++)
		ok = ok && EVP_DigestUpdate(ctx, piece[i].iov_base, piece[i].iov_len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return answer(ok, ret);
}

/* For any key length that the cipher has; NULL: it is no block cipher, or absent. */
static const EVP_CIPHER *cbc_of(enum alg_enc id, size_t key_len)
{
	const struct alg_enc_info *a = alg_enc_by_id(id);

	return a && a->kind == ALG_KIND_CBC ? crypto_cipher(id, key_len) : NULL;
}

size_t crypto_cbc_block(enum alg_enc id)
{
	const struct alg_enc_info *a = alg_enc_by_id(id);
	const EVP_CIPHER *c = a ? cbc_of(id, a->key_min) : NULL;

	return c ? (size_t)EVP_CIPHER_get_block_size(c) : 0;
}

static bool run_cbc(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *c, const uint8_t *key, size_t key_len,
    const uint8_t *iv, uint8_t *data, size_t len, bool seal)
{
	int n = 0;

	return EVP_CipherInit_ex2(ctx, c, NULL, NULL, seal, NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	       EVP_CIPHER_CTX_set_key_length(ctx, (int)key_len) == 1 &&
	       EVP_CipherInit_ex2(ctx, NULL, key, iv, seal, NULL) == 1 &&
	       EVP_CipherUpdate(ctx, data, &n, data, (int)len) == 1 && (size_t)n == len;
}

int crypto_cbc(enum alg_enc id, const uint8_t *key, size_t key_len, const uint8_t *iv, uint8_t *data,
    size_t len, bool seal)
{
	const EVP_CIPHER *c = cbc_of(id, key_len);
	const struct alg_enc_info *a = alg_enc_by_id(id);
	EVP_CIPHER_CTX *ctx;
	bool ok;

	if (!c)
		return -EOPNOTSUPP;
	if (key_len < a->key_min || key_len > a->key_max || !len || len > INT32_MAX ||
	    len % (size_t)EVP_CIPHER_get_block_size(c))
		return -EINVAL;
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx && run_cbc(ctx, c, key, key_len, iv, data, len, seal);
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : -EIO;
}
