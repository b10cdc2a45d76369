/*
 * What such a key says of itself has to be what is announced with its signatures: one hash for both places,
 * and a salt as long as its value (RFC 7427 appendix A.4).
 */
#include "certd/own_pss.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "base/auto.h"
#include "wire/ike/v2.h"

enum { WORD_MAX = 50, MANDATORY = 2 /* EVP_PKEY_get_default_digest_name() */ };

/* Of RFC 4055 section 3.1. */
struct said {
	char hash[WORD_MAX]; /* "": the key says nothing at all */
	char mask[WORD_MAX];
	int salt; /* octets, at least */
};

static const struct {
	const char *name, *alias; /* OpenSSL's */
	uint8_t hash, len;
} hashes[] = {
    {"SHA256", "SHA2-256", IKE2_HASH_SHA256, 32},
    {"SHA384", "SHA2-384", IKE2_HASH_SHA384, 48},
    {"SHA512", "SHA2-512", IKE2_HASH_SHA512, 64},
};

bool own_pss_is(const EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "RSA-PSS");
}

static struct said look(const EVP_PKEY *key)
{
	EVP_PKEY *k = (EVP_PKEY *)(uintptr_t)key; /* OpenSSL 3.0 does not change it, and does not say so */
	struct said s = {.mask = "SHA1", .salt = 20}; /* what stands for parameters that are left out */

	if (!own_pss_is(key) || EVP_PKEY_get_default_digest_name(k, s.hash, WORD_MAX) != MANDATORY)
		return (struct said){{0}};
	(void)EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_MGF1_DIGEST, s.mask, WORD_MAX, NULL);
	(void)EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &s.salt);
	ERR_clear_error();
	return s;
}

/* Of `hashes`; their number: none of them. */
static size_t find(const char *name)
{
	size_t i = 0;

	while (
	    i < ARRAY_SIZE(hashes) && strcmp(name, hashes[i].name) != 0 && strcmp(name, hashes[i].alias) != 0)
		i++;
	return i;
}

uint8_t own_pss_hash(const EVP_PKEY *key)
{
	const struct said s = look(key);
	size_t i = find(s.hash);

	return i < ARRAY_SIZE(hashes) ? hashes[i].hash : 0;
}

int own_pss_check(const EVP_PKEY *key, struct err_text *e)
{
	const struct said s = look(key);
	size_t i = find(s.hash);

	if (!s.hash[0] || (i < ARRAY_SIZE(hashes) && find(s.mask) == i && s.salt <= hashes[i].len))
		return 0;
	return err_set(e, -EOPNOTSUPP,
	    "the RSA-PSS key is for signatures over %s alone, masked with %s, with a salt of %d octets or "
	    "more: take "
	    "one for SHA-256, SHA-384 or SHA-512 in both places with a salt that is not longer than that, or "
	    "one "
	    "that says nothing of it",
	    s.hash, s.mask, s.salt);
}
