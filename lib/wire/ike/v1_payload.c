/*
 * Nothing here decides what a value means; it says that the octets are there and that lengths agree. What is
 * unknown but well-formed passes, since a peer may say more than we need.
 */
#include "wire/ike/v1_payload.h"

#include "wire/ike/v1_sa.h"

enum { V4_LEN = 4, V6_LEN = 16, FRAGMENT_LAST = 1 };

/* Octets an identity of this type must have; 0: as many as it likes, but some. */
static uint32_t exact_len(uint8_t type)
{
	switch (type) {
	case IKE1_ID_IPV4:
		return V4_LEN;
	case IKE1_ID_IPV4_SUBNET:
	case IKE1_ID_IPV4_RANGE:
		return 2 * V4_LEN;
	case IKE1_ID_IPV6:
		return V6_LEN;
	case IKE1_ID_IPV6_SUBNET:
	case IKE1_ID_IPV6_RANGE:
		return 2 * V6_LEN;
	default:
		return 0;
	}
}

static struct rd body_of(const struct ike_payload *p)
{
	return rd_init(p->body, p->len);
}

enum ike_fault ike1_ident_parse(const struct ike_payload *p, struct ike1_ident *ret)
{
	struct rd r = body_of(p);
	struct ike1_ident id;
	uint32_t want;

	id.type = rd_u8(&r);
	id.proto = rd_u8(&r);
	id.port = rd_u16(&r);
	if (!rd_ok(&r))
		return IKE_SHORT;
	id.data = r.p;
	id.len = (uint32_t)rd_left(&r);
	want = exact_len(id.type);
	if (want ? id.len != want : id.len == 0)
		return IKE_BAD_LEN;
	*ret = id;
	return IKE_OK;
}

void ike1_put_ident(struct ike_out *o, const struct ike1_ident *id)
{
	ike_out_payload(o, IKE1_P_ID);
	wr_u8(&o->w, id->type);
	wr_u8(&o->w, id->proto);
	wr_u16(&o->w, id->port);
	wr_bytes(&o->w, id->data, id->len);
}

/* Leading ones and then zeros. */
static bool is_mask(const uint8_t *m, size_t n)
{
	bool ended = false;

	for (size_t i = 0; i < n * 8; i++) {
		bool one = m[i / 8] >> (7 - i % 8) & 1;

		if (one && ended)
			return false;
		ended |= !one;
	}
	return true;
}

enum ike_fault ike1_ident_range(
    const struct ike1_ident *id, struct inet_addr *ret_first, struct inet_addr *ret_last)
{
	uint8_t first[V6_LEN], last[V6_LEN];
	bool pair = id->type != IKE1_ID_IPV4 && id->type != IKE1_ID_IPV6;
	size_t n = pair ? id->len / 2 : id->len;

	if (!exact_len(id->type) || id->len != exact_len(id->type))
		return IKE_BAD_VALUE;
	memcpy(first, id->data, n);
	memcpy(last, id->data + (pair ? n : 0), n);
	if (id->type == IKE1_ID_IPV4_SUBNET || id->type == IKE1_ID_IPV6_SUBNET) {
		if (!is_mask(last, n))
			return IKE_BAD_VALUE;
		for (size_t i = 0; i < n; i++) {
			first[i] &= last[i];
			last[i] = (uint8_t)(first[i] | (uint8_t)~last[i]);
		}
	}
	if (memcmp(first, last, n) > 0)
		return IKE_BAD_VALUE;
	*ret_first = inet_addr_from_bytes(first, n);
	*ret_last = inet_addr_from_bytes(last, n);
	return IKE_OK;
}

enum ike_fault ike1_cert_parse(const struct ike_payload *p, struct ike1_certificate *ret)
{
	struct rd r = body_of(p);
	struct ike1_certificate c = {.encoding = rd_u8(&r)};

	if (!rd_ok(&r))
		return IKE_SHORT;
	c.data = r.p;
	c.len = (uint32_t)rd_left(&r);
	if (!c.len && p->type == IKE1_P_CERT)
		return IKE_BAD_LEN;
	*ret = c;
	return IKE_OK;
}

void ike1_put_cert(struct ike_out *o, uint8_t payload, uint8_t encoding, const void *data, size_t n)
{
	ike_out_payload(o, payload);
	wr_u8(&o->w, encoding);
	wr_bytes(&o->w, data, n);
}

enum ike_fault ike1_notify_parse(const struct ike_payload *p, struct ike1_notification *ret)
{
	struct rd r = body_of(p);
	struct ike1_notification n;

