/*
 * Fetching an algorithm walks OpenSSL's providers under a lock, so it happens here, once; packets only ever
 * see the result. A further cipher is one row here, one in lib/ipsec/alg.c and one known answer.
 */
#include "crypto/internal.h"

#include <errno.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

static const struct cipher_row {
	enum alg_enc id;
	uint8_t key_len; /* without salt */
	const char *name;
} cipher_rows[] = {
    {ALG_ENC_3DES_CBC, 24, "DES-EDE3-CBC"},
    {ALG_ENC_AES_CBC, 16, "AES-128-CBC"},
    {ALG_ENC_AES_CBC, 24, "AES-192-CBC"},
    {ALG_ENC_AES_CBC, 32, "AES-256-CBC"},
    {ALG_ENC_AES_GCM_16, 16, "AES-128-GCM"},
    {ALG_ENC_AES_GCM_16, 24, "AES-192-GCM"},
    {ALG_ENC_AES_GCM_16, 32, "AES-256-GCM"},
};

static const struct digest_row {
	enum alg_auth id;
	const char *name;
} digest_rows[] = {
    {ALG_AUTH_HMAC_MD5, "MD5"},
    {ALG_AUTH_HMAC_SHA1, "SHA1"},
    {ALG_AUTH_HMAC_SHA256, "SHA2-256"},
    {ALG_AUTH_HMAC_SHA384, "SHA2-384"},
    {ALG_AUTH_HMAC_SHA512, "SHA2-512"},
};

static EVP_CIPHER *ciphers[ARRAY_SIZE(cipher_rows)];
static EVP_MD *digests[ARRAY_SIZE(digest_rows)];
static bool ready;

static int missing(const char *name, struct err_text *e)
{
	ERR_clear_error();
	return err_set(e, -EOPNOTSUPP,
	    "OpenSSL does not provide %s: it is left out of this build of OpenSSL or forbidden by its "
	    "configuration "
	    "(a FIPS mode, or openssl.cnf)",
	    name);
}

int crypto_fetch_all(struct err_text *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(cipher_rows); i++) {
		ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_rows[i].name, NULL);
		if (!ciphers[i])
			return missing(cipher_rows[i].name, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(digest_rows); i++) {
		digests[i] = EVP_MD_fetch(NULL, digest_rows[i].name, NULL);
		if (!digests[i])
			return missing(digest_rows[i].name, e);
	}
	return 0;
}

void crypto_release_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		EVP_CIPHER_free(ciphers[i]);
		ciphers[i] = NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		EVP_MD_free(digests[i]);
		digests[i] = NULL;
	}
}

const EVP_CIPHER *crypto_cipher(enum alg_enc id, size_t key_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(cipher_rows); i++)
		if (cipher_rows[i].id == id && cipher_rows[i].key_len == key_len)
			return ciphers[i];
	return NULL;
}

const EVP_MD *crypto_digest(enum alg_auth id)
{
	for (size_t i = 0; i < ARRAY_SIZE(digest_rows); i++)
		if (digest_rows[i].id == id)
			return digests[i];
	return NULL;
}

int crypto_init(struct err_text *e)
{
	int r;

	if (ready)
		return 0;
	r = crypto_fetch_all(e);
	if (r == 0)
		r = crypto_known_answers(e);
	if (r < 0)
		crypto_release_all();
	ready = r == 0;
	return r;
}

void crypto_fini(void)
{
	crypto_release_all();
	ready = false;
}

const char *crypto_engine_name(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
