/*
 * Phase 1 says 17/500 with addresses and 0/0 with everything else, and takes either (RFC 2407 section 4.6.2).
 */
#include "keyd/core/ident.h"

#include <netinet/in.h>

#include "base/rd.h"
#include "base/wr.h"

enum { HDR = 4, BODY_MAX = HDR + IKE_ID_DATA_MAX };

static int put_body(
    uint8_t type, uint8_t proto, uint16_t port, const void *data, size_t n, struct octets *ret)
{
	uint8_t buf[BODY_MAX];
	struct wr w = wr_init(buf, sizeof(buf));

	wr_u8(&w, type);
	wr_u8(&w, proto);
	wr_u16(&w, port);
	wr_bytes(&w, data, n);
	return wr_ok(&w) ? octets_set(ret, buf, wr_len(&w)) : -EOPNOTSUPP;
}

static uint8_t address_type(const struct inet_addr *a)
{
	return a->family == INET_V6 ? IKE1_ID_IPV6 : IKE1_ID_IPV4;
}

int ident_body(const struct ike_id *id, const struct inet_addr *local, const struct ike1_octets *subject,
    struct octets *ret)
{
	struct inet_addr a;

	switch (id->kind) {
	case IKE_ID_ADDRESS:
		a = id->len ? inet_addr_from_bytes(id->data, id->len) : *local;
		return put_body(address_type(&a), IPPROTO_UDP, IKE_PORT, a.b, inet_addr_len(&a), ret);
	case IKE_ID_FQDN:
		return put_body(IKE1_ID_FQDN, 0, 0, id->data, id->len, ret);
	case IKE_ID_USER_FQDN:
		return put_body(IKE1_ID_USER_FQDN, 0, 0, id->data, id->len, ret);
	case IKE_ID_KEYID:
		return put_body(IKE1_ID_KEY, 0, 0, id->data, id->len, ret);
	case IKE_ID_DN_DER:
		return put_body(IKE1_ID_DN, 0, 0, id->data, id->len, ret);
	case IKE_ID_DN:
		/* Of the certificate, whatever text stands beside it. */
		return subject && subject->n ? put_body(IKE1_ID_DN, 0, 0, subject->p, subject->n, ret)
		                             : -ENOENT;
	default:
		return -EOPNOTSUPP;
	}
}

int ident_peer(const struct ike1_ident *id, struct ike_id *ret)
{
	static const struct {
		uint8_t type;
		enum ike_id_kind kind;
	} kinds[] = {
	    {IKE1_ID_IPV4, IKE_ID_ADDRESS},
	    {IKE1_ID_IPV6, IKE_ID_ADDRESS},
	    {IKE1_ID_FQDN, IKE_ID_FQDN},
	    {IKE1_ID_USER_FQDN, IKE_ID_USER_FQDN},
	    {IKE1_ID_KEY, IKE_ID_KEYID},
	    {IKE1_ID_DN, IKE_ID_DN_DER},
	};
	bool any = id->proto == 0 && id->port == 0;

	if (!any &&
	    (id->proto != IPPROTO_UDP || (id->port && id->port != IKE_PORT && id->port != IKE_PORT_NATT)))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type != id->type || id->len > IKE_ID_DATA_MAX)
			continue;
		*ret = (struct ike_id){.kind = kinds[i].kind, .len = (uint16_t)id->len};
		memcpy(ret->data, id->data, id->len);
		return 0;
	}
	return -EBADMSG;
}

static void put_mask(struct wr *w, uint8_t plen, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned bits = plen > i * 8 ? plen - (unsigned)i * 8 : 0;

		wr_u8(w, bits >= 8 ? 0xff : (uint8_t)(0xff00U >> bits));
	}
}

int ident_side_body(const struct inet_prefix *side, uint16_t proto, uint16_t port, struct octets *ret)
{
	uint8_t data[32];
	struct wr w = wr_init(data, sizeof(data));
	struct inet_addr first = inet_prefix_first(side);
	size_t n = inet_addr_len(&first);
	bool v6 = first.family == INET_V6;
	uint8_t upper = proto == IPPROTO_ANY_ ? 0 : (uint8_t)proto;

	wr_bytes(&w, first.b, n);
	if (inet_prefix_is_host(side))
		return put_body(v6 ? IKE1_ID_IPV6 : IKE1_ID_IPV4, upper, port, data, wr_len(&w), ret);
	put_mask(&w, side->plen, n);
	return put_body(v6 ? IKE1_ID_IPV6_SUBNET : IKE1_ID_IPV4_SUBNET, upper, port, data, wr_len(&w), ret);
}

int ident_range_body(const struct inet_addr *first, const struct inet_addr *last, uint16_t proto,
    uint16_t port, struct octets *ret)
{
	uint8_t data[32], upper = proto == IPPROTO_ANY_ ? 0 : (uint8_t)proto;
	struct wr w = wr_init(data, sizeof(data));

	wr_bytes(&w, first->b, inet_addr_len(first));
	wr_bytes(&w, last->b, inet_addr_len(last));
	return put_body(first->family == INET_V6 ? IKE1_ID_IPV6_RANGE : IKE1_ID_IPV4_RANGE, upper, port, data,
	    wr_len(&w), ret);
}

/* How many networks it is, the first of them in `ret`; -EBADMSG. */
static int nets_of(const struct ike1_ident *id, struct inet_prefix ret[IDENT_NETS_MAX])
{
	struct inet_addr first, last;

	if (ike1_ident_range(id, &first, &last) != IKE_OK)
		return -EBADMSG;
	return (int)inet_range_prefixes(&first, &last, ret, IDENT_NETS_MAX);
}

int ident_selectors(const struct ike1_ident *src, const struct ike1_ident *dst,
    struct selector ret[IDENT_NETS_MAX], uint8_t *ret_n)
{
	struct inet_prefix from[IDENT_NETS_MAX], to[IDENT_NETS_MAX];
	int n_from = nets_of(src, from), n_to = nets_of(dst, to);
	struct selector s = {
	    .proto = src->proto ? src->proto : IPPROTO_ANY_, .sport = src->port, .dport = dst->port};
	const char *why;
	uint8_t n = 0;

	if (n_from < 0 || n_to < 0 || src->proto != dst->proto)
		return -EBADMSG;
	s.src = from[0];
	s.dst = to[0];
	s.misc = ip_proto_has_misc(s.proto) && (s.sport || s.dport);
	if (selector_check(&s, &why) < 0)
		return -EBADMSG;
	if (n_from * n_to > IDENT_NETS_MAX)
		return -E2BIG;
	for (int i = 0; i < n_from; i++)
		for (int k = 0; k < n_to; k++) {
			s.src = from[i];
			s.dst = to[k];
			ret[n++] = s;
		}
	*ret_n = n;
	return 0;
}
