/*
 * One pass over the headers with the bounds-checked reader; afterwards everybody works with offsets that are
 * known to lie inside. What counts as the upper protocol is what the packet filter's `meta l4proto` says for
 * the same packet, so that kernel and data path classify alike: IPv4's protocol field as it is, IPv6's first
 * header that is no extension, AH being one.
 */
#include "wire/ip/ip.h"

#include <netinet/in.h>
#include <string.h>

#include "base/rd.h"
#include "wire/ip/csum.h"

enum {
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFF_MASK = 0x1fff,
	IP4_SRC_AT = 12,
	IP4_DST_AT = 16,
	IP6_SRC_AT = 8,
	IP6_DST_AT = 24,
	PROTO_GRE = 47,
	PROTO_MH = 135,
	GRE_F_CSUM = 0x8000,
	GRE_F_KEY = 0x2000,
};

static int parse4(const uint8_t *pkt, size_t len, enum ip_check check, struct ip_view *v)
{
	struct rd r = rd_init(pkt, len);
	uint8_t ver_ihl = rd_u8(&r);
	uint16_t off, sum;

	/* RFC 791 section 3.1 */
	v->hdr_len = (uint16_t)((ver_ihl & 15) * 4);
	v->tos = rd_u8(&r);
	v->total_len = rd_u16(&r);
	v->frag_id = rd_u16(&r);
	off = rd_u16(&r);
	v->ttl = rd_u8(&r);
	v->proto = rd_u8(&r);
	sum = rd_u16(&r);
	rd_skip(&r, 8);
	if (!rd_ok(&r))
		return IP_SHORT;
	if (v->hdr_len < IP4_HDR_LEN || v->total_len < v->hdr_len)
		return IP_BAD_HEADER;
	if (v->total_len > len)
		return IP_SHORT;
	if (check == IP_CHECK_SUM && csum_ip4_header(pkt, v->hdr_len) != sum)
		return IP_BAD_SUM;
	v->df = off & IP4_DF;
	v->more_frags = off & IP4_MF;
	v->frag_off = (uint16_t)((off & IP4_OFF_MASK) * 8);
	v->is_frag = v->more_frags || v->frag_off;
	/* A last octet beyond 65535 is the old ping of death. */
	if ((uint32_t)v->frag_off + v->total_len - v->hdr_len > 65535 - IP4_HDR_LEN)
		return IP_BAD_HEADER;
	v->proto_off = 9;
	v->upper_off = v->hdr_len;
	return IP_OK;
}

