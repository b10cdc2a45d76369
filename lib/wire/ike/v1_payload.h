/*
 * The bodies of version 1's other payloads, each after its figure. Slices point into the message. Each
 * function takes the body behind the generic header and answers IKE_OK with *ret, or the fault with *ret
 * untouched.
 */
#ifndef POSTERN_WIRE_IKE_V1_PAYLOAD_H
#define POSTERN_WIRE_IKE_V1_PAYLOAD_H

#include "inet/addr.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v1.h"

enum { IKE1_NONCE_MIN = 8, IKE1_NONCE_MAX = 256 };

/* RFC 2408 section 3.8, as the IPsec DOI fills it in (RFC 2407 section 4.6.2). */
struct ike1_ident {
	uint8_t type, proto;
	uint16_t port;
	const uint8_t *data;
	uint32_t len;
};
/* Addresses, subnets and ranges have their exact lengths afterwards; the others at least one octet. */
must_check enum ike_fault ike1_ident_parse(const struct ike_payload *p, struct ike1_ident *ret);
void ike1_put_ident(struct ike_out *o, const struct ike1_ident *id);
/* An address, subnet or range as its first and last address; a mask must be one of leading ones. */
must_check enum ike_fault ike1_ident_range(
    const struct ike1_ident *id, struct inet_addr *ret_first, struct inet_addr *ret_last);

/* Certificates and requests for them (RFC 2408 sections 3.9 and 3.10). The data may be empty in a request
 * alone. */
struct ike1_certificate {
	uint8_t encoding;
	const uint8_t *data;
	uint32_t len;
};
must_check enum ike_fault ike1_cert_parse(const struct ike_payload *p, struct ike1_certificate *ret);
void ike1_put_cert(struct ike_out *o, uint8_t payload, uint8_t encoding, const void *data, size_t n);

/* RFC 2408 section 3.14. */
struct ike1_notification {
	uint32_t doi;
	uint8_t protocol, spi_len;
	uint16_t type;
	const uint8_t *spi, *data;
	uint32_t len; /* of the data */
};
must_check enum ike_fault ike1_notify_parse(const struct ike_payload *p, struct ike1_notification *ret);
void ike1_put_notify(struct ike_out *o, const struct ike1_notification *n);

/* RFC 2408 section 3.15: n_spis of spi_len octets each. */
struct ike1_deletion {
	uint32_t doi;
	uint8_t protocol, spi_len;
	uint16_t n_spis;
	const uint8_t *spis;
};
must_check enum ike_fault ike1_delete_parse(const struct ike_payload *p, struct ike1_deletion *ret);
void ike1_put_delete(struct ike_out *o, const struct ike1_deletion *d);

/* RFC 3947 section 5.2: an original address. */
must_check enum ike_fault ike1_nat_oa_parse(const struct ike_payload *p, struct inet_addr *ret);
void ike1_put_nat_oa(struct ike_out *o, uint8_t payload, const struct inet_addr *a);

/* Mode config (draft-ietf-ipsec-isakmp-mode-cfg section 3.2): the attributes are read by ike1_attr_next() and
 * are well-formed. */
struct ike1_config {
	uint8_t type; /* request 1, reply 2, set 3, ack 4 */
	uint16_t id;
	const uint8_t *attrs;
	uint32_t len;
};
must_check enum ike_fault ike1_config_parse(const struct ike_payload *p, struct ike1_config *ret);

/* A fragment of a message (Cisco's and Microsoft's form). */
struct ike1_fragment {
	uint16_t id;
	uint8_t number; /* from 1 */
	bool last;
	const uint8_t *data;
	uint32_t len;
};
must_check enum ike_fault ike1_fragment_parse(const struct ike_payload *p, struct ike1_fragment *ret);
void ike1_put_fragment(struct ike_out *o, const struct ike1_fragment *f);

/* Whether a nonce has a length that RFC 2409 section 5 allows. */
static inline bool ike1_nonce_ok(const struct ike_payload *p)
{
	return p->len >= IKE1_NONCE_MIN && p->len <= IKE1_NONCE_MAX;
}

#endif
