/*
 * Numbers come in either form: two octets in place of a length (RFC 2408 section 3.3), or four behind one;
 * some clients send a zero in the first form for "empty".
 */
#include "wire/ike/v1_cfg.h"

enum { V4 = 4, NET_LEN = 14 /* address, mask, protocol and two ports */ };

static bool is_empty(const struct ike1_attr *a)
{
	return a->basic ? !a->number : !a->len;
}

static struct rd octets_of(const struct ike1_attr *a)
{
	return rd_init(a->basic ? NULL : a->p, a->basic ? 0 : a->len);
}

static bool take_text(const struct ike1_attr *a, struct ike1_text *ret)
{
	if (ret->there || (a->basic && a->number))
		return false;
	*ret = (struct ike1_text){.p = a->basic ? NULL : a->p, .n = a->basic ? 0 : a->len, .there = true};
	return true;
}

static bool take_number(const struct ike1_attr *a, uint64_t max, uint32_t *ret)
{
	if (!is_empty(a) && ((!a->basic && !a->small) || a->number > max))
		return false;
	*ret = is_empty(a) ? 0 : (uint32_t)a->number;
	return true;
}

static bool take_u16(const struct ike1_attr *a, uint16_t *ret)
{
	uint32_t v;

	if (!take_number(a, UINT16_MAX, &v))
		return false;
	*ret = (uint16_t)v;
	return true;
}

static bool take_xauth(const struct ike1_attr *a, struct ike1_xauth *x)
{
	x->any |= a->type >= IKE1_XAUTH_TYPE && a->type <= IKE1_XAUTH_ANSWER;
	switch (a->type) {
	case IKE1_XAUTH_TYPE:
		return take_u16(a, &x->type);
	case IKE1_XAUTH_STATUS:
		if (x->has_status)
			return false;
		x->has_status = true;
		return take_u16(a, &x->status);
	case IKE1_XAUTH_USER_NAME:
		return take_text(a, &x->user);
	case IKE1_XAUTH_USER_PASSWORD:
		return take_text(a, &x->password);
	case IKE1_XAUTH_PASSCODE:
		return take_text(a, &x->passcode);
	case IKE1_XAUTH_MESSAGE:
		return take_text(a, &x->message);
	case IKE1_XAUTH_CHALLENGE:
		return take_text(a, &x->challenge);
	case IKE1_XAUTH_DOMAIN:
		return take_text(a, &x->domain);
	case IKE1_XAUTH_NEXT_PIN:
		return take_text(a, &x->next_pin);
	case IKE1_XAUTH_ANSWER:
		return take_text(a, &x->answer);
	default:
		return true;
	}
}

enum ike_fault ike1_xauth_decode(const struct ike1_config *c, struct ike1_xauth *ret)
{
	struct rd r = rd_init(c->attrs, c->len);
	struct ike1_xauth x = {0};
	struct ike1_attr a;

	while (ike1_attr_next(&r, &a))
		if (!take_xauth(&a, &x))
			return IKE_BAD_VALUE;
	if (!rd_ok(&r))
		return IKE_SHORT;
	*ret = x;
	return IKE_OK;
}

/* Of each attribute its bit. */
static const struct {
	uint16_t type;
	uint32_t bit;
	bool many; /* may be there more than once */
} attrs[] = {
    {IKE1_CFG_IP4_ADDRESS, IKE1_HAS_ADDRESS, false},
    {IKE1_CFG_IP4_NETMASK, IKE1_HAS_NETMASK, false},
    {IKE1_CFG_IP4_DNS, IKE1_HAS_DNS, true},
    {IKE1_CFG_IP4_NBNS, IKE1_HAS_NBNS, true},
    {IKE1_CFG_EXPIRY, IKE1_HAS_EXPIRY, false},
    {IKE1_CFG_VERSION, IKE1_HAS_VERSION, false},
    {IKE1_CFG_UNITY_BANNER, IKE1_HAS_BANNER, false},
    {IKE1_CFG_UNITY_SAVE_PASSWD, IKE1_HAS_SAVE_PASSWD, false},
    {IKE1_CFG_UNITY_DEF_DOMAIN, IKE1_HAS_DOMAIN, false},
    {IKE1_CFG_UNITY_SPLIT_DNS, IKE1_HAS_SPLIT_DNS, false},
    {IKE1_CFG_UNITY_SPLIT_INCLUDE, IKE1_HAS_SPLIT_INCLUDE, true},
    {IKE1_CFG_UNITY_LOCAL_LAN, IKE1_HAS_LOCAL_LAN, true},
    {IKE1_CFG_UNITY_PFS, IKE1_HAS_PFS, false},
    {IKE1_CFG_UNITY_NATT_PORT, IKE1_HAS_NATT_PORT, false},
};