static bool is_ext(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

/* RFC 8200 section 4.5. False at a later fragment: what follows is not a header. */
static bool walk_fragment(struct rd *r, struct ip_view *v)
{
	uint16_t off;

	v->proto_off = (uint16_t)(v->total_len - rd_left(r));
	v->proto = rd_u8(r);
	rd_skip(r, 1);
	off = rd_u16(r);
	v->frag_id = rd_u32(r);
	v->frag_off = off & 0xfff8;
	v->more_frags = off & 1;
	v->is_frag = v->frag_off || v->more_frags;
	return v->frag_off == 0;
}

static void walk_ext(struct rd *r, struct ip_view *v)
{
	uint8_t type = v->proto, n;

	v->proto_off = (uint16_t)(v->total_len - rd_left(r));
	v->proto = rd_u8(r);
	n = rd_u8(r);
	/* AH counts words of 4 less two, the others words of 8 less one. */
	rd_skip(r, type == IPPROTO_AH ? (n + 2u) * 4 - 2 : (n + 1u) * 8 - 2);
}

static int parse6(const uint8_t *pkt, size_t len, struct ip_view *v)
{
	struct rd r = rd_init(pkt, len);
	uint32_t ver = rd_u32(&r), plen = rd_u16(&r);
	bool has_fragment = false;

	/* RFC 8200 section 3 */
	v->tos = (uint8_t)(ver >> 20);
	v->proto = rd_u8(&r);
	v->ttl = rd_u8(&r);
	rd_skip(&r, 32);
	if (!rd_ok(&r) || rd_left(&r) < plen)
		return IP_SHORT;
	/* A payload length of 0 with hop-by-hop options would be a jumbogram (RFC 2675); nothing here is that
	 * long. */
	if (plen == 0 && v->proto == IPPROTO_HOPOPTS)
		return IP_BAD_HEADER;
	v->hdr_len = IP6_HDR_LEN;
	v->total_len = IP6_HDR_LEN + plen;
	v->df = true;
	v->proto_off = 6;
	r = rd_sub(&(struct rd){.p = r.p, .end = r.end}, plen);
	for (unsigned n = 0; is_ext(v->proto); n++) {
		bool fragment = v->proto == IPPROTO_FRAGMENT;

		/* A second fragment header would hide what the first one says; no sender cuts twice. */
		if (n == IP6_EXT_MAX || (fragment && has_fragment))
			return IP_BAD_EXT;
		has_fragment |= fragment;
		if (!fragment)
			walk_ext(&r, v);
		else if (!walk_fragment(&r, v))
			break;
		if (!rd_ok(&r))
			return IP_BAD_EXT;
	}
	if (!rd_ok(&r))
		return IP_BAD_EXT;
	/* As for IPv4: no datagram ends beyond 65535 (RFC 8200 section 4.5). */
	if (v->frag_off + rd_left(&r) > 65535)
		return IP_BAD_HEADER;
	v->upper_off = (uint32_t)(v->total_len - rd_left(&r));
	return IP_OK;
}

int ip_parse(const void *pkt, size_t len, enum ip_check check, struct ip_view *ret)
{
	const uint8_t *p = pkt;
	struct ip_view v = {.pkt = p};
	int r;

	if (len == 0)
		return IP_SHORT;
	v.version = p[0] >> 4;
	if (v.version == 4)
		r = parse4(p, len, check, &v);
	else if (v.version == 6)
		r = parse6(p, len, &v);
	else
		r = IP_BAD_VERSION;
	if (r == IP_OK)
		*ret = v;
	return r;
}

struct inet_addr ip_src(const struct ip_view *v)
{
	return v->version == 4 ? inet_addr_from_bytes(v->pkt + IP4_SRC_AT, 4)
	                       : inet_addr_from_bytes(v->pkt + IP6_SRC_AT, 16);
}

struct inet_addr ip_dst(const struct ip_view *v)
{
	return v->version == 4 ? inet_addr_from_bytes(v->pkt + IP4_DST_AT, 4)
	                       : inet_addr_from_bytes(v->pkt + IP6_DST_AT, 16);
}

/* RFC 2890: the key follows the optional checksum word. */
static void read_gre_key(struct rd *r, struct packet_key *k)
{
	uint16_t flags = rd_u16(r);

	rd_skip(r, 2);
	if (flags & GRE_F_CSUM)
		rd_skip(r, 4);
	k->sport = rd_u16(r);
	k->dport = rd_u16(r);
	k->has_ports = rd_ok(r) && (flags & GRE_F_KEY);
}

/* RFC 6275 section 6.1.1: type is the third octet; there is no code. */
static void read_mh_type(struct rd *r, struct packet_key *k)
{
	rd_skip(r, 2);
	k->sport = rd_u8(r);
	k->has_ports = rd_ok(r);
}

static void read_ports(struct rd *r, struct packet_key *k)
{
	if (ip_proto_has_ports(k->proto)) {
		k->sport = rd_u16(r);
		k->dport = rd_u16(r);
		k->has_ports = rd_ok(r);
	} else if (k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6) {
		k->sport = rd_u8(r);
		k->dport = rd_u8(r);
		k->has_ports = rd_ok(r);
	} else if (k->proto == PROTO_GRE) {
		read_gre_key(r, k);
	} else if (k->proto == PROTO_MH) {
		read_mh_type(r, k);
	}
	if (!k->has_ports)
		k->sport = k->dport = 0;
}

void ip_packet_key(const struct ip_view *v, struct packet_key *ret)
{
	struct packet_key k = {.src = ip_src(v), .dst = ip_dst(v), .proto = v->proto};
	struct rd r = rd_init(v->pkt + v->upper_off, v->total_len - v->upper_off);

	if (v->frag_off == 0)
		read_ports(&r, &k);
	*ret = k;
}

const char *ip_outcome_name(enum ip_outcome o)
{
	static const char *const names[] = {
	    [IP_OK] = "good",
	    [IP_SHORT] = "packet shorter than its header says",
	    [IP_BAD_VERSION] = "neither IPv4 nor IPv6",
	    [IP_BAD_HEADER] = "lengths in the header contradict each other",
	    [IP_BAD_SUM] = "wrong header checksum",
	    [IP_BAD_EXT] = "extension headers cut off or too many",
	    [IP_FRAGMENT] = "a fragment where a whole datagram is needed",
	};

	return o < ARRAY_SIZE(names) ? names[o] : "?";
}
