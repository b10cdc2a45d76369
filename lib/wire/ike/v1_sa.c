/*
 * Everything is looked at while it is parsed, attributes too, so that who chooses a transform afterwards
 * meets no octet that was not there. Limits bound the work of a message that claims to have thousands of
 * transforms.
 */
#include "wire/ike/v1_sa.h"

enum { ATTR_BASIC = 0x8000, SMALL_MAX = 8 };

bool ike1_attr_next(struct rd *r, struct ike1_attr *ret)
{
	struct ike1_attr a = {0};
	uint16_t type;

	if (rd_left(r) == 0)
		return false;
	type = rd_u16(r);
	a.type = type & (uint16_t)~ATTR_BASIC;
	a.basic = a.small = type & ATTR_BASIC;
	if (a.basic) {
		a.number = rd_u16(r);
	} else {
		a.len = rd_u16(r);
		a.p = rd_bytes(r, a.len);
		a.small = a.len <= SMALL_MAX;
		for (uint16_t i = 0; a.p && a.small && i < a.len; i++)
			a.number = a.number << 8 | a.p[i];
	}
	if (!rd_ok(r))
		return false;
	*ret = a;
	return true;
}

static enum ike_fault parse_transform(struct rd r, struct ike1_transform *ret)
{
	struct ike1_attr a;
	struct rd attrs;

	ret->number = rd_u8(&r);
	ret->id = rd_u8(&r);
	rd_skip(&r, 2);
	if (!rd_ok(&r))
		return IKE_SHORT;
	ret->attrs = r.p;
	ret->attrs_len = (uint16_t)rd_left(&r);
	attrs = ike1_attrs(ret);
	while (ike1_attr_next(&attrs, &a)) {
	}
	return rd_ok(&attrs) ? IKE_OK : IKE_SHORT;
}

/* One part of a list whose members have a generic header: the octets behind it. `more`: another one follows.
 */
static enum ike_fault next_part(struct rd *r, uint8_t type, struct rd *ret, bool *more)
{
	uint8_t next = rd_u8(r);
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
	*more = next == type;
	return next == type || next == IKE1_P_NONE ? IKE_OK : IKE_BAD_CHAIN;
}

static enum ike_fault parse_transforms(struct rd r, struct ike1_proposal *p, struct ike1_sa *sa)
{
	bool more = p->n_transforms > 0;
	uint8_t n = 0;

	p->first = sa->n_transforms;
	while (more) {
		enum ike_fault f;
		struct rd part;

		if (sa->n_transforms == IKE1_TRANSFORMS_MAX)
			return IKE_TOO_MANY;
		f = next_part(&r, IKE1_P_TRANSFORM, &part, &more);
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

static enum ike_fault parse_proposal(struct rd r, struct ike1_sa *sa)
{
	struct ike1_proposal *p = &sa->proposal[sa->n_proposals];

	p->number = rd_u8(&r);
	p->protocol = rd_u8(&r);
	p->spi_len = rd_u8(&r);
	p->n_transforms = rd_u8(&r);
	p->spi = rd_bytes(&r, p->spi_len);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (p->spi_len > IKE1_SPI_MAX || !p->n_transforms)
		return IKE_BAD_VALUE;
	return parse_transforms(r, p, sa);
}

enum ike_fault ike1_sa_parse(const void *body, size_t n, struct ike1_sa *ret)
{
	struct rd r = rd_init(body, n);
	bool more = true;

	ret->n_proposals = 0;
	ret->n_transforms = 0;
	ret->doi = rd_u32(&r);
	ret->situation = rd_u32(&r);
	if (!rd_ok(&r))
		return IKE_SHORT;
	/* Of another situation the labels would follow here (RFC 2407 section 4.6.1). */
	if (ret->doi != IKE1_DOI_IPSEC || ret->situation != IKE1_SIT_IDENTITY_ONLY)
		return IKE_BAD_VALUE;
	while (more) {
		enum ike_fault f;
		struct rd part;

		if (ret->n_proposals == IKE1_PROPOSALS_MAX)
			return IKE_TOO_MANY;
		f = next_part(&r, IKE1_P_PROPOSAL, &part, &more);
		if (f == IKE_OK)
			f = parse_proposal(part, ret);
		if (f != IKE_OK)
			return f;
		ret->n_proposals++;
	}
	return rd_done(&r) ? IKE_OK : IKE_BAD_LEN;
}

void ike1_put_attr(struct ike_out *o, uint16_t type, uint32_t number)
{
	if (number <= UINT16_MAX) {
		wr_u16(&o->w, type | ATTR_BASIC);
		wr_u16(&o->w, (uint16_t)number);
	} else {
		wr_u16(&o->w, type);
		wr_u16(&o->w, sizeof(number));
		wr_u32(&o->w, number);
	}
}

void ike1_put_attr_octets(struct ike_out *o, uint16_t type, const void *p, size_t n)
{
	if (n > UINT16_MAX)
		o->w.bad = true;
	wr_u16(&o->w, type);
	wr_u16(&o->w, (uint16_t)n);
	wr_bytes(&o->w, p, n);
}

void ike1_put_sa(struct ike_out *o)
{
	ike_out_payload(o, IKE1_P_SA);
	wr_u32(&o->w, IKE1_DOI_IPSEC);
	wr_u32(&o->w, IKE1_SIT_IDENTITY_ONLY);
}

struct ike1_open_part ike1_put_proposal(struct ike_out *o, bool last, uint8_t number, uint8_t protocol,
    const uint8_t *spi, uint8_t spi_len, uint8_t n_transforms)
{
	struct ike1_open_part p = {ike_out_part(o, last ? IKE1_P_NONE : IKE1_P_PROPOSAL)};

	wr_u8(&o->w, number);
	wr_u8(&o->w, protocol);
	wr_u8(&o->w, spi_len);
	wr_u8(&o->w, n_transforms);
	wr_bytes(&o->w, spi, spi_len);
	return p;
}

struct ike1_open_part ike1_put_transform(struct ike_out *o, bool last, uint8_t number, uint8_t id)
{
	struct ike1_open_part p = {ike_out_part(o, last ? IKE1_P_NONE : IKE1_P_TRANSFORM)};

	wr_u8(&o->w, number);
	wr_u8(&o->w, id);
	wr_u16(&o->w, 0);
	return p;
}

void ike1_end_part(struct ike_out *o, struct ike1_open_part p)
{
	ike_out_part_end(o, p.at);
}
