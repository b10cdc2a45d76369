/*
 * A certification authority of one's own, and what a host needs of it (RFC 4945 section 5). Everything goes
 * in and out as octets; no file is opened here, nobody is asked, and no type of OpenSSL is seen from outside.
 * Functions that return int: 0, or a negative errno with a sentence in *e.
 */
#ifndef POSTERN_PKI_PKI_H
#define POSTERN_PKI_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "secret/secret.h"

struct pki_key;     /* private */
struct pki_cert;    /* public */
struct pki_request; /* a host's public key and what it would like to be called, signed by itself (RFC 2986) */
struct pki_list;    /* of revoked certificates (RFC 5280 section 5) */

enum {
	PKI_RSA_BITS_MIN = 2048,
	PKI_RSA_BITS_MAX = 8192,
	PKI_DAYS_MAX = 36500,
	PKI_CHAIN_MAX = 10,
	PKI_PASSPHRASE_MAX = 1023 /* octets */
};

/* RSA_PSS: RSA for signatures of RSASSA-PSS alone (RFC 4055 section 1.2). */
enum pki_key_type { PKI_RSA, PKI_RSA_PSS, PKI_ECDSA, PKI_ED25519, PKI_ED448 };

/* What a certificate's bearer is called, as IKE will ask for it (RFC 4945 section 3.1). */
enum pki_alt_kind { PKI_HOST, PKI_ADDRESS, PKI_USER };
struct pki_alt {
	enum pki_alt_kind kind;
	const char *text; /* "gw.example.org", "192.0.2.1", "joe@example.org"; borrowed */
};

/* -EINVAL: no IKE identity could be that. What passes has no slash and no control character in it. */
must_check int pki_alt_check(const struct pki_alt *a, struct err_text *e);

struct pki_wish {
	const char *name; /* "C=US, O=Example, CN=gw", or without a `=` the CN; NULL: the first of alt */
	const struct pki_alt *alt;
	size_t n_alts;
	int64_t now; /* seconds since 1970 */
	uint32_t days;
};

/* `bits` 0: what is usual for the type. */
must_check int pki_key_new(enum pki_key_type type, unsigned bits, struct pki_key **ret, struct err_text *e);
/* PEM or DER. -EACCES: it is enciphered, and the passphrase (NULL: none) does not open it. */
must_check int pki_key_read(
    const void *p, size_t n, const struct secret *passphrase, struct pki_key **ret, struct err_text *e);
/* PEM (PKCS #8); with a passphrase enciphered by AES-256 (PBES2). */
must_check int pki_key_write(
    const struct pki_key *k, const struct secret *passphrase, struct secret **ret, struct err_text *e);
/* The public half: a SubjectPublicKeyInfo in PEM (RFC 7468 section 13), appended. */
must_check int pki_key_public_write(const struct pki_key *k, struct sbuf *ret, struct err_text *e);
bool pki_key_is_rsa(const struct pki_key *k);
struct pki_key *pki_key_free(struct pki_key *k); /* NULL is fine. Returns NULL; so do the others. */

/* An authority's own certificate, signed by itself. */
must_check int pki_ca_new(
    const struct pki_key *k, const struct pki_wish *w, struct pki_cert **ret, struct err_text *e);
/* Whether the two are an authority's, belong together and can issue at this time. */
must_check int pki_ca_check(
    const struct pki_cert *ca, const struct pki_key *ca_key, int64_t now, struct err_text *e);
/* A certificate for the public half of `k`; it ends with the authority's at the latest. */
must_check int pki_issue(const struct pki_cert *ca, const struct pki_key *ca_key, const struct pki_key *k,
    const struct pki_wish *w, struct pki_cert **ret, struct err_text *e);
/* The same for a request's key. Nothing but the key is taken from the request. */
must_check int pki_sign(const struct pki_cert *ca, const struct pki_key *ca_key, const struct pki_request *r,
    const struct pki_wish *w, struct pki_cert **ret, struct err_text *e);

/* The first certificate, PEM or DER. */
must_check int pki_cert_read(const void *p, size_t n, struct pki_cert **ret, struct err_text *e);
must_check int pki_cert_write(const struct pki_cert *c, struct sbuf *ret, struct err_text *e); /* PEM */
must_check int pki_cert_public_write(const struct pki_cert *c, struct sbuf *ret, struct err_text *e);
bool pki_cert_is_of(const struct pki_cert *c, const struct pki_key *k);
bool pki_cert_is_by(
    const struct pki_cert *c, const struct pki_cert *ca); /* its signature is the authority's */
bool pki_cert_equal(const struct pki_cert *a, const struct pki_cert *b);
int64_t pki_cert_end(const struct pki_cert *c);
enum { PKI_SERIAL_STRLEN = 2 * 20 + 1, PKI_HASH_STRLEN = 9 };
/* Lower-case hex without leading zeros; longer serial numbers than RFC 5280 allows are cut. */
void pki_cert_serial(const struct pki_cert *c, char ret[PKI_SERIAL_STRLEN]);
/* Of the subject: the name before the dot of `openssl rehash`'s links. */
void pki_cert_hash(const struct pki_cert *c, char ret[PKI_HASH_STRLEN]);
struct pki_cert *pki_cert_free(struct pki_cert *c);

/* now and days of `w` do not count. */
must_check int pki_request_new(
    const struct pki_key *k, const struct pki_wish *w, struct pki_request **ret, struct err_text *e);
/* PEM or DER. -EKEYREJECTED: its signature is not by its key. */
must_check int pki_request_read(const void *p, size_t n, struct pki_request **ret, struct err_text *e);
must_check int pki_request_write(const struct pki_request *r, struct sbuf *ret, struct err_text *e);
bool pki_request_is_rsa(const struct pki_request *r);
struct pki_request *pki_request_free(struct pki_request *r);

/* An authority's list: `before` (NULL: none) with its entries, one more for `serial` (NULL: none) in hex, and
 * new dates. `reason` is one of pki_reasons, or NULL. -EEXIST: it is revoked already; -EINVAL. */
must_check int pki_list_new(const struct pki_cert *ca, const struct pki_key *ca_key,
    const struct pki_list *before, const char *serial, const char *reason, int64_t now, uint32_t days,
    struct pki_list **ret, struct err_text *e);
/* PEM or DER. -EKEYREJECTED: it is not `ca`'s. */
must_check int pki_list_read(
    const void *p, size_t n, const struct pki_cert *ca, struct pki_list **ret, struct err_text *e);
must_check int pki_list_write(const struct pki_list *l, struct sbuf *ret, struct err_text *e);
size_t pki_list_count(const struct pki_list *l);
bool pki_list_has(const struct pki_list *l, const struct pki_cert *c);
int64_t pki_list_end(const struct pki_list *l);
struct pki_list *pki_list_free(struct pki_list *l);
extern const char *const pki_reasons[]; /* NULL-terminated */

/* Key, certificate and its chain in one file that `passphrase` opens: AES-256 and SHA-256, or, legacy, 3DES
 * and SHA-1, which is all that Windows before 10 (1709) reads. */
must_check int pki_p12_write(const struct pki_key *k, const struct pki_cert *c, struct pki_cert *const *chain,
    size_t n_chain, const struct secret *passphrase, bool legacy, struct sbuf *ret, struct err_text *e);

#endif
