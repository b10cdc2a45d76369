/*
 * What key exchange computes with besides Diffie-Hellman: hashes, pseudorandom functions with keys of any
 * length, and block ciphers over whole messages. Not for packets: nothing is kept keyed.
 */
#ifndef POSTERN_CRYPTO_IKE_H
#define POSTERN_CRYPTO_IKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "ipsec/alg.h"
#include "ipsec/alg_ike.h"

/* All of these want crypto_init() to have been called. */

/* Whether this OpenSSL provides it. */
bool crypto_has_prf(enum alg_prf id);
/* Octets of a value of this function, which is also the length of keys that version 2 makes for it; 0 for a
 * number that is none of ours. */
size_t crypto_prf_len(enum alg_prf id);
/* Octets of its hash, which version 1 cannot do without; 0 likewise, and for functions that have none. */
size_t crypto_hash_len(enum alg_prf id);
const char *crypto_prf_name(enum alg_prf id); /* "hmac-sha256"; NULL likewise */

/* The function over the pieces, which follow each other: HMAC (RFC 2104), or one of AES. Writes
 * crypto_prf_len() octets. 0; -EOPNOTSUPP: absent; -EIO when OpenSSL refuses, with *ret wiped. */
must_check int crypto_prf(enum alg_prf id, const void *key, size_t key_len, const struct iovec *piece,
    size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX]);
/* The hash alone; the same answers. */
must_check int crypto_hash(
    enum alg_prf id, const struct iovec *piece, size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX]);

/* Octets of a block, which is also the IV's length; 0: no block cipher here. */
size_t crypto_cbc_block(enum alg_enc id);
/* Enciphers or deciphers `len` octets in place; a whole number of blocks. `iv` is read only. 0; -EINVAL: a
 * length that does not go with the cipher; -EOPNOTSUPP: absent; -EIO. */
must_check int crypto_cbc(enum alg_enc id, const uint8_t *key, size_t key_len, const uint8_t *iv,
    uint8_t *data, size_t len, bool seal);

#endif