bool ike1_mask_len(const struct inet_addr *mask, uint8_t *ret)
{
	size_t bits = 8 * inet_addr_len(mask);
	uint8_t n = 0;

	while (n < bits && mask->b[n / 8] & 0x80 >> n % 8)
		n++;
	for (size_t i = n; i < bits; i++)
		if (mask->b[i / 8] & 0x80 >> i % 8)
			return false;
	*ret = n;
	return true;
}

/* None, or one of version 4. */
static bool take_addr(const struct ike1_attr *a, struct inet_addr *ret)
{
	if (is_empty(a))
		return true;
	if (a->basic || a->len != V4)
		return false;
	*ret = inet_addr_from_bytes(a->p, V4);
	return true;
}

/* Several servers in one attribute are as good as several attributes. */
static bool take_servers(const struct ike1_attr *a, struct inet_addr *to, uint8_t *n)
{
	struct rd r = octets_of(a);

	if ((a->basic && a->number) || rd_left(&r) % V4)
		return false;
	while (rd_left(&r) && *n < IKE1_CFG_SERVERS_MAX)
		to[(*n)++] = inet_addr_from_bytes(rd_bytes(&r, V4), V4);
	return true;
}

static bool take_nets(const struct ike1_attr *a, struct ike1_nets *to)
{
	struct rd r = octets_of(a);

	/* Address and mask alone are what some send. */
	if (a->basic && a->number)
		return false;
	while (rd_left(&r)) {
		bool alone = rd_left(&r) == 2 * V4;
		uint8_t b[2 * V4];
		struct inet_prefix net;
		struct inet_addr mask;

		rd_copy(&r, b, sizeof(b));
		if (!alone)
			rd_skip(&r, NET_LEN - 2 * V4);
		if (!rd_ok(&r))
			return false;
		net = (struct inet_prefix){.addr = inet_addr_from_bytes(b, V4)};
		mask = inet_addr_from_bytes(b + V4, V4);
		if (!ike1_mask_len(&mask, &net.plen))
			return false;
		if (to->n < IKE1_CFG_NETS_MAX)
			to->net[to->n++] = net;
	}
	return true;
}

static bool take_mask(const struct ike1_attr *a, struct inet_addr *ret)
{
	uint8_t n;

	return take_addr(a, ret) && (ret->family == INET_NONE || ike1_mask_len(ret, &n));
}

static bool take_value(const struct ike1_attr *a, struct ike1_values *v)
{
	switch (a->type) {
	case IKE1_CFG_IP4_ADDRESS:
		return take_addr(a, &v->address);
	case IKE1_CFG_IP4_NETMASK:
		return take_mask(a, &v->netmask);
	case IKE1_CFG_IP4_DNS:
		return take_servers(a, v->dns, &v->n_dns);
	case IKE1_CFG_IP4_NBNS:
		return take_servers(a, v->nbns, &v->n_nbns);
	case IKE1_CFG_EXPIRY:
		return take_number(a, UINT32_MAX, &v->expiry_s);
	case IKE1_CFG_VERSION:
		return take_text(a, &v->version);
	case IKE1_CFG_UNITY_BANNER:
		return take_text(a, &v->banner);
	case IKE1_CFG_UNITY_SAVE_PASSWD:
		return take_u16(a, &v->save_passwd);
	case IKE1_CFG_UNITY_DEF_DOMAIN:
		return take_text(a, &v->domain);
	case IKE1_CFG_UNITY_SPLIT_DNS:
		return take_text(a, &v->split_dns);
	case IKE1_CFG_UNITY_SPLIT_INCLUDE:
		return take_nets(a, &v->include);
	case IKE1_CFG_UNITY_LOCAL_LAN:
		return take_nets(a, &v->local);
	case IKE1_CFG_UNITY_PFS:
		return take_u16(a, &v->pfs);
	default:
		return true;
	}
}

enum ike_fault ike1_values_decode(const struct ike1_config *c, struct ike1_values *ret)
{
	struct rd r = rd_init(c->attrs, c->len);
	struct ike1_values v = {0};
	struct ike1_attr a;

