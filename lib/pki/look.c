/*
 * Everything that comes out of here may have come from a stranger and may go to a terminal, so nothing that
 * does not print is let through.
 */
#include "pki/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "inet/addr.h"
#include "ipsec/dn.h"
#include "pki/look_fit.h"

enum { TEXT_MAX = 256 };

static void words_fini(struct pki_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
}

void pki_look_fini(struct pki_look *l)
{
	for (size_t i = 0; i < l->n; i++) {
		words_fini(&l->item[i].names);
		words_fini(&l->item[i].uses);
		words_fini(&l->item[i].unfit);
		words_fini(&l->item[i].warnings);
		free(l->item[i].revoked);
	}
	free(l->item);
	*l = (struct pki_look){0};
}

/* NULL: there are too many, or no memory. */
static struct pki_item *add(struct pki_look *l, enum pki_item_kind kind)
{
	struct pki_item *v = l->n < PKI_ITEMS_MAX ? reallocarray(l->item, l->n + 1, sizeof(*v)) : NULL;

	if (!v)
		return NULL;
	l->item = v;
	v[l->n] = (struct pki_item){.kind = kind};
	return &v[l->n++];
}

static const char *printable(const void *octets, size_t n, char buf[TEXT_MAX])
{
	const unsigned char *p = octets;
	size_t i;

	for (i = 0; i < n && i + 1 < TEXT_MAX; i++)
		buf[i] = (char)(p[i] >= ' ' && p[i] <= '~' ? p[i] : '?');
	buf[i] = '\0';
	return buf;
}

static void put_name(const X509_NAME *n, char ret[PKI_NAME_STRLEN])
{
	const unsigned char *der = NULL;
	size_t len = 0;

	if (X509_NAME_get0_der(n, &der, &len))
		(void)dn_format(der, len, ret, PKI_NAME_STRLEN);
}

static void put_fingerprint(struct pki_item *to, const unsigned char *digest, unsigned n)
{
	for (unsigned i = 0; i < n && 2 * i + 2 < sizeof(to->fingerprint); i++)
		snprintf(to->fingerprint + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static void put_key(const EVP_PKEY *k, struct pki_item *to)
{
	if (k)
		(void)pki_kind(k, to->key, sizeof(to->key));
	else
		snprintf(to->key, sizeof(to->key), "unreadable");
}

static void put_digest(int signature, struct pki_item *to)
{
	int md = NID_undef;

	if (OBJ_find_sigid_algs(signature, &md, NULL) && md != NID_undef)
		snprintf(to->signature, sizeof(to->signature), "%s", OBJ_nid2sn(md));
}

static void add_address(const ASN1_OCTET_STRING *s, struct pki_words *to)
{
	struct inet_addr a = inet_addr_from_bytes(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	char buf[INET_ADDR_STRLEN];

	if (a.family == INET_NONE)
		pki_words_add(to, "address of %d octets", ASN1_STRING_length(s));
	else
		pki_words_add(to, "address %s", inet_addr_format(&a, buf));
}

static void add_text(const char *what, const ASN1_STRING *s, struct pki_words *to)
{
	char buf[TEXT_MAX];

	pki_words_add(
	    to, "%s %s", what, printable(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), buf));
}

static void add_names(const GENERAL_NAMES *names, struct pki_words *to)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		char dn[PKI_NAME_STRLEN] = "";

		switch (g->type) {
		case GEN_DNS:
			add_text("host", g->d.dNSName, to);
			break;
		case GEN_EMAIL:
			add_text("user", g->d.rfc822Name, to);
			break;
		case GEN_IPADD:
			add_address(g->d.iPAddress, to);
			break;
		case GEN_URI:
			add_text("URI", g->d.uniformResourceIdentifier, to);
			break;
		case GEN_DIRNAME:
			put_name(g->d.directoryName, dn);
			pki_words_add(to, "name %s", dn);
			break;
		default:
			pki_words_add(to, "a name of another kind");
			break;
		}
	}
}

static void add_extended(const EXTENDED_KEY_USAGE *eku, struct pki_words *to)
{
	static const struct {
		const char *oid, *name;
	} known[] = {{"1.3.6.1.5.5.7.3.1", "TLS server"}, {"1.3.6.1.5.5.7.3.2", "TLS client"},
	    {"1.3.6.1.5.5.7.3.17", "IKE"}, {"1.3.6.1.5.5.8.2.2", "IKE intermediate"},
	    {"1.3.6.1.5.5.7.3.3", "code signing"}, {"1.3.6.1.5.5.7.3.4", "mail"}, {"2.5.29.37.0", "any use"}};
	char oid[80];

	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		const char *name = oid;

		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1);
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (strcmp(known[k].oid, oid) == 0)
				name = known[k].name;
		pki_words_add(to, "%s", name);
	}
}

