/*
 * RFC 4945 section 5.1.3, and what certd and certd-verify (services/certd) ask of a certificate.
 */
#include "pki/look_fit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

enum { SOON_S = 14 * 86400 };

void pki_words_add(struct pki_words *w, const char *fmt, ...)
{
	char **v = reallocarray(w->v, w->n + 1, sizeof(*v));
	char *text = NULL;
	va_list ap;
	int n;

	if (!v)
		return;
	w->v = v;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		w->v[w->n++] = text;
}

static void judge_dates(int64_t now, struct pki_item *ret)
{
	if (ret->from > now)
		pki_words_add(&ret->unfit, "it is not valid yet: is the clock right?");
	else if (ret->to && ret->to < now)
		pki_words_add(&ret->unfit, "it has expired: issue a new one");
	else if (ret->to && ret->to < now + SOON_S)
		pki_words_add(&ret->warnings, "it expires within 14 days");
}

static void judge_key(const EVP_PKEY *k, struct pki_item *ret)
{
	char kind[PKI_KIND_STRLEN];
	int bits = k ? EVP_PKEY_get_bits(k) : 0;

	if (!k || !pki_kind(k, kind, sizeof(kind))) {
		pki_words_add(
		    &ret->unfit, "IKE does not use keys of this kind (%s)", k ? kind : "unreadable");
		return;
	}
	if (!EVP_PKEY_is_a(k, "RSA"))
		pki_words_add(&ret->warnings, "IKE version 1, and so racoon.conf, can sign with RSA keys "
		                              "only; this one is for version 2");
	if (!pki_is_any_rsa(k))
		return;
	if (bits > PKI_RSA_BITS_MAX)
		pki_words_add(&ret->unfit, "the key has more than %d bits", PKI_RSA_BITS_MAX);
	else if (bits < PKI_RSA_BITS_MIN)
		pki_words_add(
		    &ret->warnings, "the key has less than %d bits and can be broken", PKI_RSA_BITS_MIN);
}

static void judge_signature(const X509 *x, struct pki_item *ret)
{
	int md = NID_undef;

	if (X509_get_signature_info((X509 *)(uintptr_t)x, &md, NULL, NULL, NULL) &&
	    (md == NID_md5 || md == NID_sha1))
		pki_words_add(&ret->warnings, "it is signed over %s, which can be forged", OBJ_nid2sn(md));
}

static void judge_extended(X509 *x, struct pki_item *ret)
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
	if (!fits)
		pki_words_add(&ret->unfit,
		    "its extended key usage has none of IKE, TLS server and TLS client: peers refuse it");
}

static void judge_host(X509 *x, struct pki_item *ret)
{
	if (!(X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		pki_words_add(
		    &ret->unfit, "its key usage does not allow digital signatures: peers refuse it");
	judge_extended(x, ret);
	if (!ret->names.n)
		pki_words_add(&ret->warnings, "it has no subjectAltName: the only identity it proves is its "
		                              "subject (my_identifier asn1dn)");
	if (ret->is_self_signed)
		pki_words_add(
		    &ret->warnings, "it is signed by itself: each peer must be given it (peers_certfile)");
}

void pki_judge_cert(X509 *x, int64_t now, struct pki_item *ret)
{
	uint32_t flags = X509_get_extension_flags(x);

	if (flags & EXFLAG_INVALID)
		pki_words_add(&ret->unfit, "its extensions contradict each other or cannot be read");
	if (flags & EXFLAG_CRITICAL)
		pki_words_add(&ret->unfit, "it has a critical extension that is not known here");
	judge_dates(now, ret);
	judge_key(X509_get0_pubkey(x), ret);
	judge_signature(x, ret);
	if (!ret->is_ca)
		judge_host(x, ret);
	else if (!(X509_get_key_usage(x) & KU_KEY_CERT_SIGN))
		pki_words_add(
		    &ret->unfit, "it is an authority's, and its key usage does not let it issue any");
	ERR_clear_error();
}

void pki_judge_request(X509_REQ *r, struct pki_item *ret)
{
	EVP_PKEY *k = X509_REQ_get0_pubkey(r);

	judge_key(k, ret);
	if (!k || X509_REQ_verify(r, k) != 1)
		pki_words_add(&ret->unfit, "its signature is wrong: who sends it may not have the key");
	ERR_clear_error();
}

void pki_judge_list(int64_t now, struct pki_item *ret)
{
	if (ret->from > now)
		pki_words_add(&ret->unfit, "it is not valid yet: is the clock right?");
	else if (ret->to && ret->to < now)
		pki_words_add(&ret->unfit,
		    "it is out of date, and peers refuse everybody of this authority: make a new one");
	else if (ret->to && ret->to < now + SOON_S)
		pki_words_add(&ret->warnings, "it is out of date within 14 days: make a new one before");
}
