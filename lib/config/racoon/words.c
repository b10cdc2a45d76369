/*
 * racoon's names for algorithms (racoon-conf.md sections 4.5 and 5.2). What is known but cannot be done here
 * takes its proposal away with it, or is left out of its list; either is told. A group of its own, as of
 * pfs_group, cannot be left out: that would be less than the file asks for.
 */
#include "config/racoon/reader.h"

/* Values beyond our own numbers: known, not to be had. */
enum { ABSENT = 1000 };

static const struct rc_choice ciphers[] = {
    {"des", ALG_ENC_DES_CBC},
    {"3des", ALG_ENC_3DES_CBC},
    {"blowfish", ALG_ENC_BLOWFISH_CBC},
    {"cast128", ALG_ENC_CAST128_CBC},
    {"aes", ALG_ENC_AES_CBC},
    {"rijndael", ALG_ENC_AES_CBC},
    {"camellia", ALG_ENC_CAMELLIA_CBC},
    {"idea", ABSENT},
    {"rc5", ABSENT},
};

static const struct rc_choice child_ciphers[] = {
    {"des", ALG_ENC_DES_CBC},
    {"3des", ALG_ENC_3DES_CBC},
    {"blowfish", ALG_ENC_BLOWFISH_CBC},
    {"cast128", ALG_ENC_CAST128_CBC},
    {"aes", ALG_ENC_AES_CBC},
    {"rijndael", ALG_ENC_AES_CBC},
    {"aes_gcm_16", ALG_ENC_AES_GCM_16},
    {"camellia", ALG_ENC_CAMELLIA_CBC},
    {"null_enc", ALG_ENC_NULL},
    {"null", ALG_ENC_NULL},
    {"des_iv64", ABSENT},
    {"des_iv32", ABSENT},
    {"rc5", ABSENT},
    {"idea", ABSENT},
    {"3idea", ABSENT},
    {"rc4", ABSENT},
    {"twofish", ABSENT},
};

static const struct rc_choice child_auths[] = {
    {"hmac_md5", ALG_AUTH_HMAC_MD5},
    {"hmac_sha1", ALG_AUTH_HMAC_SHA1},
    {"hmac_sha256", ALG_AUTH_HMAC_SHA256},
    {"hmac_sha2_256", ALG_AUTH_HMAC_SHA256},
    {"hmac_sha384", ALG_AUTH_HMAC_SHA384},
    {"hmac_sha2_384", ALG_AUTH_HMAC_SHA384},
    {"hmac_sha512", ALG_AUTH_HMAC_SHA512},
    {"hmac_sha2_512", ALG_AUTH_HMAC_SHA512},
    {"non_auth", ALG_AUTH_NONE},
    {"des_mac", ABSENT},
    {"kpdk", ABSENT},
};

static const struct rc_choice comps[] = {{"deflate", ALG_COMP_DEFLATE}, {"lzs", ABSENT}, {"oui", ABSENT}};

static bool has_length(const struct alg_enc_info *a)
{
	return a->key_min != a->key_max;
}

/* Bits behind the name, where the algorithm has lengths; 0: not said. */
static bool key_bits(struct rc_cur *c, enum alg_enc enc, uint16_t *ret)
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);
	const struct rc_word *w = rc_peek(c);
	uint64_t bits;

	*ret = 0;
	if (!w || w->kind != RC_NUMBER)
		return true;
	if (!a || !has_length(a))
		return rc_fault(c, w, "keylen not allowed: the algorithm has one length");
	if (!rc_number(c, 0, UINT16_MAX, &bits))
		return false;
	if (bits % 8 || !alg_enc_keylen_ok(a, (size_t)bits / 8 + a->salt_len))
		return rc_fault(c, w, "invalid keylen %u for %s", (unsigned)bits, a->name);
	*ret = (uint16_t)bits;
	return true;
}

/* Known, and not to be had: its proposal goes. */
static bool absent(struct rc_cur *c, const struct rc_word *w, const char *what, const char *take, bool *ret)
{
	*ret = true;
	rc_warn(c, w, "is %s: its proposal is left out; take %s", what, take);
	return true;
}

/* The length behind an algorithm that is not looked at any further. */
static bool skip_bits(struct rc_cur *c)
{
	const struct rc_word *w = rc_peek(c);
	uint64_t bits;

	return !w || w->kind != RC_NUMBER || rc_number(c, 0, UINT16_MAX, &bits);
}

bool rc_phase1_cipher(struct rc_cur *c, enum alg_enc *ret, uint16_t *ret_bits, bool *ret_absent)
{
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "an encryption algorithm", ciphers, ARRAY_SIZE(ciphers), &v))
		return false;
	if (v == ABSENT)
		return absent(c, w, "an algorithm that this build does not have", "aes", ret_absent) &&
		       skip_bits(c);
	*ret = v;
	return key_bits(c, v, ret_bits);
}

