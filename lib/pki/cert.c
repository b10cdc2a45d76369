/*
 * Certificates as things to read, write and compare; how they are made stands in issue.c.
 */
#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/internal.h"

struct pki_cert *pki_cert_free(struct pki_cert *c)
{
	if (c)
		X509_free(c->x);
	free(c);
	return NULL;
}

int pki_cert_read(const void *p, size_t n, struct pki_cert **ret, struct err_text *e)
{
	AUTO_BIO BIO *b = pki_memory(p, n);
	const unsigned char *at = p;
	X509 *x = b ? PEM_read_bio_X509(b, NULL, pki_give_passphrase, NULL) : NULL;
	struct pki_cert *c = malloc(sizeof(*c));

	if (!x)
		x = d2i_X509(NULL, &at, (long)n);
	ERR_clear_error();
	if (!x || !c) {
		X509_free(x);
		free(c);
		return x ? err_set(e, -ENOMEM, "out of memory")
		         : err_set(e, -EINVAL, "there is no certificate in it: PEM and DER are read");
	}
	c->x = x;
	*ret = c;
	return 0;
}

int pki_cert_write(const struct pki_cert *c, struct sbuf *ret, struct err_text *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_mem());

	if (!b || !PEM_write_bio_X509(b, c->x))
		return pki_fail(e, -EIO, "the certificate cannot be written");
	return pki_drain(b, ret, e);
}

int pki_cert_public_write(const struct pki_cert *c, struct sbuf *ret, struct err_text *e)
{
	return pki_public_write(X509_get0_pubkey(c->x), ret, e);
}

bool pki_cert_is_of(const struct pki_cert *c, const struct pki_key *k)
{
	bool is = X509_check_private_key(c->x, k->p);

	ERR_clear_error();
	return is;
}

bool pki_cert_is_by(const struct pki_cert *c, const struct pki_cert *ca)
{
	bool is = X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(ca->x)) == 0 &&
	          X509_verify(c->x, X509_get0_pubkey(ca->x)) == 1;

	ERR_clear_error();
	return is;
}

bool pki_cert_equal(const struct pki_cert *a, const struct pki_cert *b)
{
	return X509_cmp(a->x, b->x) == 0;
}

int64_t pki_cert_end(const struct pki_cert *c)
{
	return pki_time(X509_get0_notAfter(c->x));
}

void pki_cert_serial(const struct pki_cert *c, char ret[PKI_SERIAL_STRLEN])
{
	pki_serial(X509_get0_serialNumber(c->x), ret);
}

void pki_cert_hash(const struct pki_cert *c, char ret[PKI_HASH_STRLEN])
{
	snprintf(ret, PKI_HASH_STRLEN, "%08lx",
	    X509_NAME_hash_ex(X509_get_subject_name(c->x), NULL, NULL, NULL) & 0xffffffffUL);
}
