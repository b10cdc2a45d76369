/*
 * A distinguished name as text, as peers_identifier has it, against a certificate's subject.
 */
#ifndef POSTERN_CERTD_VERIFY_DN_TEXT_H
#define POSTERN_CERTD_VERIFY_DN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

/* "C=US, O=Org, CN=*": every component in order; `*` as a value fits any, a backslash takes the character
 * behind it as it is. */
bool dn_text_fits(const char *text, size_t n, const X509_NAME *name);

#endif
