/*
 * Messages of IKE version 2 enciphered and authenticated (RFC 7296 section 3.14, RFC 5282, RFC 7634 section
 * 2): the work on what lib/wire/ike/v2_sk.h has laid out. Nothing is kept keyed.
 */
#ifndef POSTERN_CRYPTO_IKE2_SEAL_H
#define POSTERN_CRYPTO_IKE2_SEAL_H

#include "base/rng.h"
#include "crypto/ike2.h"

/* One message, in place: associated data, IV, data and ICV follow each other. */
struct ike2_text {
	const uint8_t *aad; /* from the message's first octet to the IV */
	uint8_t *iv, *data, *icv;
	size_t aad_len, len; /* len: of the data, padding included; a whole number of blocks, at least 1 */
};

/* What one direction's messages are protected with; borrows the keys. */
struct ike2_guard {
	struct ike2_suite suite;
	const struct secret *e, *a; /* a NULL with a combined mode */
};
/* That of what the IKE SA's initiator sends, or its responder. */
struct ike2_guard ike2_guard(const struct ike2_keys *k, bool initiator);

/*
 * Fills IV and ICV. The IV of a counter mode is *counter, which is raised: it must never come twice under a
 * key, so the SA keeps one for each direction it sends in, from 0, and a message that is sent again is sent
 * as it was. That of a block cipher is random (`rng`). 0; -EINVAL: lengths that do not fit; -ERANGE: the
 * counter is used up; -EOPNOTSUPP; -ENOMEM; -EIO: nothing may be sent.
 */
must_check int ike2_seal(
    const struct ike2_guard *g, uint64_t *counter, struct rng *rng, const struct ike2_text *t);

/* Checks the ICV, in constant time and before anything is deciphered, then deciphers. 0; -EBADMSG: not what
 * the peer sent, with data as it was or wiped; -EINVAL, -EOPNOTSUPP, -ENOMEM, -EIO as above. */
must_check int ike2_open(const struct ike2_guard *g, const struct ike2_text *t);

#endif
