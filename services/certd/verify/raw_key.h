/*
 * Peers that have a key and no certificate (RFC 7670): the configuration says which key it is, and who may
 * have it.
 */
#ifndef POSTERN_CERTD_VERIFY_RAW_KEY_H
#define POSTERN_CERTD_VERIFY_RAW_KEY_H

#include "certd/verify/judge.h"

/* A SubjectPublicKeyInfo in DER, all of it and nothing behind it. NULL: it is none that OpenSSL knows. */
EVP_PKEY *raw_key_parse(struct ike1_octets der);
/* Whether the peer, which is to have `key`, is who it says: it may be called what the configuration says, or
 * where that says nothing by its address. What it sent of its key has to be that key. */
enum verify_reason raw_key_judge(
    const struct ike_peer *p, EVP_PKEY *key, const struct judge_claim *c, struct err_text *e);

#endif
