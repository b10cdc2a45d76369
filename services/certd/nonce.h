/*
 * Our nonces: fresh, and such that a process knows its own when it sees one. See nonce.c for
 * what that is good for.
 */
#ifndef POSTERN_CERTD_NONCE_H
#define POSTERN_CERTD_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/rng.h"

enum {
	NONCE_LEN = 32,
	NONCE_KEY_LEN = 32,
	NONCE_KNOWN = 20 /* octets of a nonce's beginning that say whose it is; by chance one in 2^32 */
};

/* Of this process; nobody else needs it, and it is gone with it. */
struct nonce_key {
	uint8_t octets[NONCE_KEY_LEN];
};

/* 0 or -EIO. */
must_check int nonce_make(
    const struct nonce_key *key, struct rng *rng, bool we_began, uint8_t ret[NONCE_LEN]);
/* Whether a peer's nonce begins with one of ours. Its octets are public: time tells nothing. */
must_check bool nonce_begins_with_ours(const struct nonce_key *key, const uint8_t *p, size_t n);
/* Whether it begins with one of ours, or one of ours with it, as far as NONCE_KNOWN octets tell: what version
 * 2 wants to know (proof2.c). */
must_check bool nonce_meets_ours(const struct nonce_key *key, const uint8_t *p, size_t n);

#endif
