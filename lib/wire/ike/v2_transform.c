/*
 * Two tables read both ways. Ciphers with keys of several lengths have to say theirs; the others must not
 * (RFC 7296 section 3.3.5).
 */
#include "wire/ike/v2_transform.h"

static const struct {
	uint16_t number;
	enum alg_enc id;
} ciphers[] = {
    {IKE2_ENCR_DES, ALG_ENC_DES_CBC},
    {IKE2_ENCR_3DES, ALG_ENC_3DES_CBC},
    {IKE2_ENCR_CAST, ALG_ENC_CAST128_CBC},
    {IKE2_ENCR_BLOWFISH, ALG_ENC_BLOWFISH_CBC},
    {IKE2_ENCR_NULL, ALG_ENC_NULL},
    {IKE2_ENCR_AES_CBC, ALG_ENC_AES_CBC},
    {IKE2_ENCR_AES_CTR, ALG_ENC_AES_CTR},
    {IKE2_ENCR_AES_CCM_8, ALG_ENC_AES_CCM_8},
    {IKE2_ENCR_AES_CCM_12, ALG_ENC_AES_CCM_12},
    {IKE2_ENCR_AES_CCM_16, ALG_ENC_AES_CCM_16},
    {IKE2_ENCR_AES_GCM_8, ALG_ENC_AES_GCM_8},
    {IKE2_ENCR_AES_GCM_12, ALG_ENC_AES_GCM_12},
    {IKE2_ENCR_AES_GCM_16, ALG_ENC_AES_GCM_16},
    {IKE2_ENCR_AES_GMAC, ALG_ENC_AES_GMAC},
    {IKE2_ENCR_CAMELLIA_CBC, ALG_ENC_CAMELLIA_CBC},
    {IKE2_ENCR_CHACHA20_POLY1305, ALG_ENC_CHACHA20_POLY1305},
};

/* GMAC has a number for each key length, and a salt behind the key. */
static const struct {
	uint16_t number;
	enum alg_auth id;
	uint8_t key_len;
} integs[] = {
    {IKE2_INTEG_NONE, ALG_AUTH_NONE, 0},
    {IKE2_INTEG_HMAC_MD5_96, ALG_AUTH_HMAC_MD5, 16},
    {IKE2_INTEG_HMAC_SHA1_96, ALG_AUTH_HMAC_SHA1, 20},
    {IKE2_INTEG_AES_XCBC_96, ALG_AUTH_AES_XCBC, 16},
    {IKE2_INTEG_AES_CMAC_96, ALG_AUTH_AES_CMAC, 16},
    {IKE2_INTEG_AES_128_GMAC, ALG_AUTH_AES_GMAC, 20},
    {IKE2_INTEG_AES_192_GMAC, ALG_AUTH_AES_GMAC, 28},
    {IKE2_INTEG_AES_256_GMAC, ALG_AUTH_AES_GMAC, 36},
    {IKE2_INTEG_HMAC_SHA256_128, ALG_AUTH_HMAC_SHA256, 32},
    {IKE2_INTEG_HMAC_SHA384_192, ALG_AUTH_HMAC_SHA384, 48},
    {IKE2_INTEG_HMAC_SHA512_256, ALG_AUTH_HMAC_SHA512, 64},
};

static bool has_one_length(const struct alg_enc_info *a)
{
	return a->key_min == a->key_max;
}

bool ike2_cipher_of(const struct ike2_transform *t, enum alg_enc *ret, size_t *ret_key_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		const struct alg_enc_info *a = alg_enc_by_id(ciphers[i].id);
		size_t n = a->key_min;

		if (ciphers[i].number != t->id)
			continue;
		if (t->strange || has_one_length(a) != (t->key_bits == 0) || t->key_bits % 8)
			return false;
		if (t->key_bits)
			n = t->key_bits / 8U + a->salt_len;
		if (!alg_enc_keylen_ok(a, n))
			return false;
		*ret = a->id;
		*ret_key_len = n;
		return true;
	}
	return false;
}

bool ike2_integ_of(const struct ike2_transform *t, enum alg_auth *ret, size_t *ret_key_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(integs); i++) {
		if (integs[i].number != t->id)
			continue;
		*ret = integs[i].id;
		*ret_key_len = integs[i].key_len;
		return !t->strange && !t->key_bits;
	}
	return false;
}

bool ike2_transform_of_cipher(enum alg_enc id, size_t key_len, struct ike2_transform *ret)
{
	const struct alg_enc_info *a = alg_enc_by_id(id);

	for (size_t i = 0; a && alg_enc_keylen_ok(a, key_len) && i < ARRAY_SIZE(ciphers); i++) {
		if (ciphers[i].id != id)
			continue;
		*ret = (struct ike2_transform){.type = IKE2_T_ENCR,
		    .id = ciphers[i].number,
		    .key_bits = has_one_length(a) ? 0 : (uint16_t)(8 * (key_len - a->salt_len))};
		return true;
	}
	return false;
}

bool ike2_transform_of_integ(enum alg_auth id, size_t key_len, struct ike2_transform *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(integs); i++) {
		if (integs[i].id != id || integs[i].key_len != key_len)
			continue;
		*ret = (struct ike2_transform){.type = IKE2_T_INTEG, .id = integs[i].number};
		return true;
	}
	return false;
}
