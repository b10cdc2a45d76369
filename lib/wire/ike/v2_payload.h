/*
 * The bodies of version 2's other payloads, each after its figure (RFC 7296 sections 3.4 to 3.12). Slices
 * point into the message. Each function takes the body behind the generic header and answers IKE_OK with
 * *ret, or the fault with *ret untouched. Nonces, vendor ids and EAP messages are their bodies.
 */
#ifndef POSTERN_WIRE_IKE_V2_PAYLOAD_H
#define POSTERN_WIRE_IKE_V2_PAYLOAD_H

#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v2.h"

enum { IKE2_NONCE_MIN = 16, IKE2_NONCE_MAX = 256, IKE2_COOKIE_MAX = 64, IKE2_KEY_HASH_LEN = 20 };

/* Section 3.4. */
struct ike2_ke {
	uint16_t group;
	const uint8_t *data;
	uint32_t len;
};
must_check enum ike_fault ike2_ke_parse(const struct ike_payload *p, struct ike2_ke *ret);
void ike2_put_ke(struct ike_out *o, uint16_t group, const void *data, size_t n);

/* Section 3.5. Addresses have their exact lengths afterwards, the null identity none; the others at least one
 * octet. */
struct ike2_ident {
	uint8_t type;
	const uint8_t *data;
	uint32_t len;
};
must_check enum ike_fault ike2_ident_parse(const struct ike_payload *p, struct ike2_ident *ret);
/* `payload`: IKE2_P_ID_I or IKE2_P_ID_R. */
void ike2_put_ident(struct ike_out *o, uint8_t payload, const struct ike2_ident *id);

/* Section 3.6. */
struct ike2_certificate {
	uint8_t encoding;
	const uint8_t *data; /* at least one octet */
	uint32_t len;
};
must_check enum ike_fault ike2_cert_parse(const struct ike_payload *p, struct ike2_certificate *ret);
void ike2_put_cert(struct ike_out *o, uint8_t encoding, const void *data, size_t n);

/* Section 3.7: of X.509 and raw keys a list of SHA-1 hashes of authorities' public keys, perhaps empty. */
struct ike2_request {
	uint8_t encoding;
	const uint8_t *data;
	uint32_t len;
};
must_check enum ike_fault ike2_request_parse(const struct ike_payload *p, struct ike2_request *ret);
void ike2_put_request(struct ike_out *o, uint8_t encoding, const void *hashes, size_t n);

/* Section 3.8; with IKE2_AUTH_SIGNATURE the data is split further (RFC 7427 section 3). */
struct ike2_authentication {
	uint8_t method;
	const uint8_t *alg; /* DER of an AlgorithmIdentifier; NULL with other methods (wire/ike/v2_sig.h) */
	uint8_t alg_len;
	const uint8_t *data; /* signature or integrity value, at least one octet */
	uint32_t len;
};
must_check enum ike_fault ike2_auth_parse(const struct ike_payload *p, struct ike2_authentication *ret);
void ike2_put_auth(struct ike_out *o, const struct ike2_authentication *a);

/* Section 3.10. The SPI is as long as it says: which type has one, of which length, is for who reads it. */
struct ike2_notification {
	uint8_t protocol, spi_len;
	uint16_t type;
	const uint8_t *spi, *data;
	uint32_t len; /* of the data */
};
must_check enum ike_fault ike2_notify_parse(const struct ike_payload *p, struct ike2_notification *ret);
void ike2_put_notify(struct ike_out *o, const struct ike2_notification *n);
/* One without protocol and SPI. */
void ike2_put_note(struct ike_out *o, uint16_t type, const void *data, size_t n);
/* The first notification of this type in a chain whose notifications are well-formed. */
bool ike2_notify_find(const struct ike_chain *c, uint16_t type, struct ike2_notification *ret);
/* The first error in it (types below 16384). */
bool ike2_notify_find_error(const struct ike_chain *c, struct ike2_notification *ret);

/* Section 3.11: the IKE SA itself (no SPIs), or n_spis of spi_len octets each. */
struct ike2_deletion {
	uint8_t protocol, spi_len;
	uint16_t n_spis;
	const uint8_t *spis;
};
must_check enum ike_fault ike2_delete_parse(const struct ike_payload *p, struct ike2_deletion *ret);
void ike2_put_delete(struct ike_out *o, const struct ike2_deletion *d);

/* Section 3.12. */
static inline bool ike2_nonce_ok(const struct ike_payload *p)
{
	return p->len >= IKE2_NONCE_MIN && p->len <= IKE2_NONCE_MAX;
}

#endif