bool rc_hash(struct rc_cur *c, enum alg_prf *ret, bool *ret_absent)
{
	static const struct rc_choice words[] = {
	    {"md5", ALG_PRF_HMAC_MD5},
	    {"sha1", ALG_PRF_HMAC_SHA1},
	    {"sha256", ALG_PRF_HMAC_SHA256},
	    {"sha2_256", ALG_PRF_HMAC_SHA256},
	    {"sha384", ALG_PRF_HMAC_SHA384},
	    {"sha2_384", ALG_PRF_HMAC_SHA384},
	    {"sha512", ALG_PRF_HMAC_SHA512},
	    {"sha2_512", ALG_PRF_HMAC_SHA512},
	    {"tiger", ABSENT},
	};
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "a hash algorithm", words, ARRAY_SIZE(words), &v))
		return false;
	if (v == ABSENT)
		return absent(c, w, "an algorithm that this build does not have", "sha256", ret_absent);
	*ret = v;
	return true;
}

bool rc_group(struct rc_cur *c, enum alg_group *ret, bool *ret_absent)
{
	static const struct rc_choice words[] = {
	    {"1", 1},
	    {"2", 2},
	    {"5", 5},
	    {"14", 14},
	    {"15", 15},
	    {"16", 16},
	    {"17", 17},
	    {"18", 18},
	    {"19", 19},
	    {"20", 20},
	    {"21", 21},
	    {"31", 31},
	    {"32", 32},
	    {"modp768", 1},
	    {"modp1024", 2},
	    {"modp1536", 5},
	    {"modp2048", 14},
	    {"modp3072", 15},
	    {"modp4096", 16},
	    {"modp6144", 17},
	    {"modp8192", 18},
	    {"ecp256", 19},
	    {"ecp384", 20},
	    {"ecp521", 21},
	    {"3", ABSENT},
	    {"4", ABSENT},
	    {"ec2n155", ABSENT},
	    {"ec2n185", ABSENT},
	};
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "a Diffie-Hellman group", words, ARRAY_SIZE(words), &v))
		return false;
	if (v == ABSENT && ret_absent)
		return absent(c, w, "a group that nobody implements", "14", ret_absent);
	if (v == ABSENT)
		return rc_fault(c, w, "is a group that nobody implements: take 14");
	*ret = v;
	return true;
}

bool rc_auth_method(struct rc_cur *c, enum ike_auth_method *ret, bool *ret_absent)
{
	static const struct rc_choice words[] = {
	    {"pre_shared_key", IKE_AUTH_PSK},
	    {"rsasig", IKE_AUTH_RSA},
	    {"xauth_psk_client", IKE_AUTH_XAUTH_PSK_CLIENT},
	    {"xauth_psk_server", IKE_AUTH_XAUTH_PSK_SERVER},
	    {"xauth_rsa_client", IKE_AUTH_XAUTH_RSA_CLIENT},
	    {"xauth_rsa_server", IKE_AUTH_XAUTH_RSA_SERVER},
	    {"dsssig", ABSENT},
	    {"rsaenc", ABSENT},
	    {"rsarev", ABSENT},
	    {"gssapi_krb", ABSENT},
	    {"hybrid_rsa_server", ABSENT},
	    {"hybrid_rsa_client", ABSENT},
	    {"hybrid_dss_server", ABSENT},
	    {"hybrid_dss_client", ABSENT},
	};
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "an authentication method", words, ARRAY_SIZE(words), &v))
		return false;
	if (v == ABSENT)
		return absent(c, w, "a method that is not implemented",
		    "pre_shared_key, rsasig, or xauth_psk_ or xauth_rsa_server or _client", ret_absent);
	*ret = v;
	return true;
}

/* Known but absent: a warning, and not usable. */
static bool usable(struct rc_cur *c, const struct rc_word *w, uint32_t v, bool *ret)
{
	*ret = v != ABSENT;
	if (!*ret)
		rc_warn(c, w, "is left out: this build does not have the algorithm");
	return true;
}

bool rc_child_enc(struct rc_cur *c, struct ike_child_enc *ret, bool *ret_usable)
{
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "an encryption algorithm", child_ciphers, ARRAY_SIZE(child_ciphers), &v))
		return false;
	if (v == ABSENT)
		return skip_bits(c) && usable(c, w, v, ret_usable);
	*ret = (struct ike_child_enc){.id = v};
	return usable(c, w, v, ret_usable) && key_bits(c, v, &ret->key_bits);
}

bool rc_child_auth(struct rc_cur *c, struct ike_child_auth *ret, bool *ret_usable)
{
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "an authentication algorithm", child_auths, ARRAY_SIZE(child_auths), &v))
		return false;
	ret->id = v == ABSENT ? ALG_AUTH_NONE : v;
	return usable(c, w, v, ret_usable);
}

bool rc_child_comp(struct rc_cur *c, enum alg_comp *ret, bool *ret_usable)
{
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "a compression algorithm", comps, ARRAY_SIZE(comps), &v))
		return false;
	*ret = v == ABSENT ? ALG_COMP_NONE : v;
	return usable(c, w, v, ret_usable);
}
