#include "keyd/ike2/selectors.h"

#include <stdio.h>
#include <string.h>

enum { OCTET = 256 };

static struct ike2_ts side_of(const struct inet_prefix *p, uint16_t proto, uint16_t first, uint16_t last)
{
	return (struct ike2_ts){.proto = proto == IPPROTO_ANY_ ? IKE2_TS_PROTO_ANY : (uint8_t)proto,
	    .first_port = first,
	    .last_port = last,
	    .first = inet_prefix_first(p),
	    .last = inet_prefix_last(p)};
}

/* An ICMP type, with any code when there is none, stands in both (section 3.13.1). */
static void put_misc(const struct selector *s, struct ike2_ts *src, struct ike2_ts *dst)
{
	uint16_t first = (uint16_t)(s->sport * OCTET + s->dport),
	         last = s->dport ? first : (uint16_t)(s->sport * OCTET + OCTET - 1);

	src->first_port = dst->first_port = first;
	src->last_port = dst->last_port = last;
}

void selectors_of(const struct selector *s, struct ike2_ts *src, struct ike2_ts *dst)
{
	*src = side_of(&s->src, s->proto, s->sport, s->sport ? s->sport : IKE2_PORT_LAST);
	*dst = side_of(&s->dst, s->proto, s->dport, s->dport ? s->dport : IKE2_PORT_LAST);
	if (s->misc && s->sport)
		put_misc(s, src, dst);
	else if (s->misc)
		src->last_port = dst->last_port = IKE2_PORT_LAST;
}

static bool covers(const struct ike2_ts *a, const struct ike2_ts *b)
{
	if (a->proto != IKE2_TS_PROTO_ANY && a->proto != b->proto)
		return false;
	if (a->first.family != b->first.family || inet_addr_cmp(&a->first, &b->first) > 0 ||
	    inet_addr_cmp(&a->last, &b->last) < 0)
		return false;
	return a->first_port <= b->first_port && a->last_port >= b->last_port;
}

bool selectors_cover(const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	for (uint8_t i = 0; i < l->n; i++)
		if (covers(&l->ts[i], ts))
			return true;
	return false;
}

/* The least prefix with both addresses. */
static struct inet_prefix span(const struct inet_addr *a, const struct inet_addr *b)
{
	struct inet_prefix p = inet_prefix_host(a);

	while (p.plen && !inet_prefix_contains(&p, b))
		p.plen--;
	p.addr = inet_prefix_first(&p);
	return p;
}

static uint16_t one_port(const struct ike2_ts *t)
{
	return t->first_port == t->last_port ? t->first_port : SELECTOR_PORT_ANY;
}

bool selectors_span(const struct ike2_ts *src, const struct ike2_ts *dst, struct selector *ret)
{
	uint8_t proto = src->proto ? src->proto : dst->proto;

	if (src->first.family != dst->first.family || (src->proto && dst->proto && src->proto != dst->proto))
		return false;
	*ret = (struct selector){.src = span(&src->first, &src->last),
	    .dst = span(&dst->first, &dst->last),
	    .proto = proto ? proto : IPPROTO_ANY_};
	if (ip_proto_has_ports(ret->proto)) {
		ret->sport = one_port(src);
		ret->dport = one_port(dst);
	}
	return true;
}

const char *selectors_format(const struct ike2_ts_list *l, char buf[SELECTORS_STRLEN])
{
	const struct ike2_ts *t = &l->ts[0];
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (!l->n)
		return strcpy(buf, "nothing");
	snprintf(buf, SELECTORS_STRLEN, "%s-%s[%u/%u-%u]%s", inet_addr_format(&t->first, a),
	    inet_addr_format(&t->last, b), t->proto, t->first_port, t->last_port,
	    l->n > 1 ? " and more" : "");
	return buf;
}
