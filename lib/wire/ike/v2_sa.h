/*
 * The SA payload of version 2: proposals with their SPIs and transforms (RFC 7296 section 3.3). Slices point
 * into the message.
 */
#ifndef POSTERN_WIRE_IKE_V2_SA_H
#define POSTERN_WIRE_IKE_V2_SA_H

#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v2.h"

enum {
	IKE2_PROPOSALS_MAX = 32,   /* a handful is what the most generous peers send */
	IKE2_TRANSFORMS_MAX = 255, /* of all proposals together; strongSwan's default has some forty */
	IKE2_SPI_MAX = 8,          /* of an IKE SA */
};

struct ike2_transform {
	uint8_t type; /* enum ike2_transform_type, or one that we do not know */
	uint16_t id;
	uint16_t key_bits; /* 0: not said */
	bool strange; /* has an attribute that is not the key length: must not be chosen (section 3.3.6) */
};

struct ike2_proposal {
	uint8_t number, protocol, spi_len, n_transforms;
	const uint8_t *spi;
	uint16_t first; /* of its transforms, in the SA's array */
};

struct ike2_sa {
	uint8_t n_proposals;
	uint16_t n_transforms;
	struct ike2_proposal proposal[IKE2_PROPOSALS_MAX];
	struct ike2_transform transform[IKE2_TRANSFORMS_MAX];
};

/* The body of an SA payload. Afterwards proposals are numbered from 1 upwards without gaps (a response's one
 * has any number), and SPIs are as long as the protocol wants: of IKE 8 octets or none, of AH and ESP 4.
 * Proposals of other protocols have what they say. */
must_check enum ike_fault ike2_sa_parse(const void *body, size_t n, struct ike2_sa *ret);

/* The n-th transform of this type in a proposal, from 0; NULL when there are not so many. */
const struct ike2_transform *ike2_sa_transform(
    const struct ike2_sa *sa, const struct ike2_proposal *p, uint8_t type, uint32_t n);

/*
 * Writes an SA: ike_out_payload(IKE2_P_SA), then each proposal with its transforms in the order in which they
 * stand. `last`: no proposal follows.
 */
struct ike2_offer {
	uint8_t number, protocol, spi_len, n_transforms;
	const uint8_t *spi;
	const struct ike2_transform *transform;
};
void ike2_put_proposal(struct ike_out *o, bool last, const struct ike2_offer *p);

#endif
