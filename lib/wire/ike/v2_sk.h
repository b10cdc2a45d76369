/*
 * Where the parts of an encrypted message lie (RFC 7296 section 3.14, RFC 5282 section 3, RFC 7383 section
 * 2.5). Keys and ciphers are lib/crypto's (crypto/ike2.h); what is computed here are places and lengths.
 *
 *     header | payloads in front | generic header | number, total (SKF) | IV | data | ICV
 *     \_______________ associated data __________________________________/
 *
 * Data is what is enciphered: inner payloads, padding, and one octet with the padding's length.
 */
#ifndef POSTERN_WIRE_IKE_V2_SK_H
#define POSTERN_WIRE_IKE_V2_SK_H

#include "ipsec/alg.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v2.h"

/* Octets; block: data is a multiple of it. */
struct ike2_sk_sizes {
	uint8_t iv, block, icv;
};
struct ike2_sk_sizes ike2_sk_sizes(enum alg_enc enc, enum alg_auth auth);

struct ike2_sk {
	uint8_t type;           /* IKE2_P_SK or IKE2_P_SKF */
	uint8_t first;          /* type of the first inner payload; of a fragment only in number 1 */
	uint16_t number, total; /* of a fragment, from 1; 0 otherwise */
	uint8_t *aad, *iv, *data, *icv;
	uint32_t aad_len, len; /* len: of the data, padding and its length included */
};

/* The payloads of a message (its header is `h`, parsed from it) outside of an Encrypted payload, which ends
 * the chain: its next payload field names what is inside (section 3.14). */
must_check enum ike_fault ike2_chain_parse(
    const struct ike_hdr *h, const void *msg, size_t n, struct ike_chain *ret);

/* The Encrypted payload of a message of n octets whose chain was parsed. IKE_BAD_CHAIN: there is none;
 * IKE_BAD_LEN: it cannot be of these sizes; IKE_BAD_VALUE: numbers of fragments that cannot
 * be (RFC 7383 section 2.6). Nothing of `data` means anything before the ICV was found right. */
must_check enum ike_fault ike2_sk_find(
    uint8_t *msg, size_t n, const struct ike_chain *c, struct ike2_sk_sizes s, struct ike2_sk *ret);

/* Octets of the deciphered data that are payloads; IKE_BAD_LEN when the padding is longer than it. */
must_check enum ike_fault ike2_sk_inner(const struct ike2_sk *sk, uint32_t *ret_len);

/* Writes the Encrypted payload around n octets of inner payloads (the first of type `first`, perhaps none),
 * as the last of a message, and ends this. number 0: SK; else fragment `number` of `total`. ret: where the
 * parts lie, IV and ICV still to be filled and data to be enciphered in place. Octets of the message, 0 when
 * there was no room. */
struct ike2_sk_part {
	uint8_t first;
	uint16_t number, total;
	const void *inner;
	size_t len;
};
must_check size_t ike2_put_sk(
    struct ike_out *o, struct ike2_sk_sizes s, const struct ike2_sk_part *p, struct ike2_sk *ret);

/* The most inner octets that a message of `room` octets with nothing else in it can carry; 0: none. */
size_t ike2_sk_fits(struct ike2_sk_sizes s, size_t room, bool fragment);

#endif
