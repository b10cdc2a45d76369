/*
 * Nothing here decides what a value means; it says that the octets are there and that lengths agree. What is
 * unknown but well-formed passes, since a peer may say more than we need.
 */
#include "wire/ike/v2_payload.h"

enum { V4_LEN = 4, V6_LEN = 16, SPI_LEN = 4 };

static struct rd body_of(const struct ike_payload *p)
{
	return rd_init(p->body, p->len);
}

/* All that is left, which must be at least `least` octets. */
static enum ike_fault rest(struct rd *r, uint32_t least, const uint8_t **ret, uint32_t *ret_len)
{
	if (!rd_ok(r))
		return IKE_SHORT;
	if (rd_left(r) < least)
		return IKE_BAD_LEN;
	*ret = r->p;
	*ret_len = (uint32_t)rd_left(r);
	return IKE_OK;
}

enum ike_fault ike2_ke_parse(const struct ike_payload *p, struct ike2_ke *ret)
{
	struct rd r = body_of(p);
	struct ike2_ke k = {.group = rd_u16(&r)};
	enum ike_fault f;

	rd_skip(&r, 2);
	f = rest(&r, 1, &k.data, &k.len);
	if (f == IKE_OK)
		*ret = k;
	return f;
}

void ike2_put_ke(struct ike_out *o, uint16_t group, const void *data, size_t n)
{
	ike_out_payload(o, IKE2_P_KE);
	wr_u16(&o->w, group);
	wr_u16(&o->w, 0);
	wr_bytes(&o->w, data, n);
}

static bool ident_len_ok(uint8_t type, uint32_t len)
{
	switch (type) {
	case IKE2_ID_IPV4:
		return len == V4_LEN;
	case IKE2_ID_IPV6:
		return len == V6_LEN;
	case IKE2_ID_NULL:
		return len == 0;
	default:
		return len > 0;
	}
}

enum ike_fault ike2_ident_parse(const struct ike_payload *p, struct ike2_ident *ret)
{
	struct rd r = body_of(p);
	struct ike2_ident id = {.type = rd_u8(&r)};
	enum ike_fault f;

	rd_skip(&r, 3);
	f = rest(&r, 0, &id.data, &id.len);
	if (f != IKE_OK)
		return f;
	if (!ident_len_ok(id.type, id.len))
		return IKE_BAD_LEN;
	*ret = id;
	return IKE_OK;
}

void ike2_put_ident(struct ike_out *o, uint8_t payload, const struct ike2_ident *id)
{
	ike_out_payload(o, payload);
	wr_u8(&o->w, id->type);
	wr_fill(&o->w, 0, 3);
	wr_bytes(&o->w, id->data, id->len);
}

enum ike_fault ike2_cert_parse(const struct ike_payload *p, struct ike2_certificate *ret)
{
	struct rd r = body_of(p);
	struct ike2_certificate c = {.encoding = rd_u8(&r)};
	enum ike_fault f = rest(&r, 1, &c.data, &c.len);

	if (f == IKE_OK)
		*ret = c;
	return f;
}

static void put_encoded(struct ike_out *o, uint8_t payload, uint8_t encoding, const void *data, size_t n)
{
	ike_out_payload(o, payload);
	wr_u8(&o->w, encoding);
	wr_bytes(&o->w, data, n);
}

void ike2_put_cert(struct ike_out *o, uint8_t encoding, const void *data, size_t n)
{
	put_encoded(o, IKE2_P_CERT, encoding, data, n);
}

static bool is_hash_list(uint8_t encoding)
{
	return encoding == IKE2_CERT_X509_SIG || encoding == IKE2_CERT_HASH_URL ||
	       encoding == IKE2_CERT_HASH_URL_BUNDLE || encoding == IKE2_CERT_RAW_KEY;
}

enum ike_fault ike2_request_parse(const struct ike_payload *p, struct ike2_request *ret)
{
	struct rd r = body_of(p);
	struct ike2_request q = {.encoding = rd_u8(&r)};
	enum ike_fault f = rest(&r, 0, &q.data, &q.len);

	if (f != IKE_OK)
		return f;
	if (is_hash_list(q.encoding) && q.len % IKE2_KEY_HASH_LEN)
		return IKE_BAD_LEN;
	*ret = q;
	return IKE_OK;
}

void ike2_put_request(struct ike_out *o, uint8_t encoding, const void *hashes, size_t n)
{
	put_encoded(o, IKE2_P_CERT_REQ, encoding, hashes, n);
}

