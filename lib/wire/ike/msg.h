/*
 * What both versions of IKE have in common on the wire: the header (RFC 2408 section 3.1, RFC 7296 section
 * 3.1) and the chain of payloads behind it. Slices point into the message.
 */
#ifndef POSTERN_WIRE_IKE_MSG_H
#define POSTERN_WIRE_IKE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/rd.h"

enum {
	IKE_HDR_LEN = 28,
	IKE_COOKIE_LEN = 8, /* cookies of version 1, SPIs of version 2 */
	IKE_PAYLOAD_HDR_LEN = 4,
	IKE_PAYLOADS_MAX = 64, /* a chain of 10 certificates, each with a request, and all else is below it */
};

/* What was wrong with octets from outside. */
enum ike_fault {
	IKE_OK = 0,
	IKE_SHORT,   /* ends inside of something that says it is longer */
	IKE_BAD_LEN, /* a length that its own header contradicts, or that leaves a rest nobody accounts for */
	IKE_BAD_CHAIN, /* a next payload or a number of parts that is not what follows */
	IKE_BAD_VALUE, /* a field that may not have this value */
	IKE_TOO_MANY,  /* more parts than any peer needs */
};

/* "ends too early": for logs and tests; "" for IKE_OK. */
const char *ike_fault_text(enum ike_fault f);

struct ike_hdr {
	uint8_t icookie[IKE_COOKIE_LEN], rcookie[IKE_COOKIE_LEN];
	uint8_t next; /* type of the first payload */
	uint8_t major, minor, exchange, flags;
	uint32_t msg_id;
	uint32_t length; /* of the whole message, header included */
};

/* The header of a datagram of n octets (without RFC 3948's marker). Its length must be exactly n. */
must_check enum ike_fault ike_hdr_parse(const void *datagram, size_t n, struct ike_hdr *ret);

struct ike_payload {
	uint8_t type, next;
	bool critical;       /* version 2 only (RFC 7296 section 3.2); a reserved bit in version 1 */
	const uint8_t *body; /* behind the generic header */
	uint32_t len;        /* of the body */
};

/* The next payload of a chain; its type was said in front of it. */
must_check enum ike_fault ike_payload_read(struct rd *r, uint8_t type, struct ike_payload *ret);

struct ike_chain {
	uint32_t n;
	struct ike_payload p[IKE_PAYLOADS_MAX];
	uint32_t used; /* octets of the chain; what follows is padding */
};

/* The payloads in `body` (n octets behind the header, deciphered), the first of type `first`. `padded`:
 * octets may be left over behind the last one, as in an encrypted message of version 1 (RFC 2409 appendix B).
 */
must_check enum ike_fault ike_chain_parse(
    uint8_t first, const void *body, size_t n, bool padded, struct ike_chain *ret);

/* The n-th payload of a type, from 0; NULL when there are not so many. */
const struct ike_payload *ike_chain_find(const struct ike_chain *c, uint8_t type, uint32_t n);
uint32_t ike_chain_count(const struct ike_chain *c, uint8_t type);

#endif
