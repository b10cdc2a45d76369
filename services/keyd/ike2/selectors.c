#include "keyd/ike2/selectors.h"

#include <stdio.h>
#include <string.h>

enum {
	OCTET = 256,
	PIECES_MAX = 256, /* into which a selector may be cut: more than honest lists make */
};

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

/* One selector as a box: all packets' ends with a protocol, a port and an address in it. */
enum range { RANGE_PROTO = 0, RANGE_PORT, RANGES };
struct box {
	uint16_t range[RANGES][2];
	struct inet_addr addr[2];
};

static struct box box_of(const struct ike2_ts *t)
{
	bool any = t->proto == IKE2_TS_PROTO_ANY;

	return (struct box){.range = {[RANGE_PROTO] = {any ? 0 : t->proto, any ? UINT8_MAX : t->proto},
	                        [RANGE_PORT] = {t->first_port, t->last_port}},
	    .addr = {t->first, t->last}};
}

static bool range_is_in(const uint16_t in[2], const uint16_t of[2])
{
	return of[0] <= in[0] && in[1] <= of[1];
}

/* OPAQUE, whose ports are turned round, meets nothing: no policy is for it. */
static bool ranges_meet(const uint16_t a[2], const uint16_t b[2])
{
	return a[0] <= a[1] && b[0] <= b[1] && a[0] <= b[1] && b[0] <= a[1];
}

static bool is_in(const struct box *in, const struct box *of)
{
	return range_is_in(in->range[RANGE_PROTO], of->range[RANGE_PROTO]) &&
	       range_is_in(in->range[RANGE_PORT], of->range[RANGE_PORT]) &&
	       of->addr[0].family == in->addr[0].family && inet_addr_cmp(&of->addr[0], &in->addr[0]) <= 0 &&
	       inet_addr_cmp(&in->addr[1], &of->addr[1]) <= 0;
}

static bool meets(const struct box *a, const struct box *b)
{
	return ranges_meet(a->range[RANGE_PROTO], b->range[RANGE_PROTO]) &&
	       ranges_meet(a->range[RANGE_PORT], b->range[RANGE_PORT]) &&
	       a->addr[0].family == b->addr[0].family && inet_addr_cmp(&a->addr[0], &b->addr[1]) <= 0 &&
	       inet_addr_cmp(&b->addr[0], &a->addr[1]) <= 0;
}

/* The address behind, or in front of, one that is not the last, or the first. */
static struct inet_addr beside(struct inet_addr a, bool behind)
{
	for (size_t i = inet_addr_len(&a); i > 0; i--) {
		uint8_t before = a.b[i - 1];

		a.b[i - 1] = (uint8_t)(before + (behind ? 1 : UINT8_MAX));
		if (before != (behind ? UINT8_MAX : 0))
			break;
	}
	return a;
}

struct search {
	const struct ike2_ts_list *l;
	unsigned left; /* so many pieces are looked at still */
};

static bool is_named(struct search *s, const struct box *b, uint8_t from);

/* What of the addresses of `b`, or else of its ports, protocols, is on one side of `cut` has to be named by
 * what comes behind it; the rest goes on. */
static bool rest_of_addresses(struct search *s, struct box *b, const struct box *cut, uint8_t next)
{
	struct box piece = *b;

	if (inet_addr_cmp(&b->addr[0], &cut->addr[0]) < 0) {
		piece.addr[1] = beside(cut->addr[0], false);
		b->addr[0] = cut->addr[0];
		if (!is_named(s, &piece, next))
			return false;
	}
	piece = *b;
	if (inet_addr_cmp(&b->addr[1], &cut->addr[1]) <= 0)
		return true;
	piece.addr[0] = beside(cut->addr[1], true);
	b->addr[1] = cut->addr[1];
	return is_named(s, &piece, next);
}

static bool rest_of_range(struct search *s, struct box *b, const struct box *cut, enum range r, uint8_t next)
{
	struct box piece = *b;

	if (b->range[r][0] < cut->range[r][0]) {
		piece.range[r][1] = (uint16_t)(cut->range[r][0] - 1);
		b->range[r][0] = cut->range[r][0];
		if (!is_named(s, &piece, next))
			return false;
	}
	piece = *b;
	if (b->range[r][1] <= cut->range[r][1])
		return true;
	piece.range[r][0] = (uint16_t)(cut->range[r][1] + 1);
	b->range[r][1] = cut->range[r][1];
	return is_named(s, &piece, next);
}

