/*
 * Kept free of packets and text: the SPD, the packet-filter compiler and the data path all ask the same
 * questions here, so that the kernel's copy and datapathd's copy of the SPD cannot come to differ in meaning.
 */
#include "ipsec/selector.h"

#include <errno.h>
#include <netinet/in.h>

enum { PROTO_GRE = 47, PROTO_MH = 135 };

bool ip_proto_has_ports(uint16_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

bool ip_proto_has_misc(uint16_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 || proto == PROTO_MH || proto == PROTO_GRE;
}

int selector_check(const struct selector *s, const char **ret_why)
{
	const char *why = NULL;

	if (!inet_prefix_valid(&s->src) || !inet_prefix_valid(&s->dst))
		why = "invalid prefix length";
	else if (s->src.addr.family != s->dst.addr.family)
		why = "source and destination are of different families";
	else if (s->proto > IPPROTO_ANY_)
		why = "invalid upper layer protocol";
	else if (s->misc && !ip_proto_has_misc(s->proto))
		why = "this upper protocol has no type, code or key";
	if (!why)
		return 0;
	*ret_why = why;
	return -EINVAL;
}

bool selector_equal(const struct selector *a, const struct selector *b)
{
	return inet_prefix_equal(&a->src, &b->src) && inet_prefix_equal(&a->dst, &b->dst) &&
	       a->proto == b->proto && a->sport == b->sport && a->dport == b->dport && a->misc == b->misc;
}

static bool port_match(uint16_t want, uint16_t have)
{
	return want == SELECTOR_PORT_ANY || want == have;
}

bool selector_match(const struct selector *s, const struct packet_key *k, bool lenient)
{
	if (!inet_prefix_contains(&s->src, &k->src) || !inet_prefix_contains(&s->dst, &k->dst))
		return false;
	if (s->proto != IPPROTO_ANY_ && s->proto != k->proto)
		return false;
	if (s->sport == SELECTOR_PORT_ANY && s->dport == SELECTOR_PORT_ANY)
		return true;
	/* A port with upper protocol `any` means "those protocols that have ports", never an ICMP type. */
	if (s->proto == IPPROTO_ANY_ && !ip_proto_has_ports(k->proto))
		return false;
	if (!k->has_ports)
		return lenient;
	return port_match(s->sport, k->sport) && port_match(s->dport, k->dport);
}
