/*
 * A peer's signature of version 2, in whatever of its forms it comes (RFC 7296 section 3.8, RFC 4754, 7427
 * and 8420).
 */
#ifndef POSTERN_CERTD_VERIFY_JUDGE2_H
#define POSTERN_CERTD_VERIFY_JUDGE2_H

#include <openssl/evp.h>

#include "certd/verify/judge.h"

/* Whether it is of a kind that IKE has signatures of. */
bool judge2_knows_key(const EVP_PKEY *key);
/* VERIFY_NONE: the key's owner has signed. Otherwise, or as a warning, *e may have what is special. */
enum verify_reason judge2_signature(const struct judge_claim *c, EVP_PKEY *key, struct err_text *e);

#endif
