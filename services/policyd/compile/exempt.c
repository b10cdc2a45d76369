/*
 * The list is design's: loopback, link-local, neighbour discovery, group membership, DHCP, and inbound
 * IKE/ESP/AH for this host. IGMP stands beside MLD as its IPv4 twin. Matches are as narrow as the protocols
 * allow (hop limits, both ports), so that a row is no way around a policy.
 */
#include "policyd/compile/exempt.h"

#include <netinet/in.h>

#include "base/auto.h"

enum { TYPE_ND_FIRST = 133, TYPE_ND_LAST = 137, TYPE_MLD_FIRST = 130, TYPE_MLD_LAST = 132, TYPE_MLD2 = 143 };
enum { TYPE_TOO_BIG4 = 3, TYPE_TOO_BIG6 = 2 };
enum {
	PORT_DHCP_SERVER = 67,
	PORT_DHCP_CLIENT,
	PORT_DHCP6_CLIENT = 546,
	PORT_DHCP6_SERVER,
	PORT_IKE = 500,
	PORT_IKE_NATT = 4500
};

struct row {
	const char *name;
	bool (*named)(const struct selector *s);
	/* nft matches per place; NULL: not consulted there. A second line is a second rule. */
	const char *out, *out2, *in, *in2;
	bool forward; /* `out` and `out2` also hold for forwarded packets */
};

static bool within(const struct inet_prefix *p, const struct inet_prefix *wide)
{
	return p->plen >= wide->plen && inet_prefix_contains(wide, &p->addr);
}

static bool either_within(const struct selector *s, const struct inet_prefix *wide)
{
	return within(&s->src, wide) || within(&s->dst, wide);
}

static bool names_loopback4(const struct selector *s)
{
	const struct inet_prefix lo = {.addr = {.family = INET_V4, .b = {127}}, .plen = 8};

	return either_within(s, &lo);
}

static bool names_loopback6(const struct selector *s)
{
	const struct inet_prefix lo = {.addr = {.family = INET_V6, .b = {[15] = 1}}, .plen = 128};

	return either_within(s, &lo);
}

static bool names_linklocal4(const struct selector *s)
{
	const struct inet_prefix ll = {.addr = {.family = INET_V4, .b = {169, 254}}, .plen = 16};

	return either_within(s, &ll);
}

static bool names_linklocal6(const struct selector *s)
{
	const struct inet_prefix ll = {.addr = {.family = INET_V6, .b = {0xfe, 0x80}}, .plen = 10};

	return either_within(s, &ll);
}

static bool names_nd(const struct selector *s)
{
	return s->proto == IPPROTO_ICMPV6 && s->sport >= TYPE_ND_FIRST && s->sport <= TYPE_ND_LAST;
}

static bool names_mld(const struct selector *s)
{
	return s->proto == IPPROTO_ICMPV6 &&
	       ((s->sport >= TYPE_MLD_FIRST && s->sport <= TYPE_MLD_LAST) || s->sport == TYPE_MLD2);
}

static bool names_igmp(const struct selector *s)
{
	return s->proto == IPPROTO_IGMP;
}

static bool names_udp(const struct selector *s, uint16_t a, uint16_t b)
{
	return s->proto == IPPROTO_UDP && (s->sport == a || s->sport == b || s->dport == a || s->dport == b);
}

static bool names_dhcp4(const struct selector *s)
{
	return s->src.addr.family == INET_V4 && names_udp(s, PORT_DHCP_SERVER, PORT_DHCP_CLIENT);
}

static bool names_dhcp6(const struct selector *s)
{
	return s->src.addr.family == INET_V6 && names_udp(s, PORT_DHCP6_CLIENT, PORT_DHCP6_SERVER);
}

static bool names_ike(const struct selector *s)
{
	return names_udp(s, PORT_IKE, PORT_IKE_NATT);
}

static bool names_esp(const struct selector *s)
{
	return s->proto == IPPROTO_ESP;
}

static bool names_ipcomp(const struct selector *s)
{
	return s->proto == IPPROTO_COMP;
}

static bool names_ah(const struct selector *s)
{
	return s->proto == IPPROTO_AH;
}

static bool names_too_big(const struct selector *s)
{
	return (s->proto == IPPROTO_ICMP && s->sport == TYPE_TOO_BIG4) ||
	       (s->proto == IPPROTO_ICMPV6 && s->sport == TYPE_TOO_BIG6);
}

