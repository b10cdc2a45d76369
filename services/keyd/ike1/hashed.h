/*
 * Messages under an established ISAKMP SA: a hash in front of everything else, and all of it enciphered (RFC
 * 2409 sections 5.5 and 5.7).
 */
#ifndef POSTERN_KEYD_IKE1_HASHED_H
#define POSTERN_KEYD_IKE1_HASHED_H

#include "keyd/ike1/isakmp.h"

/* What the hash covers besides the message id. */
struct hashed {
	bool zero;                        /* a zero in front: HASH(3) */
	struct ike1_octets first, second; /* nonces; empty ones do not count */
	bool rest;                        /* all payloads behind the hash */
};

/* Begins a message in core->out, the hash's place kept free. */
void hashed_begin(struct isakmp *sa, struct ike_out *o, uint8_t exchange, uint8_t flags, uint32_t msg_id);
/* Fills in the hash and enciphers; `iv` becomes the next message's. Octets of the message, 0: it cannot be
 * made. */
size_t hashed_end(struct isakmp *sa, struct ike_out *o, const struct hashed *h, uint32_t msg_id, uint8_t *iv);

/* A received one: deciphers into core->in, and takes apart. 0; -EBADMSG: nobody with our keys wrote this,
 * with a sentence in *ret_why. The hash is not looked at yet. */
must_check int hashed_open(struct isakmp *sa, const uint8_t *iv, const struct ike_hdr *hdr, const uint8_t *d,
    struct ike_chain *ret, uint8_t *ret_iv, const char **ret_why);
must_check bool hashed_ok(
    struct isakmp *sa, const struct ike_chain *c, const struct hashed *h, uint32_t msg_id);

/* A message id that is not zero. */
uint32_t hashed_new_id(struct core *c);

#endif
