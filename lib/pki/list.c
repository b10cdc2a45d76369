/*
 * Revocation lists. The last list is the authority's memory of what it has revoked: a new one takes its
 * entries over, with a number one higher (RFC 5280 section 5.2.3).
 */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/internal.h"

enum { DAY_S = 86400, SLACK_S = 3600, REVOKED_MAX = 100000 };

/* RFC 5280 section 5.3.1, as far as they say something of a gateway's certificate. */
static const struct {
	const char *word;
	int code;
} reasons[] = {{"key-compromise", CRL_REASON_KEY_COMPROMISE},
    {"affiliation-changed", CRL_REASON_AFFILIATION_CHANGED}, {"superseded", CRL_REASON_SUPERSEDED},
    {"cessation-of-operation", CRL_REASON_CESSATION_OF_OPERATION}};

const char *const pki_reasons[] = {
    "key-compromise", "affiliation-changed", "superseded", "cessation-of-operation", NULL};

struct pki_list *pki_list_free(struct pki_list *l)
{
	if (l)
		X509_CRL_free(l->l);
	free(l);
	return NULL;
}

static void crl_freep(X509_CRL **l)
{
	X509_CRL_free(*l);
}

static bool take_entries(X509_CRL *to, const struct pki_list *from)
{
	STACK_OF(X509_REVOKED) *all = from ? X509_CRL_get_REVOKED(from->l) : NULL;

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		X509_REVOKED *x = X509_REVOKED_dup(sk_X509_REVOKED_value(all, i));

		if (!x || !X509_CRL_add0_revoked(to, x)) {
			X509_REVOKED_free(x);
			return false;
		}
	}
	return true;
}

static bool put_reason(X509_REVOKED *to, const char *reason)
{
	ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
	bool ok = false;

	for (size_t i = 0; code && reason && i < ARRAY_SIZE(reasons); i++)
		if (strcmp(reasons[i].word, reason) == 0)
			ok = ASN1_ENUMERATED_set(code, reasons[i].code) &&
			     X509_REVOKED_add1_ext_i2d(to, NID_crl_reason, code, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_ENUMERATED_free(code);
	return ok || !reason;
}

static ASN1_INTEGER *serial_of(const char *hex)
{
	BIGNUM *bn = NULL;
	size_t n = strlen(hex);
	bool good =
	    n && n < PKI_SERIAL_STRLEN && strspn(hex, "0123456789abcdefABCDEF") == n && BN_hex2bn(&bn, hex);
	ASN1_INTEGER *x = good ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;

	BN_free(bn);
	return x;
}

static int add_serial(X509_CRL *to, const char *hex, const char *reason, int64_t now, struct err_text *e)
{
	ASN1_INTEGER *serial = serial_of(hex);
	ASN1_TIME *when = ASN1_TIME_adj(NULL, (time_t)now, 0, 0);
	X509_REVOKED *x = X509_REVOKED_new(), *there = NULL;
	int r = 0;

	if (!serial)
		r = err_set(e, -EINVAL, "`%s` is no serial number: hex digits, as in what `list` shows", hex);
	else if (X509_CRL_get0_by_serial(to, &there, serial) > 0)
		r = err_set(e, -EEXIST, "%s is revoked already", hex);
	else if (!x || !when || !X509_REVOKED_set_serialNumber(x, serial) ||
	         !X509_REVOKED_set_revocationDate(x, when) || !put_reason(x, reason) ||
	         !X509_CRL_add0_revoked(to, x))
		r = pki_fail(e, -EIO, "the list cannot be made");
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	if (r < 0)
		X509_REVOKED_free(x);
	return r;
}

static bool put_number(X509_CRL *to, const struct pki_list *before)
{
	ASN1_INTEGER *n = before ? X509_CRL_get_ext_d2i(before->l, NID_crl_number, NULL, NULL) : NULL;
	BIGNUM *bn = n ? ASN1_INTEGER_to_BN(n, NULL) : BN_new();
	ASN1_INTEGER *next = NULL;
	bool ok = bn && BN_add_word(bn, 1) && (next = BN_to_ASN1_INTEGER(bn, NULL)) &&
	          X509_CRL_add1_ext_i2d(to, NID_crl_number, next, 0, X509V3_ADD_DEFAULT) == 1;

	ASN1_INTEGER_free(n);
	ASN1_INTEGER_free(next);
	BN_free(bn);
	return ok;
}

static bool put_issuer(X509_CRL *to, X509 *ca)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca, NULL, NULL, to, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	ok = ext && X509_CRL_add_ext(to, ext, -1) && X509_CRL_set_issuer_name(to, X509_get_subject_name(ca));
	X509_EXTENSION_free(ext);
	return ok;
}

