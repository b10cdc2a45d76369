/*
 * Aliases stand beside the table rather than in it, so that a dump always prints the one canonical name.
 * Names that the language knows and this build lacks are listed too: "unsupported algorithm" is a better
 * answer than "syntax error".
 */
#include "ipsec/alg.h"

#include <string.h>

#include "base/auto.h"

static const struct alg_enc_info enc_table[] = {
    {ALG_ENC_3DES_CBC, "3des-cbc", "3des-cbc", 3, 24, 24, 1, 0, 8, 8, 0, false, false},
    {ALG_ENC_NULL, "null", "null", 11, 0, 0, 1, 0, 1, 0, 0, false, false},
    {ALG_ENC_AES_CBC, "aes-cbc", "rijndael-cbc", 12, 16, 32, 8, 0, 16, 16, 0, false, false},
    {ALG_ENC_AES_GCM_16, "aes-gcm-16", "aes-gcm-16", 20, 20, 36, 8, 4, 1, 8, 16, true, true},
};

static const struct alg_auth_info auth_table[] = {
    {ALG_AUTH_HMAC_MD5, "hmac-md5", "hmac-md5", 2, 16, 16, 12, 16},
    {ALG_AUTH_HMAC_SHA1, "hmac-sha1", "hmac-sha1", 3, 20, 20, 12, 20},
    {ALG_AUTH_HMAC_SHA256, "hmac-sha256", "hmac-sha2-256", 5, 32, 32, 16, 32},
    {ALG_AUTH_HMAC_SHA384, "hmac-sha384", "hmac-sha2-384", 6, 48, 48, 24, 48},
    {ALG_AUTH_HMAC_SHA512, "hmac-sha512", "hmac-sha2-512", 7, 64, 64, 32, 64},
};

static const struct {
	const char *alias, *name;
} aliases[] = {
    {"rijndael-cbc", "aes-cbc"},
    {"simple", "null"},
    {"hmac-sha2-256", "hmac-sha256"},
    {"hmac-sha2-384", "hmac-sha384"},
    {"hmac-sha2-512", "hmac-sha512"},
};

static const char *const known_names[] = {
    "keyed-md5",
    "keyed-sha1",
    "hmac-ripemd160",
    "aes-xcbc-mac",
    "tcp-md5",
    "des-cbc",
    "blowfish-cbc",
    "cast128-cbc",
    "twofish-cbc",
    "des-deriv",
    "des-32iv",
    "3des-deriv",
    "aes-ctr",
    "aes-gmac",
    "camellia-cbc",
    "rc5-cbc",
    "deflate",
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

const struct alg_auth_info *alg_auth_by_name(const char *name)
{
	name = canonical(name);
	for (size_t i = 0; i < ARRAY_SIZE(auth_table); i++)
		if (strcmp(auth_table[i].name, name) == 0)
			return &auth_table[i];
	return NULL;
}

bool alg_name_is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_names); i++)
		if (strcmp(known_names[i], name) == 0)
			return true;
	return alg_enc_by_name(name) || alg_auth_by_name(name);
}

bool alg_enc_keylen_ok(const struct alg_enc_info *a, size_t n)
{
	return n >= a->key_min && n <= a->key_max && (n - a->key_min) % a->key_step == 0;
}

bool alg_auth_keylen_ok(const struct alg_auth_info *a, size_t n)
{
	return n >= a->key_min && n <= a->key_max;
}
