/*
 * Fetching an algorithm walks OpenSSL's providers under a lock, so it happens here, once; packets only ever
 * see the result. A further algorithm is one row here, one in lib/ipsec/alg.c and one known answer. What is
 * not there, or computes wrongly, is absent: no reason not to start, unless it is one of the core.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

enum home {
	CORE,   /* in OpenSSL's default provider, and nothing starts without it */
	EXTRA,  /* in the default provider */
	LEGACY, /* in the legacy provider, which distributions may package apart */
};

enum state { GONE = 0, HERE, WRONG };

static const struct row {
	enum alg_enc enc;
	enum alg_auth auth; /* one of the two is NONE */
	enum home home;
	uint8_t key_len;  /* without salt; 0: any */
	const char *name; /* OpenSSL's, of the cipher or digest it is made from */
} rows[] = {
    {ALG_ENC_DES_CBC, 0, LEGACY, 0, "DES-CBC"},
    {ALG_ENC_3DES_CBC, 0, EXTRA, 0, "DES-EDE3-CBC"},
    {ALG_ENC_CAST128_CBC, 0, LEGACY, 0, "CAST5-CBC"},
    {ALG_ENC_BLOWFISH_CBC, 0, LEGACY, 0, "BF-CBC"},
    {ALG_ENC_AES_CBC, 0, CORE, 16, "AES-128-CBC"},
    {ALG_ENC_AES_CBC, 0, CORE, 24, "AES-192-CBC"},
    {ALG_ENC_AES_CBC, 0, CORE, 32, "AES-256-CBC"},
    {ALG_ENC_CAMELLIA_CBC, 0, EXTRA, 16, "CAMELLIA-128-CBC"},
    {ALG_ENC_CAMELLIA_CBC, 0, EXTRA, 24, "CAMELLIA-192-CBC"},
    {ALG_ENC_CAMELLIA_CBC, 0, EXTRA, 32, "CAMELLIA-256-CBC"},
    {ALG_ENC_AES_CTR, 0, EXTRA, 16, "AES-128-CTR"},
    {ALG_ENC_AES_CTR, 0, EXTRA, 24, "AES-192-CTR"},
    {ALG_ENC_AES_CTR, 0, EXTRA, 32, "AES-256-CTR"},
    {ALG_ENC_AES_GCM_8, 0, CORE, 16, "AES-128-GCM"},
    {ALG_ENC_AES_GCM_8, 0, CORE, 24, "AES-192-GCM"},
    {ALG_ENC_AES_GCM_8, 0, CORE, 32, "AES-256-GCM"},
    {ALG_ENC_AES_GCM_12, 0, CORE, 16, "AES-128-GCM"},
    {ALG_ENC_AES_GCM_12, 0, CORE, 24, "AES-192-GCM"},
    {ALG_ENC_AES_GCM_12, 0, CORE, 32, "AES-256-GCM"},
    {ALG_ENC_AES_GCM_16, 0, CORE, 16, "AES-128-GCM"},
    {ALG_ENC_AES_GCM_16, 0, CORE, 24, "AES-192-GCM"},
    {ALG_ENC_AES_GCM_16, 0, CORE, 32, "AES-256-GCM"},
    {ALG_ENC_AES_CCM_8, 0, EXTRA, 16, "AES-128-CCM"},
    {ALG_ENC_AES_CCM_8, 0, EXTRA, 24, "AES-192-CCM"},
    {ALG_ENC_AES_CCM_8, 0, EXTRA, 32, "AES-256-CCM"},
    {ALG_ENC_AES_CCM_12, 0, EXTRA, 16, "AES-128-CCM"},
    {ALG_ENC_AES_CCM_12, 0, EXTRA, 24, "AES-192-CCM"},
    {ALG_ENC_AES_CCM_12, 0, EXTRA, 32, "AES-256-CCM"},
    {ALG_ENC_AES_CCM_16, 0, EXTRA, 16, "AES-128-CCM"},
    {ALG_ENC_AES_CCM_16, 0, EXTRA, 24, "AES-192-CCM"},
    {ALG_ENC_AES_CCM_16, 0, EXTRA, 32, "AES-256-CCM"},
    {ALG_ENC_AES_GMAC, 0, EXTRA, 16, "AES-128-GCM"},
    {ALG_ENC_AES_GMAC, 0, EXTRA, 24, "AES-192-GCM"},
    {ALG_ENC_AES_GMAC, 0, EXTRA, 32, "AES-256-GCM"},
    {ALG_ENC_CHACHA20_POLY1305, 0, EXTRA, 32, "ChaCha20-Poly1305"},
    {0, ALG_AUTH_HMAC_MD5, EXTRA, 0, "MD5"},
    {0, ALG_AUTH_HMAC_SHA1, CORE, 0, "SHA1"},
    {0, ALG_AUTH_HMAC_SHA256, CORE, 0, "SHA2-256"},
    {0, ALG_AUTH_HMAC_SHA384, CORE, 0, "SHA2-384"},
    {0, ALG_AUTH_HMAC_SHA512, CORE, 0, "SHA2-512"},
    /* In the default provider since 3.0.7, in the legacy one before. */
    {0, ALG_AUTH_HMAC_RIPEMD160, EXTRA, 0, "RIPEMD160"},
    {0, ALG_AUTH_AES_XCBC, EXTRA, 16, "AES-128-CBC"},
    {0, ALG_AUTH_AES_CMAC, EXTRA, 16, "AES-128-CBC"},
    {0, ALG_AUTH_AES_GMAC, EXTRA, 16, "AES-128-GCM"},
    {0, ALG_AUTH_AES_GMAC, EXTRA, 24, "AES-192-GCM"},
    {0, ALG_AUTH_AES_GMAC, EXTRA, 32, "AES-256-GCM"},
    {0, ALG_AUTH_KEYED_MD5, EXTRA, 0, "MD5"},
    {0, ALG_AUTH_KEYED_SHA1, EXTRA, 0, "SHA1"},
};

