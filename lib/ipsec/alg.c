/*
 * Aliases stand beside the table rather than in it, so that a dump always prints the one canonical name.
 * Names that the language knows and this build lacks are listed too: "unsupported algorithm" is a better
 * answer than "syntax error".
 */
#include "ipsec/alg.h"

#include <string.h>

#include "base/auto.h"

/* id, kind, dump name, statistics name and place; key least, most, step, salt; block, IV, ICV; combined,
 * counter */
static const struct alg_enc_info enc_table[] = {
    {ALG_ENC_DES_CBC, ALG_KIND_CBC, "des-cbc", "des-cbc", 2, 8, 8, 1, 0, 8, 8, 0, false, false},
    {ALG_ENC_3DES_CBC, ALG_KIND_CBC, "3des-cbc", "3des-cbc", 3, 24, 24, 1, 0, 8, 8, 0, false, false},
    {ALG_ENC_CAST128_CBC, ALG_KIND_CBC, "cast128-cbc", "cast128-cbc", 6, 5, 16, 1, 0, 8, 8, 0, false, false},
    {ALG_ENC_BLOWFISH_CBC, ALG_KIND_CBC, "blowfish-cbc", "blowfish-cbc", 7, 5, 56, 1, 0, 8, 8, 0, false,
        false},
    {ALG_ENC_NULL, ALG_KIND_NULL, "null", "null", 11, 0, 0, 1, 0, 1, 0, 0, false, false},
    {ALG_ENC_AES_CBC, ALG_KIND_CBC, "aes-cbc", "rijndael-cbc", 12, 16, 32, 8, 0, 16, 16, 0, false, false},
    {ALG_ENC_AES_CTR, ALG_KIND_CTR, "aes-ctr", "aes-ctr", 13, 20, 36, 8, 4, 1, 8, 0, false, true},
    {ALG_ENC_AES_CCM_8, ALG_KIND_CCM, "aes-ccm-8", "aes-ccm-8", 14, 19, 35, 8, 3, 1, 8, 8, true, true},
    {ALG_ENC_AES_CCM_12, ALG_KIND_CCM, "aes-ccm-12", "aes-ccm-12", 15, 19, 35, 8, 3, 1, 8, 12, true, true},
    {ALG_ENC_AES_CCM_16, ALG_KIND_CCM, "aes-ccm-16", "aes-ccm-16", 16, 19, 35, 8, 3, 1, 8, 16, true, true},
    {ALG_ENC_AES_GCM_8, ALG_KIND_GCM, "aes-gcm-8", "aes-gcm-8", 18, 20, 36, 8, 4, 1, 8, 8, true, true},
    {ALG_ENC_AES_GCM_12, ALG_KIND_GCM, "aes-gcm-12", "aes-gcm-12", 19, 20, 36, 8, 4, 1, 8, 12, true, true},
    {ALG_ENC_AES_GCM_16, ALG_KIND_GCM, "aes-gcm-16", "aes-gcm-16", 20, 20, 36, 8, 4, 1, 8, 16, true, true},
    {ALG_ENC_AES_GMAC, ALG_KIND_GMAC, "aes-gmac", "aes-gmac", 21, 20, 36, 8, 4, 1, 8, 16, true, true},
    {ALG_ENC_CAMELLIA_CBC, ALG_KIND_CBC, "camellia-cbc", "camellia-cbc", 22, 16, 32, 8, 0, 16, 16, 0, false,
        false},
    {ALG_ENC_CHACHA20_POLY1305, ALG_KIND_CHACHA, "chacha20-poly1305", "chacha20-poly1305", 28, 36, 36, 1, 4,
        1, 8, 16, true, true},
};

/* id, name, statistics name and place; key least, most, step; ICV, whole value; counter */
static const struct alg_auth_info auth_table[] = {
    {ALG_AUTH_HMAC_MD5, "hmac-md5", "hmac-md5", 2, 16, 16, 1, 12, 16, false},
    {ALG_AUTH_HMAC_SHA1, "hmac-sha1", "hmac-sha1", 3, 20, 20, 1, 12, 20, false},
    {ALG_AUTH_HMAC_SHA256, "hmac-sha256", "hmac-sha2-256", 5, 32, 32, 1, 16, 32, false},
    {ALG_AUTH_HMAC_SHA384, "hmac-sha384", "hmac-sha2-384", 6, 48, 48, 1, 24, 48, false},
    {ALG_AUTH_HMAC_SHA512, "hmac-sha512", "hmac-sha2-512", 7, 64, 64, 1, 32, 64, false},
    {ALG_AUTH_HMAC_RIPEMD160, "hmac-ripemd160", "hmac-ripemd160", 8, 20, 20, 1, 12, 20, false},
    {ALG_AUTH_AES_XCBC, "aes-xcbc-mac", "aes-xcbc-mac", 9, 16, 16, 1, 12, 16, false},
    {ALG_AUTH_AES_CMAC, "aes-cmac", "aes-cmac", 10, 16, 16, 1, 12, 16, false},
    {ALG_AUTH_AES_GMAC, "aes-gmac", "aes-gmac", 11, 20, 36, 8, 24, 24, true},
    {ALG_AUTH_KEYED_MD5, "md5", "md5", 249, 16, 16, 1, 12, 16, false},
    {ALG_AUTH_KEYED_SHA1, "sha", "sha", 250, 20, 20, 1, 12, 20, false},
};

