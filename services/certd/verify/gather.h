/*
 * The certificates of a message: which of them is the peer's own, and what else came along.
 */
#ifndef POSTERN_CERTD_VERIFY_GATHER_H
#define POSTERN_CERTD_VERIFY_GATHER_H

#include <openssl/x509.h>

#include "certd/verify/judge.h"

/* Each of the claim's pieces is a certificate, or PKCS #7 with some. The first bare certificate is the peer's
 * own; without one it is the one that bears the identity, or else the first that is no authority's (RFC 4945
 * section 3.3.10 gives PKCS #7 no order). *ret_leaf and *ret_others are the caller's, with every answer.
 * VERIFY_NONE; VERIFY_NO_CERT; VERIFY_MALFORMED: one of them cannot be read, or there are more than
 * JUDGE_CERTS_MAX; VERIFY_INTERNAL. */
enum verify_reason gather(const struct judge_claim *c, X509 **ret_leaf, STACK_OF(X509) * *ret_others);

#endif
