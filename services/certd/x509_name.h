/*
 * What a certificate says its bearer is called, compared with IKE identities.
 */
#ifndef POSTERN_CERTD_X509_NAME_H
#define POSTERN_CERTD_X509_NAME_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"

/* The subject's and the issuer's DER, borrowed from the certificate. */
struct ike1_octets x509_subject(const X509 *c);
struct ike1_octets x509_issuer(const X509 *c);
/* The subject (for names), or one of the subjectAltNames (for everything else). */
bool x509_is_called(const X509 *c, const struct ike_id *id);
/* Whether it has any subjectAltName at all. */
bool x509_has_alt_name(const X509 *c);

#endif