static void add_uses(X509 *x, struct pki_words *to)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = {{KU_DIGITAL_SIGNATURE, "digital signatures"}, {KU_NON_REPUDIATION, "non-repudiation"},
	    {KU_KEY_ENCIPHERMENT, "key encipherment"}, {KU_DATA_ENCIPHERMENT, "data encipherment"},
	    {KU_KEY_AGREEMENT, "key agreement"}, {KU_KEY_CERT_SIGN, "issuing certificates"},
	    {KU_CRL_SIGN, "revocation lists"}};
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	uint32_t usage = X509_get_extension_flags(x) & EXFLAG_KUSAGE ? X509_get_key_usage(x) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (usage & bits[i].bit)
			pki_words_add(to, "%s", bits[i].name);
	add_extended(eku, to);
	EXTENDED_KEY_USAGE_free(eku);
}

static bool add_cert(struct pki_look *l, X509 *x, int64_t now)
{
	struct pki_item *to = add(l, PKI_ITEM_CERT);
	const struct pki_cert c = {x};
	unsigned char digest[EVP_MAX_MD_SIZE];
	GENERAL_NAMES *names;
	unsigned n = 0;

	if (!to)
		return false;
	put_name(X509_get_subject_name(x), to->subject);
	put_name(X509_get_issuer_name(x), to->issuer);
	pki_cert_serial(&c, to->serial);
	pki_cert_hash(&c, to->hash);
	put_key(X509_get0_pubkey(x), to);
	put_digest(X509_get_signature_nid(x), to);
	if (X509_digest(x, EVP_sha256(), digest, &n))
		put_fingerprint(to, digest, n);
	to->from = pki_time(X509_get0_notBefore(x));
	to->to = pki_time(X509_get0_notAfter(x));
	to->is_ca = X509_get_extension_flags(x) & EXFLAG_CA;
	to->is_self_signed = X509_get_extension_flags(x) & EXFLAG_SS;
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	add_names(names, &to->names);
	GENERAL_NAMES_free(names);
	add_uses(x, &to->uses);
	pki_judge_cert(x, now, to);
	ERR_clear_error();
	return true;
}

static bool add_request(struct pki_look *l, X509_REQ *r)
{
	struct pki_item *to = add(l, PKI_ITEM_REQUEST);
	unsigned char digest[EVP_MAX_MD_SIZE];
	STACK_OF(X509_EXTENSION) * wanted;
	GENERAL_NAMES *names;
	unsigned n = 0;

	if (!to)
		return false;
	put_name(X509_REQ_get_subject_name(r), to->subject);
	put_key(X509_REQ_get0_pubkey(r), to);
	put_digest(X509_REQ_get_signature_nid(r), to);
	if (X509_REQ_digest(r, EVP_sha256(), digest, &n))
		put_fingerprint(to, digest, n);
	wanted = X509_REQ_get_extensions(r);
	names = X509V3_get_d2i(wanted, NID_subject_alt_name, NULL, NULL);
	add_names(names, &to->names);
	GENERAL_NAMES_free(names);
	for (int i = 0; i < sk_X509_EXTENSION_num(wanted); i++) {
		char oid[80];
		ASN1_OBJECT *o = X509_EXTENSION_get_object(sk_X509_EXTENSION_value(wanted, i));

		if (OBJ_obj2nid(o) == NID_subject_alt_name)
			continue;
		OBJ_obj2txt(oid, sizeof(oid), o, 0);
		pki_words_add(&to->uses, "extension %s", oid);
	}
	sk_X509_EXTENSION_pop_free(wanted, X509_EXTENSION_free);
	pki_judge_request(r, to);
	return true;
}

/* The words of pki_reasons, or RFC 5280's own for those that this program does not give. */
static const char *reason_of(X509_REVOKED *x)
{
	static const char *const names[] = {NULL, "key-compromise", "ca-compromise", "affiliation-changed",
	    "superseded", "cessation-of-operation", "on-hold", NULL, "removed-from-list",
	    "privilege-withdrawn", "aa-compromise"};
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(x, NID_crl_reason, NULL, NULL);
	long n = code ? ASN1_ENUMERATED_get(code) : 0;

	ASN1_ENUMERATED_free(code);
	return n > 0 && (size_t)n < ARRAY_SIZE(names) ? names[n] : NULL;
}

