/*
 * Tables both ways; what is in none of them cannot be negotiated.
 */
#include "keyd/ike1/numbers.h"

#include <stddef.h>

#include "wire/ike/v1.h"

static uint16_t cipher_number(enum alg_enc enc)
{
	switch (enc) {
	case ALG_ENC_DES_CBC:
		return IKE1_CIPHER_DES;
	case ALG_ENC_BLOWFISH_CBC:
		return IKE1_CIPHER_BLOWFISH;
	case ALG_ENC_3DES_CBC:
		return IKE1_CIPHER_3DES;
	case ALG_ENC_CAST128_CBC:
		return IKE1_CIPHER_CAST128;
	case ALG_ENC_AES_CBC:
		return IKE1_CIPHER_AES;
	case ALG_ENC_CAMELLIA_CBC:
		return IKE1_CIPHER_CAMELLIA;
	default:
		return 0;
	}
}

static uint16_t hash_number(enum alg_prf prf)
{
	switch (prf) {
	case ALG_PRF_HMAC_MD5:
		return IKE1_HASH_MD5;
	case ALG_PRF_HMAC_SHA1:
		return IKE1_HASH_SHA1;
	case ALG_PRF_HMAC_SHA256:
		return IKE1_HASH_SHA256;
	case ALG_PRF_HMAC_SHA384:
		return IKE1_HASH_SHA384;
	case ALG_PRF_HMAC_SHA512:
		return IKE1_HASH_SHA512;
	default:
		return 0;
	}
}

/* For XAuth the number says which side is to be asked, seen from who began (draft-beaulieu-ike-xauth section
 * 6). */
static uint16_t method_number(enum ike_auth_method m, bool began)
{
	switch (m) {
	case IKE_AUTH_PSK:
		return IKE1_AUTH_PSK;
	case IKE_AUTH_RSA:
		return IKE1_AUTH_RSA;
	case IKE_AUTH_XAUTH_PSK_CLIENT:
		return began ? IKE1_AUTH_XAUTH_PSK_I : IKE1_AUTH_XAUTH_PSK_R;
	case IKE_AUTH_XAUTH_PSK_SERVER:
		return began ? IKE1_AUTH_XAUTH_PSK_R : IKE1_AUTH_XAUTH_PSK_I;
	case IKE_AUTH_XAUTH_RSA_CLIENT:
		return began ? IKE1_AUTH_XAUTH_RSA_I : IKE1_AUTH_XAUTH_RSA_R;
	case IKE_AUTH_XAUTH_RSA_SERVER:
		return began ? IKE1_AUTH_XAUTH_RSA_R : IKE1_AUTH_XAUTH_RSA_I;
	default:
		return 0;
	}
}

bool ike1_from_offer(const struct ike_offer *o, bool began, struct ike1_own1 *ret)
{
	*ret = (struct ike1_own1){.cipher = cipher_number(o->enc),
	    .hash = hash_number(o->hash),
	    .auth = method_number(o->auth, began),
	    .group = (uint16_t)o->group,
	    .seconds = o->seconds};
	ret->key_bits = o->key_bits ? o->key_bits : ike1_default_bits(ret->cipher);
	return ret->cipher && ret->hash && ret->auth && ret->group;
}

static const struct {
	enum alg_enc id;
	uint8_t transform;
} esp[] = {
    {ALG_ENC_DES_CBC, 2},
    {ALG_ENC_3DES_CBC, 3},
    {ALG_ENC_CAST128_CBC, 6},
    {ALG_ENC_BLOWFISH_CBC, 7},
    {ALG_ENC_NULL, 11},
    {ALG_ENC_AES_CBC, 12},
    {ALG_ENC_AES_CTR, 13},
    {ALG_ENC_AES_CCM_8, 14},
    {ALG_ENC_AES_CCM_12, 15},
    {ALG_ENC_AES_CCM_16, 16},
    {ALG_ENC_AES_GCM_8, 18},
    {ALG_ENC_AES_GCM_12, 19},
    {ALG_ENC_AES_GCM_16, 20},
    {ALG_ENC_CAMELLIA_CBC, 22},
    {ALG_ENC_AES_GMAC, 23},
};

/* The attribute's values are AH's transforms too, but for the first two. */
static const struct {
	enum alg_auth id;
	uint8_t attr, ah;
} auth[] = {
    {ALG_AUTH_HMAC_MD5, 1, 2},
    {ALG_AUTH_HMAC_SHA1, 2, 3},
    {ALG_AUTH_HMAC_SHA256, 5, 5},
    {ALG_AUTH_HMAC_SHA384, 6, 6},
    {ALG_AUTH_HMAC_SHA512, 7, 7},
    {ALG_AUTH_HMAC_RIPEMD160, 8, 8},
    {ALG_AUTH_AES_XCBC, 9, 9},
};

uint8_t ike1_esp_transform(enum alg_enc enc)
{
	for (size_t i = 0; i < ARRAY_SIZE(esp); i++)
		if (esp[i].id == enc)
			return esp[i].transform;
	return 0;
}

enum alg_enc ike1_enc_of(uint8_t transform)
{
	for (size_t i = 0; i < ARRAY_SIZE(esp); i++)
		if (esp[i].transform == transform)
			return esp[i].id;
	return ALG_ENC_NONE;
}

uint16_t ike1_auth_attr(enum alg_auth a)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth); i++)
		if (auth[i].id == a)
			return auth[i].attr;
	return 0;
}

uint8_t ike1_ah_transform(enum alg_auth a)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth); i++)
		if (auth[i].id == a)
			return auth[i].ah;
	return 0;
}

enum alg_auth ike1_auth_of(uint16_t attr)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth); i++)
		if (auth[i].attr == attr)
			return auth[i].id;
	return ALG_AUTH_NONE;
}

uint8_t ike1_wire_proto(enum ipsec_proto p)
{
	switch (p) {
	case IPSEC_ESP:
		return IKE1_PROTO_ESP;
	case IPSEC_AH:
		return IKE1_PROTO_AH;
	default:
		return IKE1_PROTO_IPCOMP;
	}
}

enum ipsec_proto ike1_proto_of(uint8_t wire)
{
	switch (wire) {
	case IKE1_PROTO_ESP:
		return IPSEC_ESP;
	case IKE1_PROTO_AH:
		return IPSEC_AH;
	case IKE1_PROTO_IPCOMP:
		return IPSEC_IPCOMP;
	default:
		return IPSEC_PROTO_NONE;
	}
}

uint16_t ike1_wire_bits(enum alg_enc enc, uint16_t conf_bits)
{
	enum { USUAL = 128 };
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	if (!a || a->key_min == a->key_max)
		return 0;
	return conf_bits ? conf_bits : USUAL;
}

size_t ike1_enc_key_len(enum alg_enc enc, uint16_t wire_bits)
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	if (!a)
		return 0;
	return wire_bits ? wire_bits / 8U + a->salt_len : a->key_max;
}

size_t ike1_auth_key_len(enum alg_auth id)
{
	const struct alg_auth_info *a = alg_auth_by_id(id);

	if (!a || id == ALG_AUTH_NONE)
		return 0;
	/* HMAC's key is as long as its hash (RFC 2403, 2404, 4868), where it may have any length. */
	return a->key_min == a->key_max ? a->key_max : a->digest_len;
}
