/*
 * A selector says its own length, so that unknown types can be stepped over.
 */
#include "wire/ike/v2_ts.h"

enum { V4_LEN = 4, V6_LEN = 16, TS_HDR_LEN = 8 };

static size_t addr_len(uint8_t type)
{
	return type == IKE2_TS_IPV4_RANGE ? V4_LEN : type == IKE2_TS_IPV6_RANGE ? V6_LEN : 0;
}

static bool ports_ok(const struct ike2_ts *t)
{
	return t->first_port <= t->last_port || (t->first_port == IKE2_PORT_LAST && t->last_port == 0);
}

/* Behind type and protocol, up to the selector's end. */
static enum ike_fault parse_range(struct rd r, size_t len, uint8_t proto, struct ike2_ts *ret)
{
	struct ike2_ts t = {.proto = proto};
	const uint8_t *first, *last;

	t.first_port = rd_u16(&r);
	t.last_port = rd_u16(&r);
	first = rd_bytes(&r, len);
	last = rd_bytes(&r, len);
	if (!rd_done(&r))
		return IKE_BAD_LEN;
	t.first = inet_addr_from_bytes(first, len);
	t.last = inet_addr_from_bytes(last, len);
	if (!ports_ok(&t) || inet_addr_cmp(&t.first, &t.last) > 0)
		return IKE_BAD_VALUE;
	*ret = t;
	return IKE_OK;
}

static enum ike_fault parse_one(struct rd *r, struct ike2_ts_list *list, uint8_t *unknown)
{
	uint8_t type = rd_u8(r), proto = rd_u8(r);
	struct rd sub = rd_sub_incl(r, rd_u16(r), 4);
	enum ike_fault f;

	if (!rd_ok(r))
		return IKE_SHORT;
	if (!addr_len(type)) {
		(*unknown)++;
		return IKE_OK;
	}
	if (list->n == IKE2_TS_MAX)
		return IKE_TOO_MANY;
	f = parse_range(sub, addr_len(type), proto, &list->ts[list->n]);
	if (f == IKE_OK)
		list->n++;
	return f;
}

enum ike_fault ike2_ts_parse(const struct ike_payload *p, struct ike2_ts_list *ret, uint8_t *ret_unknown)
{
	struct rd r = rd_init(p->body, p->len);
	uint8_t n = rd_u8(&r);

	ret->n = 0;
	*ret_unknown = 0;
	rd_skip(&r, 3);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (!n)
		return IKE_BAD_VALUE;
	while (n--) {
		enum ike_fault f = parse_one(&r, ret, ret_unknown);

		if (f != IKE_OK)
			return f;
	}
	return rd_done(&r) ? IKE_OK : IKE_BAD_LEN;
}

void ike2_put_ts(struct ike_out *o, uint8_t payload, const struct ike2_ts *ts, uint8_t n)
{
	ike_out_payload(o, payload);
	wr_u8(&o->w, n);
	wr_fill(&o->w, 0, 3);
	for (uint8_t i = 0; i < n; i++) {
		size_t len = inet_addr_len(&ts[i].first);

		wr_u8(&o->w, len == V4_LEN ? IKE2_TS_IPV4_RANGE : IKE2_TS_IPV6_RANGE);
		wr_u8(&o->w, ts[i].proto);
		wr_u16(&o->w, (uint16_t)(TS_HDR_LEN + 2 * len));
		wr_u16(&o->w, ts[i].first_port);
		wr_u16(&o->w, ts[i].last_port);
		wr_bytes(&o->w, ts[i].first.b, len);
		wr_bytes(&o->w, ts[i].last.b, len);
	}
}
