/*
 * RSA keys that are for signatures of RSASSA-PSS alone, and may say themselves over what (RFC 4055).
 */
#ifndef POSTERN_CERTD_OWN_PSS_H
#define POSTERN_CERTD_OWN_PSS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

bool own_pss_is(const EVP_PKEY *key);
/* The one hash that the key may sign over, enum ike2_hash; 0: any, or it is no such key. */
uint8_t own_pss_hash(const EVP_PKEY *key);
/* Whether it can sign as version 2 wants it. 0; -EOPNOTSUPP with a sentence. */
must_check int own_pss_check(const EVP_PKEY *key, struct err_text *e);

#endif
