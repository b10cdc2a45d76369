/*
 * All of it is looked at while it is parsed, so that who chooses among proposals afterwards meets no octet
 * that was not there. A transform with an attribute that we do not know is kept, and marked: the proposal may
 * be taken without it (section 3.3.6).
 */
#include "wire/ike/v2_sa.h"

enum {
	ATTR_BASIC = 0x8000,
	MORE_PROPOSALS = 2, /* section 3.3.1: left from version 1, where it was the payload's type */
	MORE_TRANSFORMS = 3,
	SPI_ESP = 4,
};

static enum ike_fault parse_attributes(struct rd *r, struct ike2_transform *t)
{
	while (rd_left(r)) {
		uint16_t type = rd_u16(r), value = rd_u16(r);

		if (!(type & ATTR_BASIC))
			rd_skip(r, value); /* it is a length */
		if (!rd_ok(r))
			return IKE_SHORT;
		if (type != (ATTR_BASIC | IKE2_ATTR_KEY_BITS) || t->key_bits || !value)
			t->strange = true;
		else
			t->key_bits = value;
	}
	return IKE_OK;
}

static enum ike_fault parse_transform(struct rd r, struct ike2_transform *ret)
{
	struct ike2_transform t = {.type = rd_u8(&r)};
	enum ike_fault f;

	rd_skip(&r, 1);
	t.id = rd_u16(&r);
	if (!rd_ok(&r))
		return IKE_SHORT;
	f = parse_attributes(&r, &t);
	if (f == IKE_OK)
		*ret = t;
	return f;
}

/* One part of a list whose members have a generic header: the octets behind it. `more`: it says that another
 * one follows. */
static enum ike_fault next_part(struct rd *r, uint8_t more_mark, struct rd *ret, bool *more)
{
	uint8_t mark = rd_u8(r);
	uint16_t len;

	rd_skip(r, 1);
	len = rd_u16(r);
	if (!rd_ok(r))
		return IKE_SHORT;
	if (len < IKE_PAYLOAD_HDR_LEN)
		return IKE_BAD_LEN;
	*ret = rd_sub_incl(r, len, IKE_PAYLOAD_HDR_LEN);
	if (!rd_ok(r))
		return IKE_SHORT;
	*more = mark == more_mark;
	return mark == more_mark || mark == 0 ? IKE_OK : IKE_BAD_CHAIN;
}

static enum ike_fault parse_transforms(struct rd r, struct ike2_proposal *p, struct ike2_sa *sa)
{
	bool more = p->n_transforms > 0;
	uint8_t n = 0;

	p->first = sa->n_transforms;
	while (more) {
		enum ike_fault f;
		struct rd part;

		if (sa->n_transforms == IKE2_TRANSFORMS_MAX)
			return IKE_TOO_MANY;
		f = next_part(&r, MORE_TRANSFORMS, &part, &more);
		if (f == IKE_OK)
			f = parse_transform(part, &sa->transform[sa->n_transforms]);
		if (f != IKE_OK)
			return f;
		sa->n_transforms++;
		if (n++ == p->n_transforms)
			return IKE_BAD_CHAIN;
	}
	if (n != p->n_transforms)
		return IKE_BAD_CHAIN;
	return rd_done(&r) ? IKE_OK : IKE_BAD_LEN;
}

static bool spi_len_ok(const struct ike2_proposal *p)
{
	switch (p->protocol) {
	case IKE2_PROTO_IKE:
		return p->spi_len == 0 || p->spi_len == IKE2_SPI_MAX;
	case IKE2_PROTO_AH:
	case IKE2_PROTO_ESP:
		return p->spi_len == SPI_ESP;
	default:
		return true;
	}
}

static enum ike_fault parse_proposal(struct rd r, struct ike2_sa *sa)
{
	struct ike2_proposal *p = &sa->proposal[sa->n_proposals];

	p->number = rd_u8(&r);
	p->protocol = rd_u8(&r);
	p->spi_len = rd_u8(&r);
	p->n_transforms = rd_u8(&r);
	p->spi = rd_bytes(&r, p->spi_len);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (!spi_len_ok(p))
		return IKE_BAD_VALUE;
	return parse_transforms(r, p, sa);
}

/* "the first proposal in an SA payload MUST be 1", the others one more each; a single one may be an answer.
 */
static bool numbers_ok(const struct ike2_sa *sa)
{
	for (uint8_t i = 0; sa->n_proposals > 1 && i < sa->n_proposals; i++)
		if (sa->proposal[i].number != i + 1)
			return false;
	return sa->proposal[0].number != 0;
}

enum ike_fault ike2_sa_parse(const void *body, size_t n, struct ike2_sa *ret)
{
	struct rd r = rd_init(body, n);
	bool more = true;

	ret->n_proposals = 0;
	ret->n_transforms = 0;
	while (more) {
		enum ike_fault f;
		struct rd part;

		if (ret->n_proposals == IKE2_PROPOSALS_MAX)
			return IKE_TOO_MANY;
		f = next_part(&r, MORE_PROPOSALS, &part, &more);
		if (f == IKE_OK)
			f = parse_proposal(part, ret);
		if (f != IKE_OK)
			return f;
		ret->n_proposals++;
	}
	if (!rd_done(&r))
		return IKE_BAD_LEN;
	return numbers_ok(ret) ? IKE_OK : IKE_BAD_VALUE;
}

const struct ike2_transform *ike2_sa_transform(
    const struct ike2_sa *sa, const struct ike2_proposal *p, uint8_t type, uint32_t n)
{
	for (uint8_t i = 0; i < p->n_transforms; i++) {
		const struct ike2_transform *t = &sa->transform[p->first + i];

		if (t->type == type && n-- == 0)
			return t;
	}
	return NULL;
}

static void put_transform(struct ike_out *o, bool last, const struct ike2_transform *t)
{
	uint8_t *part = ike_out_part(o, last ? 0 : MORE_TRANSFORMS);

	wr_u8(&o->w, t->type);
	wr_u8(&o->w, 0);
	wr_u16(&o->w, t->id);
	if (t->key_bits) {
		wr_u16(&o->w, ATTR_BASIC | IKE2_ATTR_KEY_BITS);
		wr_u16(&o->w, t->key_bits);
	}
	ike_out_part_end(o, part);
}

void ike2_put_proposal(struct ike_out *o, bool last, const struct ike2_offer *p)
{
	uint8_t *part = ike_out_part(o, last ? 0 : MORE_PROPOSALS);

	wr_u8(&o->w, p->number);
	wr_u8(&o->w, p->protocol);
	wr_u8(&o->w, p->spi_len);
	wr_u8(&o->w, p->n_transforms);
	wr_bytes(&o->w, p->spi, p->spi_len);
	for (uint8_t i = 0; i < p->n_transforms; i++)
		put_transform(o, i + 1 == p->n_transforms, &p->transform[i]);
	ike_out_part_end(o, part);
}
