/*
 * What the AUTH payload says of its algorithm is believed as far as it goes with the certificate's key. SHA-1
 * is taken where a method has no other hash and nowhere else: who can name a hash can name a better one.
 */
#include "certd/verify/judge2.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "wire/ike/v2_payload.h"
#include "wire/ike/v2_sig.h"

enum { DER_MAX = 160 /* octets of an ECDSA signature of the longest curve */, HALF_MAX = 66 };

/* Methods that say everything by their number: a kind of key, its length in bits (0: any), a hash. */
static const struct old {
	uint8_t method;
	struct ike2_sig sig;
	int bits;
} olds[] = {
    {IKE2_AUTH_RSA, {IKE2_SIG_RSA, IKE2_HASH_SHA1, 0}, 0},
    {IKE2_AUTH_ECDSA_256, {IKE2_SIG_ECDSA, IKE2_HASH_SHA256, 0}, 256},
    {IKE2_AUTH_ECDSA_384, {IKE2_SIG_ECDSA, IKE2_HASH_SHA384, 0}, 384},
    {IKE2_AUTH_ECDSA_521, {IKE2_SIG_ECDSA, IKE2_HASH_SHA512, 0}, 521},
};

static const struct old *find_old(uint8_t method)
{
	for (size_t i = 0; i < ARRAY_SIZE(olds); i++)
		if (olds[i].method == method)
			return &olds[i];
	return NULL;
}

/* One of the three that IKE has (RFC 4754 section 1). */
static bool is_our_curve(const EVP_PKEY *key)
{
	static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
	char group[32];

	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(group, curves[i]) == 0)
			return true;
	return false;
}

static bool fits_key(enum ike2_sig_kind kind, const EVP_PKEY *key)
{
	switch (kind) {
	case IKE2_SIG_RSA:
		return EVP_PKEY_is_a(key, "RSA");
	case IKE2_SIG_RSA_PSS: /* also by keys that are for it alone (RFC 4055 section 1.2) */
		return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
	case IKE2_SIG_ECDSA:
		return EVP_PKEY_is_a(key, "EC") && is_our_curve(key);
	case IKE2_SIG_ED25519:
		return EVP_PKEY_is_a(key, "ED25519");
	case IKE2_SIG_ED448:
		return EVP_PKEY_is_a(key, "ED448");
	default:
		return false;
	}
}

bool judge2_knows_key(const EVP_PKEY *key)
{
	for (enum ike2_sig_kind kind = IKE2_SIG_RSA; kind <= IKE2_SIG_ED448; kind++)
		if (fits_key(kind, key))
			return true;
	return false;
}

static const char *hash_name(uint8_t hash)
{
	static const char *const names[] = {[IKE2_HASH_SHA1] = "SHA1",
	    [IKE2_HASH_SHA256] = "SHA256",
	    [IKE2_HASH_SHA384] = "SHA384",
	    [IKE2_HASH_SHA512] = "SHA512"};

	return hash < ARRAY_SIZE(names) ? names[hash] : NULL;
}

static void md_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* False: such a signature is not one of this key, which may say itself what it signs over (RFC 4055 section
 * 3.3). */
static bool prepare(EVP_MD_CTX *c, const struct ike2_sig *s, EVP_PKEY *key)
{
	EVP_PKEY_CTX *k = NULL;

	if (EVP_DigestVerifyInit_ex(c, &k, hash_name(s->hash), NULL, NULL, key, NULL) <= 0)
		return false;
	return s->kind != IKE2_SIG_RSA_PSS || (EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING) > 0 &&
	                                          EVP_PKEY_CTX_set_rsa_pss_saltlen(k, s->salt_len) > 0);
}

static enum verify_reason check(
    const struct judge_claim *c, const struct ike2_sig *s, EVP_PKEY *key, const uint8_t *sig, size_t n)
{
	AUTO(md_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum verify_reason r = VERIFY_BAD_SIGNATURE;

	if (!ctx)
		r = VERIFY_INTERNAL;
	else if (!prepare(ctx, s, key))
		r = VERIFY_ALGORITHM;
	else if (EVP_DigestVerify(ctx, sig, n, c->over.p, c->over.n) == 1)
		r = VERIFY_NONE;
	ERR_clear_error();
	return r;
}

/* r | s as the DER that OpenSSL wants (RFC 4754 section 7). Octets; 0: these are not both. */
static size_t der_of(const uint8_t *rs, size_t n, size_t half, uint8_t ret[DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	uint8_t *p = ret;
	int len = 0;

	if (sig && half <= HALF_MAX && n == 2 * half) {
		r = BN_bin2bn(rs, (int)half, NULL);
		s = BN_bin2bn(rs + half, (int)half, NULL);
		if (r && s && ECDSA_SIG_set0(sig, r, s)) {
			len = i2d_ECDSA_SIG(sig, &p);
		} else {
			BN_free(r);
			BN_free(s);
		}
	}
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

static enum verify_reason check_old(const struct judge_claim *c, const struct old *o, EVP_PKEY *key,
    const struct ike2_authentication *a, struct err_text *e)
{
	int bits = EVP_PKEY_get_bits(key);
	uint8_t der[DER_MAX];
	enum verify_reason r;
	size_t n;

	if (!fits_key(o->sig.kind, key) || (o->bits && bits != o->bits))
		return VERIFY_ALGORITHM;
	if (o->sig.kind == IKE2_SIG_ECDSA) {
		n = der_of(a->data, a->len, (size_t)(bits + 7) / 8, der);
		return n ? check(c, &o->sig, key, der, n) : VERIFY_BAD_SIGNATURE;
	}
	r = check(c, &o->sig, key, a->data, a->len);
	if (r == VERIFY_NONE && !e->s[0])
		(void)err_set(e, 0,
		    "the peer signs over SHA-1, because it cannot do better or does not know that we can "
		    "(RFC "
		    "7427)");
	return r;
}

enum verify_reason judge2_signature(const struct judge_claim *c, EVP_PKEY *key, struct err_text *e)
{
	const struct ike_payload body = {
	    .type = IKE2_P_AUTH, .body = c->signature.p, .len = (uint32_t)c->signature.n};
	struct ike2_authentication a;
	const struct old *o;
	struct ike2_sig s;

	if (!key || ike2_auth_parse(&body, &a) != IKE_OK)
		return VERIFY_ALGORITHM;
	o = find_old(a.method);
	if (o)
		return check_old(c, o, key, &a, e);
	if (a.method != IKE2_AUTH_SIGNATURE || !ike2_sig_parse(a.alg, a.alg_len, &s) ||
	    s.hash == IKE2_HASH_SHA1 || !fits_key(s.kind, key))
		return VERIFY_ALGORITHM;
	return check(c, &s, key, a.data, a.len);
}