static const struct row rows[] = {
    {.name = "loopback",
        .named = names_loopback4,
        .out = "meta nfproto ipv4 oifname \"lo\"",
        .in = "meta nfproto ipv4 iifname \"lo\""},
    {.name = "loopback6",
        .named = names_loopback6,
        .out = "meta nfproto ipv6 oifname \"lo\"",
        .in = "meta nfproto ipv6 iifname \"lo\""},
    {.name = "link-local",
        .named = names_linklocal4,
        .out = "ip daddr 169.254.0.0/16",
        .in = "ip saddr 169.254.0.0/16",
        .forward = true},
    {.name = "link-local6",
        .named = names_linklocal6,
        .out = "ip6 daddr fe80::/10",
        .out2 = "ip6 saddr fe80::/10 ip6 daddr ff00::/8",
        .in = "ip6 saddr fe80::/10",
        .forward = true},
    {.name = "neighbour-discovery",
        .named = names_nd,
        .out = "icmpv6 type 133-137 ip6 hoplimit 255",
        .in = "icmpv6 type 133-137 ip6 hoplimit 255"},
    {.name = "mld",
        .named = names_mld,
        .out = "icmpv6 type { 130-132, 143 } ip6 hoplimit 1",
        .in = "icmpv6 type { 130-132, 143 } ip6 hoplimit 1"},
    {.name = "igmp",
        .named = names_igmp,
        .out = "meta l4proto 2 ip ttl 1 ip daddr 224.0.0.0/4",
        .in = "meta l4proto 2 ip ttl 1"},
    {.name = "dhcp",
        .named = names_dhcp4,
        .out = "ip frag-off & 0x1fff == 0 udp sport 68 udp dport 67",
        .out2 = "ip frag-off & 0x1fff == 0 udp sport 67 udp dport 68",
        .in = "meta nfproto ipv4 udp sport 67 udp dport 68",
        .in2 = "meta nfproto ipv4 udp sport 68 udp dport 67"},
    {.name = "dhcp6",
        .named = names_dhcp6,
        .out = "meta nfproto ipv6 udp sport 546 udp dport 547",
        .out2 = "meta nfproto ipv6 udp sport 547 udp dport 546",
        .in = "meta nfproto ipv6 udp sport 547 udp dport 546",
        .in2 = "meta nfproto ipv6 udp sport 546 udp dport 547"},
    {.name = "ike", .named = names_ike, .in = "udp dport { 500, 4500 }"},
    {.name = "esp", .named = names_esp, .in = "meta l4proto 50"},
    /* datapathd expands it and judges what was inside. */
    {.name = "ipcomp", .named = names_ipcomp, .in = "meta l4proto 108"},
    /* The kernel takes AH for an IPv6 extension header and shows what is behind it as the upper protocol. */
    {.name = "ah", .named = names_ah, .in = "ip protocol 51", .in2 = "ip6 nexthdr 51"},
    /* The same behind one header that routers or the receiver read: hop-by-hop, routing, destination options.
     */
    {.name = "ah-behind-options", .named = names_ah, .in = "ip6 nexthdr { 0, 43, 60 } @nh,320,8 51"},
    /*
     * A router's "too big" about a packet of ours. It never comes protected, and it may come from any
     * address, also the far end's (a gateway answers in its name). It goes to datapathd's error queues only,
     * where it is not believed without SPI and number. The quoted protocol and source port are looked for
     * where a plain header has them.
     */
    {.name = "too-big",
        .named = names_too_big,
        .in = "icmp type 3 icmp code 4 @th,136,8 { 50, 51, 108 }",
        .in2 = "icmpv6 type 2 @th,112,8 { 50, 51, 108 }"},
    {.name = "too-big-udp",
        .named = names_too_big,
        .in = "icmp type 3 icmp code 4 @th,136,8 17 @th,224,16 4500",
        .in2 = "icmpv6 type 2 @th,112,8 17 @th,384,16 4500"},
    {.name = "too-big-fragment",
        .named = names_too_big,
        .in = "icmpv6 type 2 @th,112,8 44 @th,384,8 { 50, 51, 108 }",
        .in2 = "icmpv6 type 2 @th,112,8 44 @th,384,8 17 @th,448,16 4500"},
};

struct exempt_set exempt_unnamed(const struct spd *spd, enum policy_dir dir)
{
	struct exempt_set set = {.rows = (1U << ARRAY_SIZE(rows)) - 1};

	for (const struct spd_entry *e = spd_first(spd, dir); e; e = spd_next(spd, e))
		for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
			if (rows[i].named(&e->policy.sel))
				set.rows &= ~(1U << i);
	return set;
}

static void write_rule(struct sbuf *to, const char *table, const char *chain, const char *match)
{
	if (match)
		sbuf_add(to, "add rule inet %s %s %s accept\n", table, chain, match);
}

void exempt_write(
    struct sbuf *to, const char *table, const char *chain, struct exempt_set set, enum exempt_place place)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		if (!(set.rows & 1U << i) || (place == EXEMPT_FORWARD && !r->forward))
			continue;
		write_rule(to, table, chain, place == EXEMPT_IN ? r->in : r->out);
		write_rule(to, table, chain, place == EXEMPT_IN ? r->in2 : r->out2);
	}
}

const char *exempt_name(unsigned row)
{
	return row < ARRAY_SIZE(rows) ? rows[row].name : NULL;
}
