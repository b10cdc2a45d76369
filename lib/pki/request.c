/*
 * Requests (PKCS #10, RFC 2986). The signature in one is all that shows that who sends it has the key.
 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/internal.h"

struct pki_request *pki_request_free(struct pki_request *r)
{
	if (r)
		X509_REQ_free(r->r);
	free(r);
	return NULL;
}

static void request_freep(struct pki_request **r)
{
	pki_request_free(*r);
}

/* Takes `r`, which may be NULL. */
static struct pki_request *wrap(X509_REQ *r)
{
	struct pki_request *q = r ? malloc(sizeof(*q)) : NULL;

	if (q)
		q->r = r;
	else
		X509_REQ_free(r);
	return q;
}

static bool put_names(X509_REQ *r, GENERAL_NAMES *names)
{
	STACK_OF(X509_EXTENSION) *all = NULL;
	bool ok = X509V3_add1_i2d(&all, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
	          X509_REQ_add_extensions(r, all);

	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return ok;
}

int pki_request_new(
    const struct pki_key *k, const struct pki_wish *w, struct pki_request **ret, struct err_text *e)
{
	AUTO(request_freep) struct pki_request *q = wrap(X509_REQ_new());
	GENERAL_NAMES *names = NULL;
	X509_NAME *subject = NULL;
	int r = pki_key_fits(k->p, e);

	if (r == 0)
		r = pki_subject(w, &subject, e);
	if (r == 0)
		r = pki_alt_names(w, &names, e);
	if (r == 0 &&
	    (!q || !X509_REQ_set_version(q->r, X509_REQ_VERSION_1) ||
	        !X509_REQ_set_subject_name(q->r, subject) || !X509_REQ_set_pubkey(q->r, k->p) ||
	        (w->n_alts && !put_names(q->r, names)) || X509_REQ_sign(q->r, k->p, pki_digest(k->p)) <= 0))
		r = pki_fail(e, -EIO, "the request cannot be made");
	GENERAL_NAMES_free(names);
	X509_NAME_free(subject);
	if (r == 0)
		*ret = take_ptr(q);
	return r;
}

int pki_request_read(const void *p, size_t n, struct pki_request **ret, struct err_text *e)
{
	AUTO_BIO BIO *b = pki_memory(p, n);
	const unsigned char *at = p;
	X509_REQ *x = b ? PEM_read_bio_X509_REQ(b, NULL, pki_give_passphrase, NULL) : NULL;
	AUTO(request_freep) struct pki_request *q = wrap(x ? x : d2i_X509_REQ(NULL, &at, (long)n));
	bool good;

	ERR_clear_error();
	if (!q)
		return err_set(e, -EINVAL, "there is no request in it: PKCS #10 as PEM or DER is read");
	good = X509_REQ_get0_pubkey(q->r) && X509_REQ_verify(q->r, X509_REQ_get0_pubkey(q->r)) == 1;
	ERR_clear_error();
	if (!good)
		return err_set(e, -EKEYREJECTED,
		    "the request's signature is wrong: it was changed on its way, or who sends it does not "
		    "have "
		    "the key");
	*ret = take_ptr(q);
	return 0;
}

int pki_request_write(const struct pki_request *r, struct sbuf *ret, struct err_text *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_mem());

	if (!b || !PEM_write_bio_X509_REQ(b, r->r))
		return pki_fail(e, -EIO, "the request cannot be written");
	return pki_drain(b, ret, e);
}

bool pki_request_is_rsa(const struct pki_request *r)
{
	return EVP_PKEY_is_a(X509_REQ_get0_pubkey(r->r), "RSA");
}
