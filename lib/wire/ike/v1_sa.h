/*
 * The SA payload of version 1: proposals, their transforms, and the attributes of these (RFC 2408
 * sections 3.3 to 3.6). Slices point into the message.
 */
#ifndef POSTERN_WIRE_IKE_V1_SA_H
#define POSTERN_WIRE_IKE_V1_SA_H

#include "base/rd.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v1.h"

enum {
	IKE1_PROPOSALS_MAX = 32,   /* a dozen is what the most generous peers send */
	IKE1_TRANSFORMS_MAX = 256, /* of all proposals together: racoon multiplies its lists out */
	IKE1_SPI_MAX = 16,         /* two cookies */
};

struct ike1_attr {
	uint16_t type;
	bool basic; /* two octets in place of a length */
	bool small; /* at most eight octets: then `number` is what they say */
	uint64_t number;
	const uint8_t *p; /* NULL when basic */
	uint16_t len;
};

struct ike1_transform {
	uint8_t number, id;
	const uint8_t *attrs; /* well-formed */
	uint16_t attrs_len;
};

struct ike1_proposal {
	uint8_t number, protocol, spi_len, n_transforms;
	const uint8_t *spi;
	uint16_t first; /* of its transforms, in the SA's array */
};

struct ike1_sa {
	uint32_t doi, situation;
	uint8_t n_proposals;
	uint16_t n_transforms;
	struct ike1_proposal proposal[IKE1_PROPOSALS_MAX];
	struct ike1_transform transform[IKE1_TRANSFORMS_MAX];
};

/* The body of an SA payload. Proposals with equal numbers belong together (RFC 2408 section 4.2); that their
 * order makes sense is for who chooses among them. */
must_check enum ike_fault ike1_sa_parse(const void *body, size_t n, struct ike1_sa *ret);

/* The next attribute; false at the end. For the slice of a parsed transform; of anything else rd_ok() has to
 * be asked at the end. */
bool ike1_attr_next(struct rd *r, struct ike1_attr *ret);
static inline struct rd ike1_attrs(const struct ike1_transform *t)
{
	return rd_init(t->attrs, t->attrs_len);
}

/* Writes an attribute: short where the number fits into two octets. */
void ike1_put_attr(struct ike_out *o, uint16_t type, uint32_t number);
/* One of any octets; n is at most 65535. */
void ike1_put_attr_octets(struct ike_out *o, uint16_t type, const void *p, size_t n);

/*
 * Writes an SA: ike1_put_sa(), then for each proposal ike1_put_proposal(), its transforms, and
 * ike1_end_proposal(). `last`: none of its kind follows.
 */
struct ike1_open_part {
	uint8_t *at;
};
void ike1_put_sa(struct ike_out *o);
struct ike1_open_part ike1_put_proposal(struct ike_out *o, bool last, uint8_t number, uint8_t protocol,
    const uint8_t *spi, uint8_t spi_len, uint8_t n_transforms);
/* The attributes follow, then ike1_end_part(). */
struct ike1_open_part ike1_put_transform(struct ike_out *o, bool last, uint8_t number, uint8_t id);
void ike1_end_part(struct ike_out *o, struct ike1_open_part p);

#endif