	while (ike1_attr_next(&r, &a)) {
		size_t i = 0;

		while (i < ARRAY_SIZE(attrs) && attrs[i].type != a.type)
			i++;
		if (i == ARRAY_SIZE(attrs))
			continue;
		if ((v.has & attrs[i].bit && !attrs[i].many) || !take_value(&a, &v))
			return IKE_BAD_VALUE;
		v.has |= attrs[i].bit;
	}
	if (!rd_ok(&r))
		return IKE_SHORT;
	*ret = v;
	return IKE_OK;
}

void ike1_put_config(struct ike_out *o, enum ike1_cfg_type type, uint16_t id)
{
	ike_out_payload(o, IKE1_P_ATTRIBUTES);
	wr_u8(&o->w, (uint8_t)type);
	wr_u8(&o->w, 0);
	wr_u16(&o->w, id);
}

void ike1_put_asked(struct ike_out *o, uint32_t has)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		if (has & attrs[i].bit)
			ike1_put_attr_octets(o, attrs[i].type, "", 0);
}

static void put_addr(struct ike_out *o, uint16_t type, const struct inet_addr *a)
{
	ike1_put_attr_octets(o, type, a->b, a->family == INET_NONE ? 0 : inet_addr_len(a));
}

static void put_servers(struct ike_out *o, uint16_t type, const struct inet_addr *a, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++)
		put_addr(o, type, &a[i]);
}

static void put_nets(struct ike_out *o, uint16_t type, const struct ike1_nets *nets)
{
	uint8_t buf[IKE1_CFG_NETS_MAX * NET_LEN] = {0};

	for (uint8_t i = 0; i < nets->n; i++) {
		uint8_t *at = buf + (size_t)i * NET_LEN;
		uint8_t len = nets->net[i].plen;

		memcpy(at, nets->net[i].addr.b, V4);
		for (uint8_t k = 0; k < len; k++)
			at[V4 + k / 8] |= (uint8_t)(0x80 >> k % 8);
	}
	ike1_put_attr_octets(o, type, buf, (size_t)nets->n * NET_LEN);
}

static void put_text(struct ike_out *o, uint16_t type, const struct ike1_text *t)
{
	ike1_put_attr_octets(o, type, t->n ? t->p : (const uint8_t *)"", t->n);
}

static void put_number(struct ike_out *o, uint16_t type, uint32_t v)
{
	const uint8_t b[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	ike1_put_attr_octets(o, type, b, sizeof(b));
}

void ike1_put_values(struct ike_out *o, const struct ike1_values *v)
{
	if (v->has & IKE1_HAS_ADDRESS)
		put_addr(o, IKE1_CFG_IP4_ADDRESS, &v->address);
	if (v->has & IKE1_HAS_NETMASK)
		put_addr(o, IKE1_CFG_IP4_NETMASK, &v->netmask);
	if (v->has & IKE1_HAS_DNS)
		put_servers(o, IKE1_CFG_IP4_DNS, v->dns, v->n_dns);
	if (v->has & IKE1_HAS_NBNS)
		put_servers(o, IKE1_CFG_IP4_NBNS, v->nbns, v->n_nbns);
	if (v->has & IKE1_HAS_EXPIRY)
		put_number(o, IKE1_CFG_EXPIRY, v->expiry_s);
	if (v->has & IKE1_HAS_VERSION)
		put_text(o, IKE1_CFG_VERSION, &v->version);
	if (v->has & IKE1_HAS_BANNER)
		put_text(o, IKE1_CFG_UNITY_BANNER, &v->banner);
	if (v->has & IKE1_HAS_SAVE_PASSWD)
		ike1_put_attr(o, IKE1_CFG_UNITY_SAVE_PASSWD, v->save_passwd);
	if (v->has & IKE1_HAS_DOMAIN)
		put_text(o, IKE1_CFG_UNITY_DEF_DOMAIN, &v->domain);
	if (v->has & IKE1_HAS_SPLIT_DNS)
		put_text(o, IKE1_CFG_UNITY_SPLIT_DNS, &v->split_dns);
	if (v->has & IKE1_HAS_SPLIT_INCLUDE)
		put_nets(o, IKE1_CFG_UNITY_SPLIT_INCLUDE, &v->include);
	if (v->has & IKE1_HAS_LOCAL_LAN)
		put_nets(o, IKE1_CFG_UNITY_LOCAL_LAN, &v->local);
	if (v->has & IKE1_HAS_PFS)
		ike1_put_attr(o, IKE1_CFG_UNITY_PFS, v->pfs);
}
