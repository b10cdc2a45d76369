/*
 * The lengths of known attributes are looked at here, those of unknown ones are their own.
 */
#include "wire/ike/v2_cfg.h"

enum { TYPE_MASK = 0x7fff };

/* Section 3.15.1: an attribute has no value, or one of this length. */
static bool len_ok(const struct ike2_cfg *a)
{
	switch (a->type) {
	case IKE2_CFG_IP4_ADDRESS:
	case IKE2_CFG_IP4_NETMASK:
	case IKE2_CFG_IP4_DNS:
	case IKE2_CFG_IP4_NBNS:
	case IKE2_CFG_IP4_DHCP:
		return a->len == 0 || a->len == 4;
	case IKE2_CFG_IP4_SUBNET:
		return a->len == 0 || a->len == 8;
	case IKE2_CFG_IP6_DNS:
	case IKE2_CFG_IP6_DHCP:
		return a->len == 0 || a->len == 16;
	case IKE2_CFG_IP6_ADDRESS:
	case IKE2_CFG_IP6_SUBNET:
		return a->len == 0 || a->len == 17;
	case IKE2_CFG_SUPPORTED:
		return a->len % 2 == 0;
	default:
		return true;
	}
}

bool ike2_cfg_next(struct rd *r, struct ike2_cfg *ret)
{
	struct ike2_cfg a;

	if (rd_left(r) == 0)
		return false;
	a.type = rd_u16(r) & TYPE_MASK;
	a.len = rd_u16(r);
	a.p = rd_bytes(r, a.len);
	if (!rd_ok(r))
		return false;
	*ret = a;
	return true;
}

enum ike_fault ike2_config_parse(const struct ike_payload *p, struct ike2_config *ret)
{
	struct rd r = rd_init(p->body, p->len), attrs;
	struct ike2_config c = {.type = rd_u8(&r)};
	struct ike2_cfg a;

	rd_skip(&r, 3);
	if (!rd_ok(&r))
		return IKE_SHORT;
	c.attrs = r.p;
	c.len = (uint32_t)rd_left(&r);
	attrs = ike2_cfgs(&c);
	while (ike2_cfg_next(&attrs, &a))
		if (!len_ok(&a))
			return IKE_BAD_LEN;
	if (!rd_ok(&attrs))
		return IKE_SHORT;
	*ret = c;
	return IKE_OK;
}

void ike2_put_config(struct ike_out *o, enum ike2_cfg_type type)
{
	ike_out_payload(o, IKE2_P_CONFIG);
	wr_u8(&o->w, (uint8_t)type);
	wr_fill(&o->w, 0, 3);
}

void ike2_put_cfg(struct ike_out *o, uint16_t type, const void *p, size_t n)
{
	if (n > UINT16_MAX)
		o->w.bad = true;
	wr_u16(&o->w, type);
	wr_u16(&o->w, (uint16_t)n);
	wr_bytes(&o->w, p, n);
}
