/*
 * What lies behind pki.h's names, and helpers that its files share.
 */
#ifndef POSTERN_PKI_INTERNAL_H
#define POSTERN_PKI_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/pki.h"

struct pki_key {
	EVP_PKEY *p;
};
struct pki_cert {
	X509 *x;
};
struct pki_request {
	X509_REQ *r;
};
struct pki_list {
	X509_CRL *l;
};

static inline void pki_bio_freep_(BIO **b)
{
	BIO_free(*b);
}
#define AUTO_BIO AUTO(pki_bio_freep_)

/* err_set() with OpenSSL's own reason behind the words; empties its list of errors. */
int pki_fail(struct err_text *e, int code, const char *words);

/* Borrows the octets; NULL without memory. */
BIO *pki_memory(const void *p, size_t n);
/* All that was written, appended. */
must_check int pki_drain(BIO *b, struct sbuf *ret, struct err_text *e);

/* Password callback for PEM: `arg` is a struct secret, or NULL for none. OpenSSL would ask the terminal. */
int pki_give_passphrase(char *buf, int size, int rwflag, void *arg);
/* As a C string. -EINVAL: too long, or an octet 0 in it. */
must_check int pki_passphrase_text(
    const struct secret *s, char ret[PKI_PASSPHRASE_MAX + 1], struct err_text *e);

/* The hash to sign with; NULL for keys that have one of their own. */
const EVP_MD *pki_digest(const EVP_PKEY *k);
/* "RSA of 3072 bits", "ECDSA P-256"; false: a kind that is not used in IKE. */
bool pki_kind(const EVP_PKEY *k, char *buf, size_t room);
/* Of either kind: for RSASSA-PSS alone (RFC 4055), or for whatever RSA can. */
bool pki_is_any_rsa(const EVP_PKEY *k);
/* The public half in PEM. */
must_check int pki_public_write(const EVP_PKEY *k, struct sbuf *ret, struct err_text *e);
/* Refuses short RSA keys and kinds that are not used. */
must_check int pki_key_fits(const EVP_PKEY *k, struct err_text *e);

/* Owned by the caller. The first also says what is wrong with the wish's names. */
must_check int pki_subject(const struct pki_wish *w, X509_NAME **ret, struct err_text *e);
must_check int pki_alt_names(const struct pki_wish *w, GENERAL_NAMES **ret, struct err_text *e);

void pki_serial(const ASN1_INTEGER *serial, char ret[PKI_SERIAL_STRLEN]);
int64_t pki_time(const ASN1_TIME *t);

#endif