static struct fetched {
	EVP_CIPHER *cipher;
	EVP_MD *md;
	enum state state;
} fetched[ARRAY_SIZE(rows)];
static OSSL_PROVIDER *legacy;
static char absent_names[512];
static bool ready;

static bool is_digest(enum alg_auth id)
{
	return id && id != ALG_AUTH_AES_XCBC && id != ALG_AUTH_AES_CMAC && id != ALG_AUTH_AES_GMAC;
}

static const char *setkey_name(const struct row *r)
{
	return r->enc ? alg_enc_by_id(r->enc)->name : alg_auth_by_id(r->auth)->name;
}

static int say_absent(size_t i, struct err_text *e)
{
	const struct row *r = &rows[i];

	if (fetched[i].state == WRONG)
		return err_set(e, -EOPNOTSUPP,
		    "%s computes %s wrongly, so it is not used; install another OpenSSL",
		    crypto_engine_name(), setkey_name(r));
	if (r->home == LEGACY && !legacy)
		return err_set(e, -EOPNOTSUPP,
		    "OpenSSL here does not provide %s: its legacy provider is missing (package "
		    "openssl-provider-legacy)",
		    setkey_name(r));
	return err_set(e, -EOPNOTSUPP,
	    "OpenSSL here does not provide %s (%s): it is left out of this build of OpenSSL or forbidden by "
	    "its "
	    "configuration (a FIPS mode, or openssl.cnf)",
	    setkey_name(r), r->name);
}

/*
 * The fall-back to the default provider is kept, rather than that provider loaded: an administrator whose
 * openssl.cnf activates another set of providers means it.
 */
static int fetch_all(struct err_text *e)
{
	legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fetched *f = &fetched[i];

		if (is_digest(rows[i].auth))
			f->md = EVP_MD_fetch(NULL, rows[i].name, NULL);
		else
			f->cipher = EVP_CIPHER_fetch(NULL, rows[i].name, NULL);
		f->state = f->md || f->cipher ? HERE : GONE;
		if (f->state == GONE && rows[i].home == CORE)
			return say_absent(i, e);
	}
	return 0;
}

static void release_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EVP_CIPHER_free(fetched[i].cipher);
		EVP_MD_free(fetched[i].md);
		fetched[i] = (struct fetched){0};
	}
	if (legacy)
		(void)OSSL_PROVIDER_unload(legacy);
	legacy = NULL;
	absent_names[0] = '\0';
	ERR_clear_error();
}

/* Index of the row, or -1. */
static int find(enum alg_enc enc, enum alg_auth auth, size_t key_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].enc == enc && rows[i].auth == auth &&
		    (rows[i].key_len == 0 || rows[i].key_len == key_len))
			return (int)i;
	return -1;
}

static const struct fetched *here(enum alg_enc enc, enum alg_auth auth, size_t key_len)
{
	int i = find(enc, auth, key_len);

	return i >= 0 && fetched[i].state == HERE ? &fetched[i] : NULL;
}

