/*
 * What the attributes of a transform of version 1 say together: of phase 1 (RFC 2409 appendix A) and of phase
 * 2 (RFC 2407 section 4.5). Numbers stay those of the wire; which of them are acceptable is for who chooses.
 */
#ifndef POSTERN_WIRE_IKE_V1_TRANSFORM_H
#define POSTERN_WIRE_IKE_V1_TRANSFORM_H

#include "wire/ike/v1_sa.h"

/* Lifetimes; 0: not said. A transform may name both. */
struct ike1_lifetimes {
	uint64_t seconds, kilobytes;
};

/* 0 of anything: not said. */
struct ike1_phase1 {
	uint16_t cipher, hash, auth, group, key_bits;
	struct ike1_lifetimes life;
};

struct ike1_phase2 {
	uint8_t id; /* of the transform: the cipher of ESP, the algorithm of AH or IPComp */
	uint16_t encap, auth, group, key_bits;
	bool esn;
	struct ike1_lifetimes life;
};

/*
 * IKE_OK; IKE_BAD_VALUE: an attribute that cannot be of this kind, twice with different values, a lifetime
 * without its type or a type without its lifetime; such a transform is passed over, not its message.
 * *ret_unknown gets the first attribute that is not one of ours, 0 when all are: a transform that asks for
 * more than we understand must not be chosen (RFC 2408 section 4.2).
 */
must_check enum ike_fault ike1_phase1_decode(
    const struct ike1_transform *t, struct ike1_phase1 *ret, uint16_t *ret_unknown);
must_check enum ike_fault ike1_phase2_decode(
    const struct ike1_transform *t, struct ike1_phase2 *ret, uint16_t *ret_unknown);

/* Write what is said, lifetimes first, in the order in which racoon has it. */
void ike1_put_phase1(struct ike_out *o, const struct ike1_phase1 *p);
void ike1_put_phase2(struct ike_out *o, const struct ike1_phase2 *p);

#endif
