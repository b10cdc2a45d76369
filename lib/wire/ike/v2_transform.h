/*
 * Between the numbers of version 2's transforms and our algorithms (lib/ipsec/alg.h): ciphers with their key
 * length, integrity. Pseudorandom functions and groups have IANA's numbers in here, too.
 */
#ifndef POSTERN_WIRE_IKE_V2_TRANSFORM_H
#define POSTERN_WIRE_IKE_V2_TRANSFORM_H

#include "ipsec/alg.h"
#include "wire/ike/v2_sa.h"

/* The cipher of an ENCR transform, and the octets of its key, salt included. False: none of ours; a key
 * length it has not, or has to be told and was not, or must not be told and was (section 3.3.5). */
must_check bool ike2_cipher_of(const struct ike2_transform *t, enum alg_enc *ret, size_t *ret_key_len);
/* The integrity of an INTEG transform; ALG_AUTH_NONE for NONE. `ret_key_len`: octets of its key. */
must_check bool ike2_integ_of(const struct ike2_transform *t, enum alg_auth *ret, size_t *ret_key_len);

/* The other way round; false: the algorithm has no number in version 2. key_len: salt included. */
must_check bool ike2_transform_of_cipher(enum alg_enc id, size_t key_len, struct ike2_transform *ret);
must_check bool ike2_transform_of_integ(enum alg_auth id, size_t key_len, struct ike2_transform *ret);

#endif