/* For peers from before RFC 4868, which cut SHA-2 to 96 bits as they did with SHA-1. */
static const struct alg_auth_short auth_shorts[] = {
    {"hmac-sha256-96", ALG_AUTH_HMAC_SHA256, 12},
    {"hmac-sha384-96", ALG_AUTH_HMAC_SHA384, 12},
    {"hmac-sha512-96", ALG_AUTH_HMAC_SHA512, 12},
};

static const struct {
	const char *alias, *name;
} aliases[] = {
    {"rijndael-cbc", "aes-cbc"},
    {"simple", "null"},
    {"hmac-sha2-256", "hmac-sha256"},
    {"hmac-sha2-384", "hmac-sha384"},
    {"hmac-sha2-512", "hmac-sha512"},
    {"hmac-sha2-256-96", "hmac-sha256-96"},
    {"hmac-sha2-384-96", "hmac-sha384-96"},
    {"hmac-sha2-512-96", "hmac-sha512-96"},
    {"keyed-md5", "md5"},
    {"keyed-sha1", "sha"},
};

static const char *const known_names[] = {
    "tcp-md5",
    "twofish-cbc",
    "des-deriv",
    "des-32iv",
    "3des-deriv",
    "rc5-cbc",
    "lzs",
    "oui",
};

static const char *canonical(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(aliases[i].alias, name) == 0)
			return aliases[i].name;
	return name;
}

const struct alg_enc_info *alg_enc_at(size_t i)
{
	return i < ARRAY_SIZE(enc_table) ? &enc_table[i] : NULL;
}

const struct alg_auth_info *alg_auth_at(size_t i)
{
	return i < ARRAY_SIZE(auth_table) ? &auth_table[i] : NULL;
}

const struct alg_enc_info *alg_enc_by_id(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(enc_table); i++)
		if (enc_table[i].id == id)
			return &enc_table[i];
	return NULL;
}

const struct alg_auth_info *alg_auth_by_id(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth_table); i++)
		if (auth_table[i].id == id)
			return &auth_table[i];
	return NULL;
}

const struct alg_enc_info *alg_enc_by_name(const char *name)
{
	name = canonical(name);
	for (size_t i = 0; i < ARRAY_SIZE(enc_table); i++)
		if (strcmp(enc_table[i].name, name) == 0)
			return &enc_table[i];
	return NULL;
}

const struct alg_auth_short *alg_auth_short_by_name(const char *name)
{
	name = canonical(name);
	for (size_t i = 0; i < ARRAY_SIZE(auth_shorts); i++)
		if (strcmp(auth_shorts[i].name, name) == 0)
			return &auth_shorts[i];
	return NULL;
}

const struct alg_auth_info *alg_auth_by_name(const char *name)
{
	const struct alg_auth_short *s = alg_auth_short_by_name(name);

	name = canonical(name);
	for (size_t i = 0; i < ARRAY_SIZE(auth_table); i++)
		if (strcmp(auth_table[i].name, name) == 0)
			return &auth_table[i];
	return s ? alg_auth_by_id(s->id) : NULL;
}

const char *alg_auth_name(const struct alg_auth_info *a, uint8_t icv_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth_shorts); i++)
		if (auth_shorts[i].id == a->id && auth_shorts[i].icv_len == icv_len)
			return auth_shorts[i].name;
	return a->name;
}

const char *alg_comp_name(uint32_t id)
{
	return id == ALG_COMP_DEFLATE ? "deflate" : NULL;
}

enum alg_comp alg_comp_by_name(const char *name)
{
	return strcmp(name, "deflate") == 0 ? ALG_COMP_DEFLATE : ALG_COMP_NONE;
}

bool alg_name_is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_names); i++)
		if (strcmp(known_names[i], name) == 0)
			return true;
	return alg_enc_by_name(name) || alg_auth_by_name(name) || alg_comp_by_name(name);
}

bool alg_enc_keylen_ok(const struct alg_enc_info *a, size_t n)
{
	return n >= a->key_min && n <= a->key_max && (n - a->key_min) % a->key_step == 0;
}

bool alg_auth_keylen_ok(const struct alg_auth_info *a, size_t n)
{
	return n >= a->key_min && n <= a->key_max && (n - a->key_min) % a->key_step == 0;
}
