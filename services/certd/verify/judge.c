/*
 * In this order: which certificate, whether it holds, whether it bears the identity, whether its key made the
 * signature. Old peers have keys of 1024 bits and hashes of the nineties: a configuration may believe them
 * (racoon.conf always does), and then there is a warning.
 */
#include "certd/verify/judge.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "certd/verify/dn_text.h"
#include "certd/verify/gather.h"
#include "certd/verify/judge2.h"
#include "certd/verify/raw_key.h"
#include "certd/x509_name.h"

enum {
	RSA_BITS_GOOD = 2048,
	LEVEL_ANY = 0,
	LEVEL_GOOD = 2, /* OpenSSL's: 112 bits of security */
	SECURITY_BITS_GOOD = 112,
	CA_BY_CONSTRAINTS = 1, /* X509_check_ca() */
};

static void x509_freep(X509 **x)
{
	X509_free(*x);
}

/* A revocation list that is not there is no reason to refuse; one that is there counts. */
static int on_problem(int ok, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok || error == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return 0;
}

static enum verify_reason reason_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERIFY_NOT_YET;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return VERIFY_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return VERIFY_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return VERIFY_UNTRUSTED;
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return VERIFY_CRL;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return VERIFY_WEAK;
	case X509_V_ERR_INVALID_PURPOSE:
		return VERIFY_PURPOSE;
	default:
		return VERIFY_BAD_CHAIN;
	}
}

static void say_where(X509_STORE_CTX *ctx, int error, struct err_text *e)
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	char name[256] = "";

	if (at)
		X509_NAME_oneline(X509_get_subject_name(at), name, sizeof(name));
	(void)err_set(e, 0, "%s(%d) at depth:%d SubjectName:%s", X509_verify_cert_error_string(error), error,
	    X509_STORE_CTX_get_error_depth(ctx), name);
}

/* A certificate of version 1 cannot say that it is an authority's. In the folder, where single peers'
 * certificates lie too, it is therefore trusted for itself alone; as a file that the configuration calls an
 * authority it is one. */
static enum verify_reason anchor_vouches(X509_STORE_CTX *ctx, bool of_folder, struct err_text *e)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int n = sk_X509_num(chain);
	char name[256];

	if (!of_folder || n < 2 || X509_check_ca(sk_X509_value(chain, n - 1)) == CA_BY_CONSTRAINTS)
		return VERIFY_NONE;
	X509_NAME_oneline(X509_get_subject_name(sk_X509_value(chain, n - 1)), name, sizeof(name));
	(void)err_set(e, 0,
	    "its issuer %s, which says not that it is an authority, is trusted for itself alone: ca_type "
	    "names "
	    "one",
	    name);
	return VERIFY_BAD_CHAIN;
}

