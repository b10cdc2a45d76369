/*
 * Selectors: names become numbers only here, after the whole statement parsed, and ports are looked up under
 * the upper protocol they belong to (the originals asked for UDP and so missed services of TCP).
 */
#include "config/setkey/build.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "config/setkey/words.h"

enum { PROTO_GRE = 47, KAME_ANY = 255, NAME_ROOM = 256 };

static bool only_digits_and_dots(const char *s)
{
	return s[strspn(s, "0123456789.")] == '\0';
}

/* The resolver may say one address twice: glibc gives ::1 of the hosts file as 127.0.0.1, too. */
static size_t drop_repeated(struct inet_addr *addrs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < kept && !inet_addr_equal(&addrs[j], &addrs[i]))
			j++;
		if (j == kept)
			addrs[kept++] = addrs[i];
	}
	return kept;
}

size_t sk_resolve(struct sk_build *b, const struct sk_tok *t, struct inet_addr ret[SK_ADDRS_MAX])
{
	struct err_text e = {""};
	char name[NAME_ROOM];
	int n;

	if (!sk_tok_str(t, name, sizeof(name))) {
		sk_fault(
		    b, t, "this name is too long", "an address or a host name has at most 255 characters");
		return 0;
	}
	if (inet_addr_parse(name, &ret[0]) == 0) {
		if (b->family == INET_NONE || b->family == ret[0].family)
			return 1;
		sk_fault(b, t, "Address family for hostname not supported", "the statement says -%u",
		    (unsigned)b->family);
		return 0;
	}
	/* The resolver would read "10.1" as 10.0.0.1. */
	if (only_digits_and_dots(name)) {
		sk_fault(b, t, "this is no address", "an IPv4 address has four numbers of 0 to 255");
		return 0;
	}
	n = b->cfg->names->host(name, b->numeric_only, b->family, ret, SK_ADDRS_MAX, &e);
	if (n > 0)
		return drop_repeated(ret, (size_t)n);
	sk_fault(b, t, e.s[0] ? e.s : "Name or service not known",
	    b->numeric_only ? "-n allows numeric addresses only" : "check the name, or write the address");
	return 0;
}

static bool resolve_ends(struct sk_build *b, struct selector *sel)
{
	struct inet_addr src[SK_ADDRS_MAX], dst[SK_ADDRS_MAX];
	size_t n_src = sk_resolve(b, &b->src.host, src), n_dst = n_src ? sk_resolve(b, &b->dst.host, dst) : 0,
	       n = 0;

	for (size_t i = 0; i < n_src; i++) {
		for (size_t j = 0; j < n_dst; j++) {
			if (src[i].family != dst[j].family)
				continue;
			n++;
			sel->src = inet_prefix_host(&src[i]);
			sel->dst = inet_prefix_host(&dst[j]);
		}
	}
	if (n > 1)
		sk_fault(b, n_src > 1 ? &b->src.host : &b->dst.host, "multiple address specified",
		    "a policy takes one address for each side; write it, or say -4 or -6");
	else if (n_src && n_dst && !n)
		sk_fault(b, &b->dst.host, "Family mismatch",
		    "source and destination need addresses of one family");
	return n == 1;
}

static bool prefix_ok(struct sk_build *b, const struct sk_tok *t, struct inet_prefix *p)
{
	uint64_t v;

	if (!t->lex)
		return true;
	if (!sk_tok_number(t, inet_addr_bits(&p->addr), &v)) {
		sk_fault(b, t, "Invalid prefix length", "an IPv%u prefix has 0 to %u bits", p->addr.family,
		    inet_addr_bits(&p->addr));
		return false;
	}
	p->plen = (uint8_t)v;
	return true;
}

static bool upper_ok(struct sk_build *b, uint16_t *ret)
{
	const struct sk_tok *t = &b->upper;
	char name[NAME_ROOM], near[64];
	uint64_t v;

	if (sk_tok_is(t, "any") || sk_tok_is(t, "all")) {
		*ret = IPPROTO_ANY_;
		return true;
	}
	if (t->lex == SK_LEX_NUM) {
		if (!sk_tok_number(t, 255, &v)) {
			sk_fault(b, t, "invalid upper layer protocol", "protocol numbers are 0 to 255");
			return false;
		}
		*ret = v == KAME_ANY ? IPPROTO_ANY_ : (uint16_t)v;
		return true;
	}
	if (sk_tok_str(t, name, sizeof(name)) && b->cfg->names->proto(name, ret) == 0)
		return true;
	sk_fault(b, t, "invalid upper layer protocol", "write any, a number, or a name of /etc/protocols%s",
	    sk_suggest(t, sk_words_upper, near));
	return false;
}

