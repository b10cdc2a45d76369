/*
 * Key lengths of the suite's own table. The originals asked a kernel first and refused to answer before; here
 * the answer is always there. Algorithms without a number in the key management interface cannot be asked
 * for.
 */
#include <stdint.h>

#include "api.h"
#include "base/auto.h"
#include "fail.h"
#include "ipsec/alg.h"

/* KAME's, and in none of the kernel's headers. */
enum { AALG_KEYED_MD5 = 249, AALG_KEYED_SHA1 = 250 };

struct number {
	uint8_t number; /* SADB_*ALG_* */
	uint8_t id;     /* enum alg_enc, enum alg_auth */
};

static const struct number ciphers[] = {
    {SADB_EALG_DESCBC, ALG_ENC_DES_CBC},
    {SADB_EALG_3DESCBC, ALG_ENC_3DES_CBC},
    {SADB_X_EALG_CASTCBC, ALG_ENC_CAST128_CBC},
    {SADB_X_EALG_BLOWFISHCBC, ALG_ENC_BLOWFISH_CBC},
    {SADB_EALG_NULL, ALG_ENC_NULL},
    {SADB_X_EALG_AESCBC, ALG_ENC_AES_CBC},
    {SADB_X_EALG_AESCTR, ALG_ENC_AES_CTR},
    {SADB_X_EALG_AES_CCM_ICV8, ALG_ENC_AES_CCM_8},
    {SADB_X_EALG_AES_CCM_ICV12, ALG_ENC_AES_CCM_12},
    {SADB_X_EALG_AES_CCM_ICV16, ALG_ENC_AES_CCM_16},
    {SADB_X_EALG_AES_GCM_ICV8, ALG_ENC_AES_GCM_8},
    {SADB_X_EALG_AES_GCM_ICV12, ALG_ENC_AES_GCM_12},
    {SADB_X_EALG_AES_GCM_ICV16, ALG_ENC_AES_GCM_16},
    {SADB_X_EALG_CAMELLIACBC, ALG_ENC_CAMELLIA_CBC},
    {SADB_X_EALG_NULL_AES_GMAC, ALG_ENC_AES_GMAC},
};

static const struct number authenticators[] = {
    {SADB_AALG_MD5HMAC, ALG_AUTH_HMAC_MD5},
    {SADB_AALG_SHA1HMAC, ALG_AUTH_HMAC_SHA1},
    {SADB_X_AALG_SHA2_256HMAC, ALG_AUTH_HMAC_SHA256},
    {SADB_X_AALG_SHA2_384HMAC, ALG_AUTH_HMAC_SHA384},
    {SADB_X_AALG_SHA2_512HMAC, ALG_AUTH_HMAC_SHA512},
    {SADB_X_AALG_RIPEMD160HMAC, ALG_AUTH_HMAC_RIPEMD160},
    {SADB_X_AALG_AES_XCBC_MAC, ALG_AUTH_AES_XCBC},
    {AALG_KEYED_MD5, ALG_AUTH_KEYED_MD5},
    {AALG_KEYED_SHA1, ALG_AUTH_KEYED_SHA1},
};

/* 0 when the table has no such number; ids begin at 1. */
static uint8_t id_of(const struct number *table, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].number == number)
			return table[i].id;
	return 0;
}

static const struct alg_enc_info *cipher(unsigned number)
{
	return alg_enc_by_id(id_of(ciphers, ARRAY_SIZE(ciphers), number));
}

static const struct alg_auth_info *authenticator(unsigned number)
{
	return alg_auth_by_id(id_of(authenticators, ARRAY_SIZE(authenticators), number));
}

LIBIPSEC_PUBLIC int ipsec_check_keylen(unsigned int supported, unsigned int alg, unsigned int bits)
{
	const struct alg_auth_info *auth;
	const struct alg_enc_info *enc;
	bool ok;

	if (supported == SADB_EXT_SUPPORTED_ENCRYPT) {
		enc = cipher(alg);
		if (!enc)
			return fail(EIPSEC_INVAL_ALGS);
		ok = alg_enc_keylen_ok(enc, bits / 8);
	} else if (supported == SADB_EXT_SUPPORTED_AUTH) {
		auth = authenticator(alg);
		if (!auth)
			return fail(EIPSEC_INVAL_ALGS);
		ok = alg_auth_keylen_ok(auth, bits / 8);
	} else {
		return fail(EIPSEC_INVAL_EXTTYPE);
	}
	return ok && bits % 8 == 0 ? succeed() : fail(EIPSEC_INVAL_KEYLEN);
}

LIBIPSEC_PUBLIC int ipsec_check_keylen2(unsigned int satype, unsigned int alg, unsigned int bits)
{
	if (satype == SADB_SATYPE_ESP)
		return ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, alg, bits);
	if (satype == SADB_SATYPE_AH)
		return ipsec_check_keylen(SADB_EXT_SUPPORTED_AUTH, alg, bits);
	return fail(EIPSEC_INVAL_SATYPE);
}

LIBIPSEC_PUBLIC int ipsec_get_keylen(unsigned int supported, unsigned int alg, struct sadb_alg *ret)
{
	const struct alg_auth_info *auth = NULL;
	const struct alg_enc_info *enc = NULL;

	if (!ret)
		return fail(EIPSEC_INVAL_ARGUMENT);
	if (supported != SADB_EXT_SUPPORTED_ENCRYPT && supported != SADB_EXT_SUPPORTED_AUTH)
		return fail(EIPSEC_INVAL_EXTTYPE);
	if (supported == SADB_EXT_SUPPORTED_ENCRYPT)
		enc = cipher(alg);
	else
		auth = authenticator(alg);
	if (!enc && !auth)
		return fail(EIPSEC_INVAL_ALGS);
	*ret = (struct sadb_alg){
	    .sadb_alg_id = (uint8_t)alg,
	    .sadb_alg_ivlen = enc ? enc->iv_len : 0,
	    .sadb_alg_minbits = (uint16_t)((enc ? enc->key_min : auth->key_min) * 8),
	    .sadb_alg_maxbits = (uint16_t)((enc ? enc->key_max : auth->key_max) * 8),
	};
	return succeed();
}
