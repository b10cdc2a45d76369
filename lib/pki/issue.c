/*
 * How certificates are made, extension by extension: RFC 5280 section 4.2 for all of them, RFC 4945
 * section 5.1.3 for those that IKE uses. Serial numbers are random, so that an authority whose folder was
 * copied does not give one twice, and begin an hour ago, because clocks differ.
 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "pki/internal.h"

enum { SERIAL_BITS = 128, SLACK_S = 3600, DAY_S = 86400 };

static const char CA_USAGE[] = "critical,keyCertSign,cRLSign";
static const char USAGE[] = "critical,digitalSignature";
/* id-kp-ipsecIKE is the one for IKE; the others are what Windows and phones look for. */
static const char EXTENDED_USAGE[] = "serverAuth,clientAuth,1.3.6.1.5.5.7.3.17";

static void x509_freep(X509 **x)
{
	X509_free(*x);
}

static void name_freep(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static void names_freep(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}

static bool put_serial(X509 *x)
{
	BIGNUM *bn = BN_new();
	bool ok = bn;

	do
		ok = ok && BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
	while (ok && BN_is_zero(bn));
	ok = ok && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static bool put_time(ASN1_TIME *to, int64_t s)
{
	return ASN1_TIME_adj(to, (time_t)s, 0, 0);
}

static bool put_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/* All but issuer, extensions and signature. */
static int begin(EVP_PKEY *key, const struct pki_wish *w, X509 **ret, struct err_text *e)
{
	AUTO(x509_freep) X509 *x = X509_new();
	AUTO(name_freep) X509_NAME *subject = NULL;
	int r = pki_key_fits(key, e);

	if (r == 0)
		r = pki_subject(w, &subject, e);
	if (r < 0)
		return r;
	if (!w->days || w->days > PKI_DAYS_MAX)
		return err_set(e, -EINVAL, "a certificate is valid for 1 to %d days", PKI_DAYS_MAX);
	if (!x || !X509_set_version(x, X509_VERSION_3) || !put_serial(x) ||
	    !X509_set_subject_name(x, subject) || !X509_set_pubkey(x, key) ||
	    !put_time(X509_getm_notBefore(x), w->now - SLACK_S) ||
	    !put_time(X509_getm_notAfter(x), w->now + (int64_t)w->days * DAY_S))
		return pki_fail(e, -EIO, "the certificate cannot be made");
	*ret = take_ptr(x);
	return 0;
}

/* Takes `x`. */
static int finish(X509 *x, EVP_PKEY *signer, struct pki_cert **ret, struct err_text *e)
{
	struct pki_cert *c = malloc(sizeof(*c));

	if (!c || X509_sign(x, signer, pki_digest(signer)) <= 0) {
		X509_free(x);
		free(c);
		return pki_fail(e, -EIO, "the certificate cannot be signed");
	}
	c->x = x;
	*ret = c;
	return 0;
}

int pki_ca_new(const struct pki_key *k, const struct pki_wish *w, struct pki_cert **ret, struct err_text *e)
{
	AUTO(x509_freep) X509 *x = NULL;
	int r = begin(k->p, w, &x, e);

	if (r < 0)
		return r;
	if (!X509_set_issuer_name(x, X509_get_subject_name(x)) ||
	    !put_ext(x, x, NID_basic_constraints, "critical,CA:TRUE") ||
	    !put_ext(x, x, NID_key_usage, CA_USAGE) || !put_ext(x, x, NID_subject_key_identifier, "hash"))
		return pki_fail(e, -EIO, "the certificate cannot be made");
	return finish(take_ptr(x), k->p, ret, e);
}

int pki_ca_check(const struct pki_cert *ca, const struct pki_key *ca_key, int64_t now, struct err_text *e)
{
	/* Not X509_check_ca(): it takes certificates of version 1 for an authority's. */
	if (!(X509_get_extension_flags(ca->x) & EXFLAG_CA) || !(X509_get_key_usage(ca->x) & KU_KEY_CERT_SIGN))
		return err_set(e, -EINVAL, "it is no authority's certificate: it may not issue others");
	if (!pki_cert_is_of(ca, ca_key))
		return err_set(e, -EKEYREJECTED, "the private key does not belong to the certificate");
	if (pki_cert_end(ca) <= now)
		return err_set(
		    e, -EKEYEXPIRED, "the authority's certificate has expired: make a new authority");
	return 0;
}

static bool put_extensions(X509 *x, X509 *ca, GENERAL_NAMES *names)
{
	return put_ext(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       put_ext(x, ca, NID_key_usage, USAGE) && put_ext(x, ca, NID_ext_key_usage, EXTENDED_USAGE) &&
	       put_ext(x, ca, NID_subject_key_identifier, "hash") &&
	       put_ext(x, ca, NID_authority_key_identifier, "keyid:always") &&
	       X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

/* Nobody believes it for longer than the authority, nor before. */
static bool keep_within(X509 *x, const X509 *ca)
{
	int64_t from = pki_time(X509_get0_notBefore(ca)), to = pki_time(X509_get0_notAfter(ca));

	if (pki_time(X509_get0_notBefore(x)) < from && !put_time(X509_getm_notBefore(x), from))
		return false;
	return pki_time(X509_get0_notAfter(x)) <= to || put_time(X509_getm_notAfter(x), to);
}

static int issue(const struct pki_cert *ca, const struct pki_key *ca_key, EVP_PKEY *key,
    const struct pki_wish *w, struct pki_cert **ret, struct err_text *e)
{
	AUTO(names_freep) GENERAL_NAMES *names = NULL;
	AUTO(x509_freep) X509 *x = NULL;
	int r = pki_ca_check(ca, ca_key, w->now, e);

	if (r < 0)
		return r;
	if (!w->n_alts)
		return err_set(
		    e, -EINVAL, "say what the bearer is called in IKE: --host, --address or --user");
	r = pki_alt_names(w, &names, e);
	if (r == 0)
		r = begin(key, w, &x, e);
	if (r < 0)
		return r;
	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_subject_name(ca->x)) == 0)
		return err_set(
		    e, -EINVAL, "the authority itself has this name: give another one with --name");
	if (!X509_set_issuer_name(x, X509_get_subject_name(ca->x)) || !keep_within(x, ca->x) ||
	    !put_extensions(x, ca->x, names))
		return pki_fail(e, -EIO, "the certificate cannot be made");
	return finish(take_ptr(x), ca_key->p, ret, e);
}

int pki_issue(const struct pki_cert *ca, const struct pki_key *ca_key, const struct pki_key *k,
    const struct pki_wish *w, struct pki_cert **ret, struct err_text *e)
{
	return issue(ca, ca_key, k->p, w, ret, e);
}

int pki_sign(const struct pki_cert *ca, const struct pki_key *ca_key, const struct pki_request *r,
    const struct pki_wish *w, struct pki_cert **ret, struct err_text *e)
{
	return issue(ca, ca_key, X509_REQ_get0_pubkey(r->r), w, ret, e);
}