/* The first one that has a part of it is cut out, and each piece that remains has to be named by the others.
 */
static bool is_named(struct search *s, const struct box *b, uint8_t from)
{
	if (!s->left--) {
		s->left = 0;
		return false;
	}
	for (uint8_t i = from; i < s->l->n; i++) {
		struct box cut = box_of(&s->l->ts[i]), rest = *b;

		if (is_in(b, &cut))
			return true;
		if (meets(b, &cut))
			return rest_of_addresses(s, &rest, &cut, (uint8_t)(i + 1)) &&
			       rest_of_range(s, &rest, &cut, RANGE_PORT, (uint8_t)(i + 1)) &&
			       rest_of_range(s, &rest, &cut, RANGE_PROTO, (uint8_t)(i + 1));
	}
	return false;
}

static bool covers(const struct ike2_ts *a, const struct ike2_ts *b)
{
	const struct box x = box_of(a), y = box_of(b);

	return is_in(&y, &x);
}

static bool one_covers(const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	for (uint8_t i = 0; i < l->n; i++)
		if (covers(&l->ts[i], ts))
			return true;
	return false;
}

bool selectors_cover(const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	struct search s = {.l = l, .left = PIECES_MAX};
	const struct box b = box_of(ts);

	return one_covers(l, ts) || is_named(&s, &b, 0);
}

/* The same as long as there is something left of what all comparisons together may cost. */
static bool cover(struct selectors *all, const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	struct search s = {.l = l, .left = PIECES_MAX};
	const struct box b = box_of(ts);
	bool found = one_covers(l, ts);

	if (!found && all->pieces < SELECTORS_PIECES_MAX) {
		found = is_named(&s, &b, 0);
		all->pieces += PIECES_MAX - s.left;
	}
	return found;
}

bool selectors_have(struct selectors *l, const struct selector *policy)
{
	struct ike2_ts src, dst;

	selectors_of(policy, &src, &dst);
	return cover(l, &l->local, &src) && cover(l, &l->remote, &dst);
}

static bool one_meets(const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	const struct box b = box_of(ts);

	for (uint8_t i = 0; i < l->n; i++) {
		const struct box x = box_of(&l->ts[i]);

		if (meets(&x, &b))
			return true;
	}
	return false;
}

bool selectors_touch(const struct selectors *l, const struct selector *policy)
{
	struct ike2_ts src, dst;

	selectors_of(policy, &src, &dst);
	return one_meets(&l->local, &src) && one_meets(&l->remote, &dst);
}

static bool has_room(const struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	return l->n < IKE2_TS_MAX || one_covers(l, ts);
}

static void add(struct ike2_ts_list *l, const struct ike2_ts *ts)
{
	if (!one_covers(l, ts))
		l->ts[l->n++] = *ts;
}

bool selectors_add(struct selectors *l, const struct selector *policy)
{
	struct ike2_ts src, dst;

	selectors_of(policy, &src, &dst);
	if (!has_room(&l->local, &src) || !has_room(&l->remote, &dst))
		return false;
	add(&l->local, &src);
	add(&l->remote, &dst);
	return true;
}

uint16_t selectors_narrow(struct selectors *l, const struct selector *policy, uint16_t n, bool *taken)
{
	struct selectors together = {0};
	uint16_t n_taken = 0;
	bool clean = true;

	for (uint16_t i = 0; i < n; i++) {
		taken[i] = (!i || selectors_have(l, &policy[i])) && selectors_add(&together, &policy[i]);
		n_taken += taken[i];
	}
	for (uint16_t i = 0; clean && i < n; i++)
		clean = taken[i] || !selectors_touch(&together, &policy[i]);
	for (uint16_t i = 1; !clean && i < n; i++)
		taken[i] = false;
	return clean ? n_taken : 1;
}

unsigned selectors_rank(const struct selectors *l, const struct selector *policy)
{
	struct ike2_ts src, dst;

	selectors_of(policy, &src, &dst);
	if (covers(&src, &l->local.ts[0]) && covers(&dst, &l->remote.ts[0]))
		return 2;
	return covers(&l->local.ts[0], &src) && covers(&l->remote.ts[0], &dst);
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
