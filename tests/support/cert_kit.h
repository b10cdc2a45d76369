/*
 * An authority in a box, for tests of certd and certd-verify: keys, certificates and revocation lists made
 * when they are wanted, and the hashes of IKE version 1 computed from the text of RFC 2409 with nothing of
 * the suite's.
 */
#ifndef POSTERN_TESTS_CERT_KIT_H
#define POSTERN_TESTS_CERT_KIT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certd/file.h"
#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"

enum { KIT_DAY = 86400 };

/* What a certificate says; what is NULL or 0 is not in it. */
struct kit_cert {
	const char *org, *cn;
	const char *san, *usage, *ext_usage, *name_constraints; /* as openssl.cnf writes them */
	bool ca, v1;                                            /* version 1 knows no extensions */
	bool sha1;                                              /* signed over that, not SHA-256 */
	long from, to; /* seconds from now; both 0: yesterday to tomorrow */
	long serial;
	const X509 *issuer;     /* NULL: itself */
	EVP_PKEY *key, *signer; /* its own; the issuer's (NULL: its own) */
};

/* Each fails the test when OpenSSL does not play along. */
EVP_PKEY *kit_rsa(unsigned bits);
EVP_PKEY *kit_ec(void);
EVP_PKEY *kit_ed25519(void);
X509 *kit_cert(const struct kit_cert *c);
/* With one serial number in it (0: none). */
X509_CRL *kit_crl(const X509 *issuer, EVP_PKEY *signer, long revoked, long from, long to);

/* Contents of files, to be freed with file_fini(). `passphrase` NULL: in clear. */
struct file kit_pem(X509 *const *cert, size_t n);
struct file kit_pem_crl(X509_CRL *crl);
struct file kit_pem_key(EVP_PKEY *key, const char *passphrase);
struct file kit_der(const X509 *cert);
struct file kit_der_key(EVP_PKEY *key);
struct file kit_pkcs12(EVP_PKEY *key, X509 *cert, const char *passphrase);
/* Made by the openssl program: certificates in PKCS #7, in the order that it gives them. */
struct file kit_pkcs7(X509 *const *cert, size_t n);
struct file kit_join(struct file a, struct file b); /* takes both */
/* A descriptor of a file with these contents, which nobody finds by name. */
int kit_fd(const void *p, size_t n, unsigned mode);

/* The subject as an identity. */
struct ike_id kit_subject(const X509 *cert);
struct ike_id kit_id(enum ike_id_kind kind, const char *text);
/* An ID payload's body (RFC 2407 section 4.6.2) of this type. Octets. */
size_t kit_id_body(uint8_t type, const void *data, size_t n, uint8_t *buf);

/* HMAC-SHA1 of the parts, one behind the other. */
void kit_hmac(const void *key, size_t n_key, const struct ike1_octets *part, size_t n, uint8_t ret[20]);
/* What both sides of an exchange have said. */
struct kit_exchange {
	struct ike1_octets ni, nr, icookie, rcookie, gxi, gxr, gxy, sa;
};
/* SKEYID with a pre-shared key and with signatures (`psk` NULL), SKEYID_d, _a and _e, and HASH_I or HASH_R,
 * by RFC 2409 section 5, with SHA-1. */
void kit_skeyid(const char *psk, const struct kit_exchange *x, uint8_t ret[20]);
void kit_keys(const uint8_t skeyid[20], const struct kit_exchange *x, uint8_t ret[3][20]);
void kit_hash(const uint8_t skeyid[20], const struct kit_exchange *x, bool initiators, struct ike1_octets id,
    uint8_t ret[20]);
/* Those of base mode (docs/decisions.md) that are its own: the initiator's, and with signatures (`psk` NULL)
 * the responder's. `idi` is the initiator's in both. */
void kit_base_hash(
    const char *psk, const struct kit_exchange *x, bool initiators, struct ike1_octets idi, uint8_t ret[20]);
/* Section 5.1's signature. Octets. */
size_t kit_sign(EVP_PKEY *key, const uint8_t *hash, size_t n, uint8_t ret[1024]);

#endif
