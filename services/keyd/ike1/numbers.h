/*
 * Between our names for algorithms and version 1's numbers for them (RFC 2409 appendix A, RFC 2407 section
 * 4.4).
 */
#ifndef POSTERN_KEYD_IKE1_NUMBERS_H
#define POSTERN_KEYD_IKE1_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipsec/ike_conf.h"
#include "ipsec/sa.h"
#include "keyd/ike1/choose.h"

/* A phase 1 offer in version 1's numbers, as `began` (the initiator's method numbers differ for XAuth).
 * False: version 1 has no number for it. */
bool ike1_from_offer(const struct ike_offer *o, bool began, struct ike1_own1 *ret);

/* ESP's transform, and the authentication attribute of ESP and AH; 0: there is none. */
uint8_t ike1_esp_transform(enum alg_enc enc);
uint16_t ike1_auth_attr(enum alg_auth auth);
uint8_t ike1_ah_transform(enum alg_auth auth);
/* The other way round; NONE: not one of ours. */
enum alg_enc ike1_enc_of(uint8_t transform);
enum alg_auth ike1_auth_of(uint16_t attr);

/* A protocol as proposals, deletions and notifications name it; the other way round NONE: it is none of ours.
 */
uint8_t ike1_wire_proto(enum ipsec_proto p);
enum ipsec_proto ike1_proto_of(uint8_t wire);

/* Bits that are named on the wire for this cipher: 0 when it has one length. `conf_bits` 0: 128. */
uint16_t ike1_wire_bits(enum alg_enc enc, uint16_t conf_bits);
/* Octets of key material an SA takes: for the cipher with its salt, and for integrity. */
size_t ike1_enc_key_len(enum alg_enc enc, uint16_t wire_bits);
size_t ike1_auth_key_len(enum alg_auth auth);

#endif
