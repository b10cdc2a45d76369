/*
 * The AlgorithmIdentifiers of RFC 7427 (appendix A) and RFC 8420: which signature the octets in front of it
 * announce, and which octets announce it.
 */
#ifndef POSTERN_WIRE_IKE_V2_SIG_H
#define POSTERN_WIRE_IKE_V2_SIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "wire/ike/v2.h"

enum ike2_sig_kind {
	IKE2_SIG_NONE = 0,
	IKE2_SIG_RSA,     /* PKCS #1 v1.5 */
	IKE2_SIG_RSA_PSS, /* MGF1 with the same hash */
	IKE2_SIG_ECDSA,   /* the signature is DER */
	IKE2_SIG_ED25519,
	IKE2_SIG_ED448,
};

struct ike2_sig {
	enum ike2_sig_kind kind;
	uint8_t hash;      /* enum ike2_hash; IKE2_HASH_IDENTITY for the Edwards curves */
	uint16_t salt_len; /* of PSS, octets */
};

/* False: none of ours, or parameters that contradict each other. */
must_check bool ike2_sig_parse(const uint8_t *der, size_t n, struct ike2_sig *ret);
/* The octets for it; PSS with a salt as long as the hash's value. *ret_len; NULL: there is no such one.
 * Static. */
const uint8_t *ike2_sig_der(enum ike2_sig_kind kind, uint8_t hash, uint8_t *ret_len);

#endif