static bool no_ports(struct sk_build *b, const struct sk_tok *t)
{
	sk_fault(b, t, "this upper protocol has no ports", "write [any], or leave out the brackets");
	return false;
}

bool sk_port(struct sk_build *b, const struct sk_tok *t, uint16_t proto, uint16_t *ret)
{
	char name[NAME_ROOM];
	uint64_t v = 0;

	if (!t->lex || sk_tok_is(t, "any"))
		return true;
	if (t->lex == SK_LEX_NUM) {
		if (!sk_tok_number(t, UINT16_MAX, &v)) {
			sk_fault(b, t, "invalid port", "ports are 0 to 65535");
			return false;
		}
		*ret = (uint16_t)v;
	} else if (proto != IPPROTO_ANY_ && ip_proto_has_misc(proto)) {
		sk_fault(b, t, "a service is no type of message",
		    "write the type and code behind the protocol, as in icmp 8,0");
		return false;
	} else if (proto != IPPROTO_ANY_ && !ip_proto_has_ports(proto)) {
		return no_ports(b, t);
	} else if (!sk_tok_str(t, name, sizeof(name)) || b->cfg->names->service(name, proto, ret) < 0) {
		sk_fault(b, t, "unknown service",
		    "the system's table of services does not have it under this protocol; "
		    "write the port's number");
		return false;
	}
	if (*ret && proto != IPPROTO_ANY_ && !ip_proto_has_ports(proto) && !ip_proto_has_misc(proto))
		return no_ports(b, t);
	return true;
}

static bool gre_key(struct sk_build *b, struct selector *sel)
{
	struct inet_addr quad;
	uint64_t key;
	char text[64];

	if (b->misc2.lex)
		return false;
	if (b->misc1.lex == SK_LEX_WORD) {
		if (!sk_tok_str(&b->misc1, text, sizeof(text)) || inet_addr_parse(text, &quad) < 0 ||
		    quad.family != INET_V4)
			return false;
		sel->sport = (uint16_t)(quad.b[0] << 8 | quad.b[1]);
		sel->dport = (uint16_t)(quad.b[2] << 8 | quad.b[3]);
		return true;
	}
	if (!sk_tok_number(&b->misc1, UINT32_MAX, &key))
		return false;
	sel->sport = (uint16_t)(key >> 16);
	sel->dport = (uint16_t)key;
	return true;
}

static bool type_and_code(struct sk_build *b, struct selector *sel)
{
	uint64_t type, code = 0;

	if (b->misc1.lex != SK_LEX_NUM || !sk_tok_number(&b->misc1, 255, &type))
		return false;
	if (b->misc2.lex && !sk_tok_number(&b->misc2, 255, &code))
		return false;
	sel->sport = (uint16_t)type;
	sel->dport = (uint16_t)code;
	return true;
}

/* What stands behind the upper protocol. */
static bool misc_ok(struct sk_build *b, struct selector *sel)
{
	static const char title[] = "invalid upper layer protocol spec";

	if (!ip_proto_has_misc(sel->proto)) {
		sk_fault(
		    b, &b->misc1, title, "only icmp, icmp6, mh and gre have something behind their name");
		return false;
	}
	if (sel->proto == PROTO_GRE && !gre_key(b, sel)) {
		sk_fault(
		    b, &b->misc1, title, "gre takes one 32-bit key, as a number or like an IPv4 address");
		return false;
	}
	if (sel->proto != PROTO_GRE && !type_and_code(b, sel)) {
		sk_fault(b, &b->misc1, title, "write TYPE or TYPE,CODE as numbers of 0 to 255");
		return false;
	}
	return true;
}

/* Type and code take the place of what stands in brackets (setkey.md 4.4), so that is not even looked up. */
static bool ports_or_misc_ok(struct sk_build *b, struct selector *sel)
{
	if (b->misc1.lex)
		return misc_ok(b, sel);
	return sk_port(b, &b->src.port, sel->proto, &sel->sport) &&
	       sk_port(b, &b->dst.port, sel->proto, &sel->dport);
}

bool sk_selector_ok(struct sk_build *b, struct selector *ret)
{
	struct selector sel = {0};

	if (!upper_ok(b, &sel.proto) || !resolve_ends(b, &sel))
		return false;
	if (!prefix_ok(b, &b->src.plen, &sel.src) || !prefix_ok(b, &b->dst.plen, &sel.dst))
		return false;
	if (!ports_or_misc_ok(b, &sel))
		return false;
	sel.misc = ip_proto_has_misc(sel.proto) && (sel.sport || sel.dport);
	*ret = sel;
	return true;
}