/* It begins an hour ago, so that it counts where the clock is late. */
static bool put_dates(X509_CRL *to, int64_t now, uint32_t days)
{
	ASN1_TIME *t = ASN1_TIME_adj(NULL, (time_t)(now - SLACK_S), 0, 0);
	bool ok = t && X509_CRL_set1_lastUpdate(to, t) && ASN1_TIME_adj(t, (time_t)now, (int)days, 0) &&
	          X509_CRL_set1_nextUpdate(to, t);

	ASN1_TIME_free(t);
	return ok;
}

int pki_list_new(const struct pki_cert *ca, const struct pki_key *ca_key, const struct pki_list *before,
    const char *serial, const char *reason, int64_t now, uint32_t days, struct pki_list **ret,
    struct err_text *e)
{
	AUTO(crl_freep) X509_CRL *l = X509_CRL_new();
	AUTO_FREE struct pki_list *wrapped = malloc(sizeof(*wrapped));
	int r = pki_ca_check(ca, ca_key, now, e);

	if (r < 0)
		return r;
	if (!days || days > PKI_DAYS_MAX)
		return err_set(e, -EINVAL, "a revocation list is valid for 1 to %d days", PKI_DAYS_MAX);
	if (before && pki_list_count(before) >= REVOKED_MAX)
		return err_set(e, -ENOSPC, "the list has %d entries already", REVOKED_MAX);
	if (!wrapped || !l || !X509_CRL_set_version(l, X509_CRL_VERSION_2) || !put_issuer(l, ca->x) ||
	    !put_number(l, before) || !put_dates(l, now, days) || !take_entries(l, before))
		return pki_fail(e, -EIO, "the list cannot be made");
	r = serial ? add_serial(l, serial, reason, now, e) : 0;
	if (r < 0)
		return r;
	X509_CRL_sort(l);
	if (X509_CRL_sign(l, ca_key->p, pki_digest(ca_key->p)) <= 0)
		return pki_fail(e, -EIO, "the list cannot be signed");
	wrapped->l = take_ptr(l);
	*ret = take_ptr(wrapped);
	return 0;
}

int pki_list_read(
    const void *p, size_t n, const struct pki_cert *ca, struct pki_list **ret, struct err_text *e)
{
	AUTO_BIO BIO *b = pki_memory(p, n);
	const unsigned char *at = p;
	AUTO(crl_freep) X509_CRL *l = b ? PEM_read_bio_X509_CRL(b, NULL, pki_give_passphrase, NULL) : NULL;
	AUTO_FREE struct pki_list *wrapped = malloc(sizeof(*wrapped));
	bool good;

	if (!l)
		l = d2i_X509_CRL(NULL, &at, (long)n);
	ERR_clear_error();
	if (!l || !wrapped)
		return err_set(e, -EINVAL, "there is no revocation list in it: PEM and DER are read");
	good = X509_CRL_verify(l, X509_get0_pubkey(ca->x)) == 1;
	ERR_clear_error();
	if (!good)
		return err_set(e, -EKEYREJECTED, "the list was not signed by this authority");
	wrapped->l = take_ptr(l);
	*ret = take_ptr(wrapped);
	return 0;
}

int pki_list_write(const struct pki_list *l, struct sbuf *ret, struct err_text *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_mem());

	if (!b || !PEM_write_bio_X509_CRL(b, l->l))
		return pki_fail(e, -EIO, "the list cannot be written");
	return pki_drain(b, ret, e);
}

size_t pki_list_count(const struct pki_list *l)
{
	int n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(l->l));

	return n > 0 ? (size_t)n : 0;
}

bool pki_list_has(const struct pki_list *l, const struct pki_cert *c)
{
	X509_REVOKED *x = NULL;

	return X509_CRL_get0_by_cert(l->l, &x, c->x) > 0;
}

int64_t pki_list_end(const struct pki_list *l)
{
	return pki_time(X509_CRL_get0_nextUpdate(l->l));
}
