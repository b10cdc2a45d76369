/*
 * A datagram that is longer than its header says carries something nobody vouches for, so it is refused
 * like one that is shorter. Types are not judged here: which may stand where is a table of the exchange.
 */
#include "wire/ike/msg.h"

enum { CRITICAL = 0x80 };

const char *ike_fault_text(enum ike_fault f)
{
	static const char *const texts[] = {
	    [IKE_OK] = "",
	    [IKE_SHORT] = "ends too early",
	    [IKE_BAD_LEN] = "has a length that cannot be right",
	    [IKE_BAD_CHAIN] = "does not say truly what follows",
	    [IKE_BAD_VALUE] = "has a value that is not allowed",
	    [IKE_TOO_MANY] = "has too many parts",
	};

	return f < ARRAY_SIZE(texts) ? texts[f] : "?";
}

enum ike_fault ike_hdr_parse(const void *datagram, size_t n, struct ike_hdr *ret)
{
	struct rd r = rd_init(datagram, n);
	struct ike_hdr h;
	uint8_t version;

	rd_copy(&r, h.icookie, sizeof(h.icookie));
	rd_copy(&r, h.rcookie, sizeof(h.rcookie));
	h.next = rd_u8(&r);
	version = rd_u8(&r);
	h.major = version >> 4;
	h.minor = version & 15;
	h.exchange = rd_u8(&r);
	h.flags = rd_u8(&r);
	h.msg_id = rd_u32(&r);
	h.length = rd_u32(&r);
	if (!rd_ok(&r))
		return IKE_SHORT;
	if (h.length < IKE_HDR_LEN || h.length < n)
		return IKE_BAD_LEN;
	if (h.length > n)
		return IKE_SHORT;
	*ret = h;
	return IKE_OK;
}

enum ike_fault ike_payload_read(struct rd *r, uint8_t type, struct ike_payload *ret)
{
	struct ike_payload p = {.type = type};
	struct rd sub;
	uint16_t len;

	p.next = rd_u8(r);
	p.critical = rd_u8(r) & CRITICAL;
	len = rd_u16(r);
	if (!rd_ok(r))
		return IKE_SHORT;
	if (len < IKE_PAYLOAD_HDR_LEN)
		return IKE_BAD_LEN;
	sub = rd_sub_incl(r, len, IKE_PAYLOAD_HDR_LEN);
	if (!rd_ok(r))
		return IKE_SHORT;
	p.body = sub.p;
	p.len = (uint32_t)rd_left(&sub);
	*ret = p;
	return IKE_OK;
}

enum ike_fault ike_chain_parse(uint8_t first, const void *body, size_t n, bool padded, struct ike_chain *ret)
{
	struct rd r = rd_init(body, n);
	uint8_t type = first;

	ret->n = 0;
	while (type) {
		enum ike_fault f;

		if (ret->n == IKE_PAYLOADS_MAX)
			return IKE_TOO_MANY;
		f = ike_payload_read(&r, type, &ret->p[ret->n]);
		if (f != IKE_OK)
			return f;
		type = ret->p[ret->n++].next;
	}
	ret->used = (uint32_t)(n - rd_left(&r));
	return rd_left(&r) && !padded ? IKE_BAD_LEN : IKE_OK;
}

const struct ike_payload *ike_chain_find(const struct ike_chain *c, uint8_t type, uint32_t n)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->p[i].type == type && n-- == 0)
			return &c->p[i];
	return NULL;
}

uint32_t ike_chain_count(const struct ike_chain *c, uint8_t type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		n += c->p[i].type == type;
	return n;
}