static enum verify_reason check_chain(const struct anchors *a, const struct ike_peer *p, X509_STORE *store,
    X509 *leaf, STACK_OF(X509) * others, struct err_text *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum verify_reason r = VERIFY_INTERNAL;
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	int error;

	if (sk_X509_CRL_num(a->crls) > 0)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	if (ctx && X509_STORE_CTX_init(ctx, store, leaf, others)) {
		X509_STORE_CTX_set_flags(ctx, flags);
		X509_STORE_CTX_set0_crls(ctx, a->crls);
		X509_VERIFY_PARAM_set_auth_level(
		    X509_STORE_CTX_get0_param(ctx), p->weak_certs ? LEVEL_ANY : LEVEL_GOOD);
		X509_STORE_CTX_set_verify_cb(ctx, on_problem);
		if (X509_verify_cert(ctx) > 0) {
			r = anchor_vouches(ctx, store == a->all, e);
		} else {
			error = X509_STORE_CTX_get_error(ctx);
			r = reason_of(error);
			say_where(ctx, error, e);
		}
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

/* RFC 4945 section 5.1.3: signatures, if it says at all what it is for; IKE, or one of the uses that people
 * issue certificates for gateways with. */
static bool is_for_ike(X509 *x)
{
	static const char *const uses[] = {"2.5.29.37.0", "1.3.6.1.5.5.7.3.17", "1.3.6.1.5.5.8.2.2",
	    "1.3.6.1.5.5.7.3.5", "1.3.6.1.5.5.7.3.6", "1.3.6.1.5.5.7.3.7", "1.3.6.1.5.5.7.3.1",
	    "1.3.6.1.5.5.7.3.2"};
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool fits = !eku;
	char oid[80];

	for (int i = 0; i < sk_ASN1_OBJECT_num(eku) && !fits; i++) {
		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1);
		for (size_t k = 0; k < ARRAY_SIZE(uses); k++)
			fits |= strcmp(oid, uses[k]) == 0;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return fits && (X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION));
}

static enum verify_reason from_payload(
    const struct anchors *a, const struct judge_claim *c, X509 **ret, struct err_text *e)
{
	const struct ike_peer *p = &a->conf->peer[c->peer];
	X509_STORE *store = a->own[c->peer] ? a->own[c->peer] : a->all;
	STACK_OF(X509) *others = NULL;
	enum verify_reason r = gather(c, ret, &others);

	if (r == VERIFY_NONE && p->verify_cert)
		r = check_chain(a, p, store, *ret, others, e);
	if (r == VERIFY_NONE && p->verify_cert && !is_for_ike(*ret))
		r = VERIFY_PURPOSE;
	sk_X509_pop_free(others, X509_free);
	return r;
}

/* Taken as it is; that it is out of date is worth a word. */
static X509 *from_file(X509 *pinned, struct err_text *e)
{
	X509_up_ref(pinned);
	if (X509_cmp_current_time(X509_get0_notAfter(pinned)) < 0)
		(void)err_set(
		    e, 0, "the certificate of peers_certfile has expired; it is believed all the same");
	return pinned;
}

/* An address that is not written down is that of the peer; version 1 takes any, as racoon does. */
static bool is_any(const struct ike_id *want, const struct judge_claim *c)
{
	if (want->len || want->kind != c->id.kind)
		return false;
	return !c->v2 || want->kind != IKE_ID_ADDRESS ||
	       (c->id.len == inet_addr_len(&c->addr) && memcmp(c->id.data, c->addr.b, c->id.len) == 0);
}

static bool is_expected(const struct ike_peer *p, const struct judge_claim *c, const X509 *x)
{
	const struct ike_id *id = &c->id;

	for (uint8_t i = 0; i < p->n_peer_ids; i++) {
		const struct ike_id *want = &p->peer_id[i];

		if (ike_id_equal(want, id) || is_any(want, c))
			return true;
		if (want->kind != IKE_ID_DN || id->kind != IKE_ID_DN_DER)
			continue;
		if (!want->len || dn_text_fits((const char *)want->data, want->len, X509_get_subject_name(x)))
			return true;
	}
	return false;
}

static enum verify_reason check_identity(
    const struct ike_peer *p, const struct judge_claim *c, const X509 *x, struct err_text *e)
{
	char name[200];

	if (p->verify_cert && !x509_is_called(x, &c->id)) {
		(void)err_set(e, 0, "%s %s: %s", ike_id_kind_name(c->id.kind),
		    ike_id_format(&c->id, name, sizeof(name)),
		    c->id.kind == IKE_ID_DN_DER ? "it is not the certificate's subject"
		    : x509_has_alt_name(x)      ? "ID mismatched with subjectAltName."
		                                : "no proper subjectAltName.");
		return VERIFY_ID_MISMATCH;
	}
	if (!p->n_peer_ids || is_expected(p, c, x))
		return VERIFY_NONE;
	if (p->verify_identifier || c->v2)
		return VERIFY_ID_UNEXPECTED;
	(void)err_set(e, 0,
	    "No ID match. %s is none of remote %s's peers_identifier, and is let in: verify_identifier is "
	    "off",
	    ike_id_format(&c->id, name, sizeof(name)), p->name);
	return VERIFY_NONE;
}

static void ctx_freep(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

/* PKCS #1 v1.5 over the bare hash (RFC 2409 section 5.1). */
static enum verify_reason check_signature1(const struct judge_claim *c, X509 *x)
{
	AUTO(ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = X509_get0_pubkey(x);
	int ok;

	if (!key || !EVP_PKEY_is_a(key, "RSA"))
		return VERIFY_KEY_TYPE;
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0)
		return VERIFY_INTERNAL;
	ok = EVP_PKEY_verify(ctx, c->signature.p, c->signature.n, c->over.p, c->over.n);
	ERR_clear_error();
	return ok == 1 ? VERIFY_NONE : VERIFY_BAD_SIGNATURE;
}

/* Its key; what OpenSSL says of the chain does not cover a certificate that is trusted by itself. */
static bool is_strong(const EVP_PKEY *key)
{
	return EVP_PKEY_get_security_bits(key) >= SECURITY_BITS_GOOD;
}

/* Believed all the same: peers of the guide's age have no better. */
static void note_weakness(X509 *x, bool unverified, struct err_text *e)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	bool rsa = EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
	int bits = EVP_PKEY_get_bits(key), md = NID_undef;

	if (e->s[0])
		return;
	if (unverified)
		(void)err_set(e, 0, "the peer's certificate is believed as it came: verify_cert is off");
	else if (rsa && bits < RSA_BITS_GOOD)
		(void)err_set(e, 0,
		    "the key of the peer's certificate has only %d bits: let it have one of %d or more", bits,
		    RSA_BITS_GOOD);
	else if (X509_get_signature_info(x, &md, NULL, NULL, NULL) && (md == NID_md5 || md == NID_sha1))
		(void)err_set(e, 0,
		    "the peer's certificate is signed over %s, which can be forged: let it be issued again",
		    OBJ_nid2sn(md));
}

static enum verify_reason judge_key(
    const struct ike_peer *p, EVP_PKEY *key, const struct judge_claim *c, struct err_text *e)
{
	enum verify_reason r = c->v2 ? raw_key_judge(p, key, c, e) : VERIFY_NO_CERT;

	if (r == VERIFY_NONE && !p->weak_certs && !is_strong(key))
		r = VERIFY_WEAK;
	return r == VERIFY_NONE ? judge2_signature(c, key, e) : r;
}

enum verify_reason judge(const struct anchors *a, const struct judge_claim *c, struct err_text *e)
{
	const struct ike_peer *p = &a->conf->peer[c->peer];
	AUTO(x509_freep) X509 *x = NULL;
	enum verify_reason r = VERIFY_NONE;

	if (a->key[c->peer])
		return judge_key(p, a->key[c->peer], c, e);
	if (a->pinned[c->peer])
		x = from_file(a->pinned[c->peer], e);
	else
		r = from_payload(a, c, &x, e);
	if (r == VERIFY_NONE && !p->weak_certs && !is_strong(X509_get0_pubkey(x)))
		r = VERIFY_WEAK;
	if (r == VERIFY_NONE)
		r = check_identity(p, c, x, e);
	if (r == VERIFY_NONE)
		r = c->v2 ? judge2_signature(c, X509_get0_pubkey(x), e) : check_signature1(c, x);
	if (r == VERIFY_NONE)
		note_weakness(x, !p->verify_cert && !a->pinned[c->peer], e);
	return r;
}