	n.doi = rd_u32(&r);
	n.protocol = rd_u8(&r);
	n.spi_len = rd_u8(&r);
	n.type = rd_u16(&r);
	n.spi = rd_bytes(&r, n.spi_len);
	if (!rd_ok(&r))
		return IKE_SHORT;
	n.data = r.p;
	n.len = (uint32_t)rd_left(&r);
	*ret = n;
	return IKE_OK;
}

void ike1_put_notify(struct ike_out *o, const struct ike1_notification *n)
{
	ike_out_payload(o, IKE1_P_NOTIFY);
	wr_u32(&o->w, n->doi);
	wr_u8(&o->w, n->protocol);
	wr_u8(&o->w, n->spi_len);
	wr_u16(&o->w, n->type);
	wr_bytes(&o->w, n->spi, n->spi_len);
	wr_bytes(&o->w, n->data, n->len);
}

enum ike_fault ike1_delete_parse(const struct ike_payload *p, struct ike1_deletion *ret)
{
	struct rd r = body_of(p);
	struct ike1_deletion d;

	d.doi = rd_u32(&r);
	d.protocol = rd_u8(&r);
	d.spi_len = rd_u8(&r);
	d.n_spis = rd_u16(&r);
	d.spis = rd_bytes(&r, (size_t)d.spi_len * d.n_spis);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (!d.spi_len || !d.n_spis || rd_left(&r))
		return IKE_BAD_LEN;
	*ret = d;
	return IKE_OK;
}

void ike1_put_delete(struct ike_out *o, const struct ike1_deletion *d)
{
	ike_out_payload(o, IKE1_P_DELETE);
	wr_u32(&o->w, d->doi);
	wr_u8(&o->w, d->protocol);
	wr_u8(&o->w, d->spi_len);
	wr_u16(&o->w, d->n_spis);
	wr_bytes(&o->w, d->spis, (size_t)d->spi_len * d->n_spis);
}

enum ike_fault ike1_nat_oa_parse(const struct ike_payload *p, struct inet_addr *ret)
{
	struct rd r = body_of(p);
	uint8_t type = rd_u8(&r);
	size_t n = type == IKE1_ID_IPV4 ? V4_LEN : V6_LEN;
	const uint8_t *a;

	rd_skip(&r, 3);
	a = rd_bytes(&r, n);
	if (!a)
		return IKE_SHORT;
	if (type != IKE1_ID_IPV4 && type != IKE1_ID_IPV6)
		return IKE_BAD_VALUE;
	if (rd_left(&r))
		return IKE_BAD_LEN;
	*ret = inet_addr_from_bytes(a, n);
	return IKE_OK;
}

void ike1_put_nat_oa(struct ike_out *o, uint8_t payload, const struct inet_addr *a)
{
	ike_out_payload(o, payload);
	wr_u8(&o->w, a->family == INET_V4 ? IKE1_ID_IPV4 : IKE1_ID_IPV6);
	wr_fill(&o->w, 0, 3);
	wr_bytes(&o->w, a->b, inet_addr_len(a));
}

enum ike_fault ike1_config_parse(const struct ike_payload *p, struct ike1_config *ret)
{
	struct rd r = body_of(p), attrs;
	struct ike1_config c = {.type = rd_u8(&r)};
	struct ike1_attr a;

	rd_skip(&r, 1);
	c.id = rd_u16(&r);
	if (!rd_ok(&r))
		return IKE_SHORT;
	c.attrs = r.p;
	c.len = (uint32_t)rd_left(&r);
	attrs = rd_init(c.attrs, c.len);
	while (ike1_attr_next(&attrs, &a)) {
	}
	if (!rd_ok(&attrs))
		return IKE_SHORT;
	*ret = c;
	return IKE_OK;
}

enum ike_fault ike1_fragment_parse(const struct ike_payload *p, struct ike1_fragment *ret)
{
	struct rd r = body_of(p);
	struct ike1_fragment f;

	f.id = rd_u16(&r);
	f.number = rd_u8(&r);
	f.last = rd_u8(&r) & FRAGMENT_LAST;
	if (!rd_ok(&r))
		return IKE_SHORT;
	f.data = r.p;
	f.len = (uint32_t)rd_left(&r);
	if (!f.number || !f.len)
		return IKE_BAD_VALUE;
	*ret = f;
	return IKE_OK;
}

void ike1_put_fragment(struct ike_out *o, const struct ike1_fragment *f)
{
	ike_out_payload(o, IKE1_P_FRAGMENT);
	wr_u16(&o->w, f->id);
	wr_u8(&o->w, f->number);
	wr_u8(&o->w, f->last ? FRAGMENT_LAST : 0);
	wr_bytes(&o->w, f->data, f->len);
}