static bool add_list(struct pki_look *l, X509_CRL *crl, int64_t now)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	int n_all = sk_X509_REVOKED_num(all);
	struct pki_item *to = add(l, PKI_ITEM_LIST);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!to)
		return false;
	put_name(X509_CRL_get_issuer(crl), to->issuer);
	put_digest(X509_CRL_get_signature_nid(crl), to);
	if (X509_CRL_digest(crl, EVP_sha256(), digest, &n))
		put_fingerprint(to, digest, n);
	to->from = pki_time(X509_CRL_get0_lastUpdate(crl));
	to->to = pki_time(X509_CRL_get0_nextUpdate(crl));
	to->revoked = n_all > 0 ? calloc((size_t)n_all, sizeof(*to->revoked)) : NULL;
	for (int i = 0; to->revoked && i < n_all; i++) {
		X509_REVOKED *x = sk_X509_REVOKED_value(all, i);
		struct pki_revoked *r = &to->revoked[to->n_revoked++];

		pki_serial(X509_REVOKED_get0_serialNumber(x), r->serial);
		r->when = pki_time(X509_REVOKED_get0_revocationDate(x));
		r->reason = reason_of(x);
	}
	pki_judge_list(now, to);
	return true;
}

/* `k` NULL: it is enciphered. */
static bool add_key(struct pki_look *l, const EVP_PKEY *k)
{
	struct pki_item *to = add(l, PKI_ITEM_KEY);

	if (!to)
		return false;
	to->is_locked = !k;
	if (k)
		put_key(k, to);
	return true;
}

/* The fingerprint is that of the SubjectPublicKeyInfo. */
static bool add_public(struct pki_look *l, EVP_PKEY *k)
{
	struct pki_item *to = add(l, PKI_ITEM_PUBLIC);
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	struct err_text why;
	unsigned n = 0;
	int len = to ? i2d_PUBKEY(k, &der) : 0;

	if (!to)
		return false;
	put_key(k, to);
	if (len > 0 && EVP_Digest(der, (size_t)len, digest, &n, EVP_sha256(), NULL))
		put_fingerprint(to, digest, n);
	if (pki_key_fits(k, &why) < 0)
		pki_words_add(&to->unfit, "%s", why.s);
	OPENSSL_free(der);
	return true;
}

static bool is_word(const char *kind, const char *end)
{
	size_t n = strlen(kind), k = strlen(end);

	return n >= k && strcmp(kind + n - k, end) == 0;
}

/* False: a block says that it is something which it is not. Of other kinds of blocks nothing is told. */
static bool take_block(
    struct pki_look *l, const char *kind, const char *header, const unsigned char *der, long n, int64_t now)
{
	const unsigned char *p = der;
	X509 *x = is_word(kind, "CERTIFICATE") ? d2i_X509(NULL, &p, n) : NULL;
	X509_CRL *crl = strcmp(kind, PEM_STRING_X509_CRL) == 0 ? d2i_X509_CRL(NULL, &p, n) : NULL;
	X509_REQ *req = is_word(kind, "CERTIFICATE REQUEST") ? d2i_X509_REQ(NULL, &p, n) : NULL;
	bool is_key = is_word(kind, "PRIVATE KEY");
	bool locked = is_key && (strcmp(kind, PEM_STRING_PKCS8) == 0 || strstr(header, "ENCRYPTED"));
	EVP_PKEY *k = is_key && !locked ? d2i_AutoPrivateKey(NULL, &p, n) : NULL;
	bool is_public = strcmp(kind, PEM_STRING_PUBLIC) == 0;
	EVP_PKEY *public = is_public ? d2i_PUBKEY(NULL, &p, n) : NULL;
	bool ok = true;

	if (x)
		ok = add_cert(l, x, now);
	else if (crl)
		ok = add_list(l, crl, now);
	else if (req)
		ok = add_request(l, req);
	else if (locked || k)
		ok = add_key(l, k);
	else if (public)
		ok = add_public(l, public);
	else
		ok = !is_key && !is_public && !is_word(kind, "CERTIFICATE") &&
		     !is_word(kind, "CERTIFICATE REQUEST") && strcmp(kind, PEM_STRING_X509_CRL) != 0;
	X509_free(x);
	X509_CRL_free(crl);
	X509_REQ_free(req);
	EVP_PKEY_free(k);
	EVP_PKEY_free(public);
	ERR_clear_error();
	return ok;
}