const EVP_CIPHER *crypto_cipher(enum alg_enc id, size_t key_len)
{
	const struct fetched *f = here(id, ALG_AUTH_NONE, key_len);

	return f ? f->cipher : NULL;
}

const EVP_CIPHER *crypto_mac_cipher(enum alg_auth id, size_t key_len)
{
	const struct fetched *f = here(ALG_ENC_NONE, id, key_len);

	return f ? f->cipher : NULL;
}

const EVP_MD *crypto_digest(enum alg_auth id)
{
	const struct fetched *f = here(ALG_ENC_NONE, id, 0);

	return f ? f->md : NULL;
}

int crypto_mark_wrong(
    enum alg_enc enc, enum alg_auth auth, size_t key_len, const char *what, struct err_text *e)
{
	int i = find(enc, auth, key_len);

	if (i < 0 || rows[i].home == CORE)
		return err_set(e, -EIO,
		    "%s computes %s wrongly: no packet may be trusted to it; install another OpenSSL",
		    crypto_engine_name(), what);
	if (fetched[i].state == HERE)
		fetched[i].state = WRONG;
	return 0;
}

/* The next row from i on that is absent and is the first such one of its algorithm; ARRAY_SIZE(rows) at the
 * end. */
static size_t next_absent(size_t i)
{
	for (; i < ARRAY_SIZE(rows); i++) {
		bool first = true;

		for (size_t k = 0; k < i; k++)
			first &= fetched[k].state == HERE || rows[k].enc != rows[i].enc ||
			         rows[k].auth != rows[i].auth;
		if (fetched[i].state != HERE && first)
			break;
	}
	return i;
}

bool crypto_absent_at(size_t n, struct err_text *e)
{
	size_t i = next_absent(0);

	while (n-- && i < ARRAY_SIZE(rows))
		i = next_absent(i + 1);
	if (i == ARRAY_SIZE(rows))
		return false;
	(void)say_absent(i, e);
	return true;
}

static void name_absent(void)
{
	size_t at = 0;

	absent_names[0] = '\0';
	for (size_t i = next_absent(0); i < ARRAY_SIZE(rows); i = next_absent(i + 1)) {
		int n = snprintf(absent_names + at, sizeof(absent_names) - at, "%s%s", at ? ", " : "",
		    setkey_name(&rows[i]));

		if (n < 0 || (size_t)n >= sizeof(absent_names) - at)
			break;
		at += (size_t)n;
	}
}

const char *crypto_absent_names(void)
{
	return absent_names;
}

/* The first row of the algorithm that is absent, or -1. key_len without salt; 0: any of its lengths. */
static int absent_row(enum alg_enc enc, enum alg_auth auth, size_t key_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].enc == enc && rows[i].auth == auth && fetched[i].state != HERE &&
		    (!key_len || !rows[i].key_len || rows[i].key_len == key_len))
			return (int)i;
	return -1;
}

int crypto_check_present(enum alg_enc enc, size_t key_len, enum alg_auth auth, struct err_text *e)
{
	const struct alg_enc_info *c = alg_enc_by_id(enc);
	int i = -1;

	if ((enc && !c) || (auth && !alg_auth_by_id(auth)))
		return err_set(
		    e, -EOPNOTSUPP, "there is no algorithm of the numbers %d and %d", (int)enc, (int)auth);
	if (c && enc != ALG_ENC_NULL)
		i = absent_row(enc, ALG_AUTH_NONE, key_len > c->salt_len ? key_len - c->salt_len : 0);
	if (i < 0 && auth)
		i = absent_row(ALG_ENC_NONE, auth, 0);
	return i < 0 ? 0 : say_absent((size_t)i, e);
}

bool crypto_has_enc(enum alg_enc id, size_t key_len)
{
	return id != ALG_ENC_NONE && crypto_check_present(id, key_len, ALG_AUTH_NONE, NULL) == 0;
}

bool crypto_has_auth(enum alg_auth id)
{
	return id != ALG_AUTH_NONE && crypto_check_present(ALG_ENC_NONE, 0, id, NULL) == 0;
}

int crypto_init(struct err_text *e)
{
	int r;

	if (ready)
		return 0;
	r = fetch_all(e);
	if (r == 0)
		r = crypto_known_answers(crypto_cipher_answers, crypto_n_cipher_answers, crypto_mac_answers,
		    crypto_n_mac_answers, e);
	ERR_clear_error();
	if (r < 0)
		release_all();
	else
		name_absent();
	ready = r == 0;
	return r;
}

void crypto_fini(void)
{
	(void)crypto_use_engine(NULL);
	release_all();
	ready = false;
}
