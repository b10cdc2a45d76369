/*
 * Numbers are compared with their bounds while they still have the width of the wire: narrowing comes after
 * judging.
 */
#include "ipc/model.h"

#include <errno.h>

void model_addr_encode(const struct inet_addr *a, Postern__Addr *ret)
{
	*ret = (Postern__Addr)POSTERN__ADDR__INIT;
	ret->bytes.data = (uint8_t *)a->b;
	ret->bytes.len = inet_addr_len(a);
	ret->scope = a->scope;
}

int model_addr_decode(const Postern__Addr *m, bool optional, struct inet_addr *ret, struct err_text *e)
{
	struct inet_addr a = {0};

	if (!m && !optional)
		return err_set(e, -EBADMSG, "an address is missing");
	if (m) {
		a = inet_addr_from_bytes(m->bytes.data, m->bytes.len);
		if (a.family == INET_NONE)
			return err_set(e, -EBADMSG, "an address of %zu bytes", m->bytes.len);
		if (m->scope && a.family != INET_V6)
			return err_set(e, -EBADMSG, "an IPv4 address with a scope");
		a.scope = m->scope;
	}
	*ret = a;
	return 0;
}

void model_prefix_encode(const struct inet_prefix *p, Postern__Addr *addr, Postern__Prefix *ret)
{
	*ret = (Postern__Prefix)POSTERN__PREFIX__INIT;
	model_addr_encode(&p->addr, addr);
	ret->addr = addr;
	ret->plen = p->plen;
}

int model_prefix_decode(const Postern__Prefix *m, struct inet_prefix *ret, struct err_text *e)
{
	struct inet_prefix p;
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "a prefix is missing");
	r = model_addr_decode(m->addr, false, &p.addr, e);
	if (r < 0)
		return r;
	if (m->plen > inet_addr_bits(&p.addr))
		return err_set(e, -EBADMSG, "a prefix length of %u", m->plen);
	p.plen = (uint8_t)m->plen;
	*ret = p;
	return 0;
}

void model_selector_encode(const struct selector *s, struct model_selector_pb *ret)
{
	ret->m = (Postern__Selector)POSTERN__SELECTOR__INIT;
	model_prefix_encode(&s->src, &ret->src_addr, &ret->src);
	model_prefix_encode(&s->dst, &ret->dst_addr, &ret->dst);
	ret->m.src = &ret->src;
	ret->m.dst = &ret->dst;
	ret->m.proto = s->proto;
	ret->m.sport = s->sport;
	ret->m.dport = s->dport;
	ret->m.misc = s->misc;
}

int model_selector_decode(const Postern__Selector *m, struct selector *ret, struct err_text *e)
{
	struct selector s = {0};
	const char *why;
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "a selector is missing");
	r = model_prefix_decode(m->src, &s.src, e);
	if (r >= 0)
		r = model_prefix_decode(m->dst, &s.dst, e);
	if (r < 0)
		return r;
	if (m->proto > IPPROTO_ANY_)
		return err_set(e, -EBADMSG, "an upper protocol of %u", m->proto);
	if (m->sport > UINT16_MAX || m->dport > UINT16_MAX)
		return err_set(e, -EBADMSG, "a port above 65535");
	s.proto = (uint16_t)m->proto;
	s.sport = (uint16_t)m->sport;
	s.dport = (uint16_t)m->dport;
	s.misc = m->misc;
	r = selector_check(&s, &why);
	if (r < 0)
		return err_set(e, r, "%s", why);
	*ret = s;
	return 0;
}