/* 0: no block is in it; 1; or a fault. */
static int look_pem(const void *octets, size_t n, int64_t now, struct pki_look *l, struct err_text *e)
{
	AUTO_BIO BIO *b = pki_memory(octets, n);
	char *kind = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool ok = b, any = false;
	long len;

	while (ok && PEM_read_bio(b, &kind, &header, &der, &len)) {
		ok = take_block(l, kind, header, der, len, now);
		any = true;
		OPENSSL_free(kind);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return any;
	}
	if (l->n == PKI_ITEMS_MAX)
		return err_set(e, -E2BIG, "there are more than %d things in it", PKI_ITEMS_MAX);
	return pki_fail(e, -EINVAL, "a block of it is damaged");
}

static bool look_der(const void *octets, size_t n, int64_t now, struct pki_look *l)
{
	const unsigned char *p = octets, *q = p, *r = p, *s = p, *t = p, *u = p;
	X509 *x = d2i_X509(NULL, &p, (long)n);
	X509_CRL *crl = x ? NULL : d2i_X509_CRL(NULL, &q, (long)n);
	X509_REQ *req = x || crl ? NULL : d2i_X509_REQ(NULL, &r, (long)n);
	EVP_PKEY *k = x || crl || req ? NULL : d2i_AutoPrivateKey(NULL, &s, (long)n);
	X509_SIG *locked = x || crl || req || k ? NULL : d2i_X509_SIG(NULL, &t, (long)n);
	EVP_PKEY *public = x || crl || req || k || locked ? NULL : d2i_PUBKEY(NULL, &u, (long)n);
	bool ok = x        ? add_cert(l, x, now)
	          : crl    ? add_list(l, crl, now)
	          : req    ? add_request(l, req)
	          : public ? add_public(l, public)
	                   : (k || locked) && add_key(l, k);

	X509_free(x);
	X509_CRL_free(crl);
	X509_REQ_free(req);
	EVP_PKEY_free(k);
	EVP_PKEY_free(public);
	X509_SIG_free(locked);
	ERR_clear_error();
	return ok;
}

static int look_p12(
    PKCS12 *p12, const struct secret *passphrase, int64_t now, struct pki_look *l, struct err_text *e)
{
	char text[PKI_PASSPHRASE_MAX + 1];
	AUTO_WIPE(text);
	STACK_OF(X509) *others = NULL;
	EVP_PKEY *k = NULL;
	X509 *x = NULL;
	int r = pki_passphrase_text(passphrase, text, e);
	bool ok;

	if (r < 0)
		return r;
	if (!PKCS12_parse(p12, text, &k, &x, &others)) {
		ERR_clear_error();
		return err_set(e, -EACCES, "%s",
		    passphrase ? "the passphrase does not open it"
		               : "it is enciphered, and wants its passphrase");
	}
	ok = (!k || add_key(l, k)) && (!x || add_cert(l, x, now));
	for (int i = 0; ok && i < sk_X509_num(others); i++)
		ok = add_cert(l, sk_X509_value(others, i), now);
	l->is_p12 = true;
	EVP_PKEY_free(k);
	X509_free(x);
	sk_X509_pop_free(others, X509_free);
	return ok ? 0 : err_set(e, -E2BIG, "there are more than %d things in it", PKI_ITEMS_MAX);
}

static int look(const void *p, size_t n, const struct secret *passphrase, int64_t now, struct pki_look *l,
    struct err_text *e)
{
	const unsigned char *at = p;
	int r = look_pem(p, n, now, l, e);
	PKCS12 *p12;

	if (r)
		return r < 0 ? r : 0;
	if (look_der(p, n, now, l))
		return 0;
	p12 = d2i_PKCS12(NULL, &at, (long)n);
	ERR_clear_error();
	if (!p12)
		return err_set(e, -EINVAL,
		    "there is no certificate, key, request or revocation list in it: PEM, DER and PKCS #12 "
		    "are "
		    "read");
	r = look_p12(p12, passphrase, now, l, e);
	PKCS12_free(p12);
	return r;
}

int pki_look(const void *p, size_t n, const struct secret *passphrase, int64_t now, struct pki_look *ret,
    struct err_text *e)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	int r = look(p, n, passphrase, now, &l, e);

	if (r == 0 && !l.n)
		r = err_set(e, -EINVAL, "there is no certificate, key, request or revocation list in it");
	if (r < 0)
		return r;
	*ret = l;
	l = (struct pki_look){0};
	return 0;
}
