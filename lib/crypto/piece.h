/*
 * What key schedules are written in: lists of pieces, some of them secret, under a key.
 */
#ifndef POSTERN_CRYPTO_PIECE_H
#define POSTERN_CRYPTO_PIECE_H

#include <sys/uio.h>

#include "crypto/ike.h"
#include "secret/secret.h"

static inline struct iovec piece_plain(const void *p, size_t n)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
}

static inline struct iovec piece_secret(const struct secret *s)
{
	return piece_plain(secret_bytes(s), secret_len(s));
}

/* crypto_prf() whose value is a secret of the caller's; -ENOMEM: the arena is full. */
must_check int prf_secret(
    enum alg_prf id, struct iovec key, const struct iovec *piece, size_t n_pieces, struct secret **ret);

/* A pseudorandom function made of an integrity algorithm of AES (RFC 4434, RFC 4615): 16 octets. 0;
 * -EOPNOTSUPP, -ENOMEM, -EIO. */
must_check int prf_aes(enum alg_auth mac, const void *key, size_t key_len, const struct iovec *piece,
    size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX]);

#endif