enum ike_fault ike2_auth_parse(const struct ike_payload *p, struct ike2_authentication *ret)
{
	struct rd r = body_of(p);
	struct ike2_authentication a = {.method = rd_u8(&r)};
	enum ike_fault f;

	rd_skip(&r, 3);
	if (a.method == IKE2_AUTH_SIGNATURE) {
		a.alg_len = rd_u8(&r);
		a.alg = rd_bytes(&r, a.alg_len);
	}
	f = rest(&r, 1, &a.data, &a.len);
	if (f != IKE_OK)
		return f;
	if (a.method == IKE2_AUTH_SIGNATURE && !a.alg_len)
		return IKE_BAD_VALUE;
	*ret = a;
	return IKE_OK;
}

void ike2_put_auth(struct ike_out *o, const struct ike2_authentication *a)
{
	ike_out_payload(o, IKE2_P_AUTH);
	wr_u8(&o->w, a->method);
	wr_fill(&o->w, 0, 3);
	if (a->method == IKE2_AUTH_SIGNATURE) {
		wr_u8(&o->w, a->alg_len);
		wr_bytes(&o->w, a->alg, a->alg_len);
	}
	wr_bytes(&o->w, a->data, a->len);
}

enum ike_fault ike2_notify_parse(const struct ike_payload *p, struct ike2_notification *ret)
{
	struct rd r = body_of(p);
	struct ike2_notification n;
	enum ike_fault f;

	n.protocol = rd_u8(&r);
	n.spi_len = rd_u8(&r);
	n.type = rd_u16(&r);
	n.spi = rd_bytes(&r, n.spi_len);
	f = rest(&r, 0, &n.data, &n.len);
	if (f == IKE_OK)
		*ret = n;
	return f;
}

void ike2_put_notify(struct ike_out *o, const struct ike2_notification *n)
{
	ike_out_payload(o, IKE2_P_NOTIFY);
	wr_u8(&o->w, n->protocol);
	wr_u8(&o->w, n->spi_len);
	wr_u16(&o->w, n->type);
	wr_bytes(&o->w, n->spi, n->spi_len);
	wr_bytes(&o->w, n->data, n->len);
}

void ike2_put_note(struct ike_out *o, uint16_t type, const void *data, size_t n)
{
	ike2_put_notify(
	    o, &(struct ike2_notification){.type = type, .data = (const uint8_t *)data, .len = (uint32_t)n});
}

typedef bool wanted_fn(uint16_t type, uint16_t than);

static bool is_same(uint16_t type, uint16_t than)
{
	return type == than;
}

static bool is_below(uint16_t type, uint16_t than)
{
	return type < than;
}

static bool find(const struct ike_chain *c, wanted_fn *wanted, uint16_t than, struct ike2_notification *ret)
{
	struct ike2_notification n;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->p[i].type != IKE2_P_NOTIFY || ike2_notify_parse(&c->p[i], &n) != IKE_OK ||
		    !wanted(n.type, than))
			continue;
		*ret = n;
		return true;
	}
	return false;
}

bool ike2_notify_find(const struct ike_chain *c, uint16_t type, struct ike2_notification *ret)
{
	return find(c, is_same, type, ret);
}

bool ike2_notify_find_error(const struct ike_chain *c, struct ike2_notification *ret)
{
	return find(c, is_below, IKE2_N_STATUS_FIRST, ret);
}

enum ike_fault ike2_delete_parse(const struct ike_payload *p, struct ike2_deletion *ret)
{
	struct rd r = body_of(p);
	struct ike2_deletion d;

	d.protocol = rd_u8(&r);
	d.spi_len = rd_u8(&r);
	d.n_spis = rd_u16(&r);
	d.spis = rd_bytes(&r, (size_t)d.spi_len * d.n_spis);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (d.protocol == IKE2_PROTO_IKE ? d.spi_len || d.n_spis : d.spi_len != SPI_LEN || !d.n_spis)
		return IKE_BAD_VALUE;
	if (rd_left(&r))
		return IKE_BAD_LEN;
	*ret = d;
	return IKE_OK;
}

void ike2_put_delete(struct ike_out *o, const struct ike2_deletion *d)
{
	ike_out_payload(o, IKE2_P_DELETE);
	wr_u8(&o->w, d->protocol);
	wr_u8(&o->w, d->spi_len);
	wr_u16(&o->w, d->n_spis);
	wr_bytes(&o->w, d->spis, (size_t)d->spi_len * d->n_spis);
}
