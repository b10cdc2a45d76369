/*
 * What is protected: LOCAL = REMOTE, each a list of addresses, prefixes and ranges, with a protocol and a
 * port in brackets behind those that have one.
 */
#include <stdio.h>

#include "config/native/reader.h"
#include "ipsec/selector.h"

enum { ICMP = 1, ICMP6 = 58 };

static bool prefix(struct nc_cur *c, const struct nc_word *w, char *text, char *slash, struct native_ts *ret)
{
	char *end, plain[INET_PREFIX_STRLEN];
	unsigned long plen;

	*slash = '\0';
	if (inet_addr_parse(text, &ret->first) < 0)
		return nc_fault(c, w, "is no prefix: its part before the `/` is no address");
	plen = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || slash[1] < '0' || slash[1] > '9')
		return nc_fault(c, w, "is no prefix: a number of bits stands behind the `/`");
	if (plen > inet_addr_bits(&ret->first))
		return nc_fault(c, w, "is no prefix: an address has %u bits", inet_addr_bits(&ret->first));
	ret->plen = (uint8_t)plen;
	ret->kind = NATIVE_TS_PREFIX;
	const struct inet_prefix p = {ret->first, ret->plen};
	const struct inet_addr first = inet_prefix_first(&p);

	if (!inet_addr_equal(&first, &ret->first)) {
		const struct inet_prefix meant = {first, ret->plen};

		return nc_fault(c, w, "has bits set behind its length: did you mean `%s`?",
		    inet_prefix_format(&meant, plain));
	}
	return true;
}

static bool range(struct nc_cur *c, const struct nc_word *w, char *text, char *dash, struct native_ts *ret)
{
	*dash = '\0';
	if (inet_addr_parse(text, &ret->first) < 0 || inet_addr_parse(dash + 1, &ret->last) < 0)
		return nc_fault(c, w, "is no range, as 10.0.0.1-10.0.0.9");
	if (ret->first.family != ret->last.family)
		return nc_fault(c, w, "is no range: its ends are of two families");
	if (inet_addr_cmp(&ret->first, &ret->last) > 0)
		return nc_fault(c, w, "is no range: its end lies before its beginning");
	ret->kind = NATIVE_TS_RANGE;
	return true;
}

static bool addresses(struct nc_cur *c, const char *self, struct native_ts *ret)
{
	static const char what[] =
	    "addresses (a prefix, a range, `any`, or `local` and `remote` for the gateways)";
	const char *other = strcmp(self, "local") == 0 ? "remote" : "local";
	char text[2 * INET_ADDR_STRLEN], *at;
	const struct nc_word *w;

	if (!nc_want(c, what))
		return false;
	w = nc_next(c);
	ret->at = nc_place(c, w);
	if (w->kind != NC_WORD || !nc_text(w, text, sizeof(text)))
		return nc_fault(c, w, "does not name addresses");
	if (nc_word_is(w, "any")) {
		ret->kind = NATIVE_TS_ANY;
		return true;
	}
	if (nc_word_is(w, self)) {
		ret->kind = NATIVE_TS_SELF;
		return true;
	}
	if (nc_word_is(w, other))
		return nc_fault(c, w, "stands on the wrong side of the `=`: on this side it is `%s`", self);
	if ((at = strchr(text, '/')))
		return prefix(c, w, text, at, ret);
	if ((at = strchr(text, '-')))
		return range(c, w, text, at, ret);
	if (inet_addr_parse(text, &ret->first) < 0)
		return nc_fault(c, w, "is no address; names of hosts are not looked up here");
	ret->plen = inet_addr_bits(&ret->first);
	ret->kind = NATIVE_TS_PREFIX;
	return true;
}

static bool protocol(struct nc_cur *c, const struct nc_word *w, const char *name, uint16_t *ret)
{
	static const struct nc_choice names[] = {{"any", IPPROTO_ANY_}, {"icmp", ICMP}, {"tcp", 6},
	    {"udp", 17}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"icmp6", ICMP6}, {"ospf", 89},
	    {"ipcomp", 108}, {"sctp", 132}};
	char more[96], *end;
	unsigned long v = strtoul(name, &end, 10);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].word, name) == 0) {
			*ret = (uint16_t)names[i].value;
			return true;
		}
	}
	if (!*end && name[0] >= '0' && name[0] <= '9') {
		if (v > 255)
			return nc_fault(c, w, "is no protocol: their numbers end at 255");
		*ret = (uint16_t)v;
		return true;
	}
	return nc_fault(c, w, "is no protocol: tcp, udp, icmp, a number ...%s",
	    nc_suggest(name, names, ARRAY_SIZE(names), more));
}

/* "[tcp/443]", where there is one. */
static bool service(struct nc_cur *c, struct native_ts *ret)
{
	const struct nc_word *w;
	char text[64], *slash, *end;
	unsigned long port;

	if (!nc_skip(c, "["))
		return true;
	if (!nc_want(c, "a protocol, as tcp or tcp/443,"))
		return false;
	w = nc_next(c);
	if (w->kind != NC_WORD || !nc_text(w, text, sizeof(text)))
		return nc_fault(c, w, "is no protocol: tcp, udp, icmp, a number ...");
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (!protocol(c, w, text, &ret->proto))
		return false;
	if (slash && !ip_proto_has_ports(ret->proto))
		return nc_fault(c, w, "is a protocol without ports");
	if (slash) {
		port = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end || !port || port > UINT16_MAX)
			return nc_fault(c, w, "has no port behind the `/`: 1 to 65535");
		ret->port = (uint16_t)port;
	}
	if (!nc_skip(c, "]"))
		return nc_fault(c, w, "wants `]` behind it");
	return true;
}

static bool side(struct nc_cur *c, const char *self, struct native_side *ret)
{
	do {
		struct native_ts ts = {.proto = IPPROTO_ANY_};
		const struct nc_word *w = nc_peek(c);

		if (!addresses(c, self, &ts) || !service(c, &ts))
			return false;
		if (ret->n == NATIVE_SELECTORS_MAX)
			return nc_fault(
			    c, w, "is one too many: %d on a side are enough", NATIVE_SELECTORS_MAX);
		ret->ts[ret->n++] = ts;
	} while (nc_skip(c, ","));
	return true;
}

static enum inet_family family(const struct native_ts *t)
{
	return t->kind == NATIVE_TS_PREFIX || t->kind == NATIVE_TS_RANGE ? t->first.family : INET_NONE;
}

/* Something of either side goes with something of the other. */
static bool can_meet(const struct native_ts *a, const struct native_side *side)
{
	for (uint8_t i = 0; i < side->n; i++) {
		const struct native_ts *b = &side->ts[i];
		bool families = !family(a) || !family(b) || family(a) == family(b);

		if (families &&
		    (a->proto == IPPROTO_ANY_ || b->proto == IPPROTO_ANY_ || a->proto == b->proto))
			return true;
	}
	return false;
}

static bool check(
    struct nc_cur *c, const struct native_side *a, const struct native_side *b, const char *other)
{
	for (uint8_t i = 0; i < a->n; i++) {
		if (!can_meet(&a->ts[i], b))
			return nc_fault(c, nc_word_of(c, &a->ts[i].at),
			    "meets nothing on the %s side: families and protocols of both have to agree",
			    other);
	}
	return true;
}

bool nc_sides(struct nc_cur *c, struct native_side *local, struct native_side *remote)
{
	const struct nc_word *last;

	if (!side(c, "local", local))
		return false;
	last = nc_word_at(c->r->tree, c->s, c->at - 1);
	if (!nc_peek(c))
		return nc_fault(c, last, "wants `=` and the remote side behind it");
	if (!nc_skip(c, "="))
		return nc_fault(
		    c, nc_peek(c), "is not expected: `=` stands between the sides, `,` between addresses");
	return side(c, "remote", remote) && nc_end(c) && check(c, local, remote, "remote") &&
	       check(c, remote, local, "local");
}
