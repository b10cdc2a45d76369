#include "datapathd/arrival.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

enum {
	HOPS_UNKNOWN = 64,
	EXT_MIN = 8, /* RFC 8200 section 4 */
};

static int int_of(const struct cmsghdr *c)
{
	int v = 0;

	if (c->cmsg_len >= CMSG_LEN(sizeof(v)))
		memcpy(&v, CMSG_DATA(c), sizeof(v));
	else if (c->cmsg_len > CMSG_LEN(0))
		v = *CMSG_DATA(c);
	return v;
}

static void add_extension(struct arrival *a, uint8_t number, const struct cmsghdr *c)
{
	size_t n = c->cmsg_len - CMSG_LEN(0);

	if (n < EXT_MIN || n > ARRIVAL_EXT_ROOM - a->ext_len) {
		a->unfit = true;
		return;
	}
	if (!a->ext_len)
		a->first = number;
	a->last = a->ext_len;
	memcpy(a->ext + a->ext_len, CMSG_DATA(c), n);
	a->ext_len += (uint32_t)n;
}

static void take_control4(struct arrival *a, const struct cmsghdr *c)
{
	struct in_pktinfo info;

	if (c->cmsg_type == IP_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof(info))) {
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(a->dst, &info.ipi_addr, 4);
		a->has_dst = true;
	} else if (c->cmsg_type == IP_TOS) {
		a->tos = (uint8_t)int_of(c);
	}
}

static void take_control6(struct arrival *a, const struct cmsghdr *c)
{
	struct in6_pktinfo info;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(info)))
			return;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(a->dst, &info.ipi6_addr, 16);
		a->has_dst = true;
		a->ifindex = info.ipi6_ifindex;
		break;
	case IPV6_TCLASS:
		a->tos = (uint8_t)int_of(c);
		break;
	case IPV6_HOPLIMIT:
		a->hops = (uint8_t)int_of(c);
		break;
	case IPV6_HOPOPTS:
		add_extension(a, IPPROTO_HOPOPTS, c);
		break;
	case IPV6_DSTOPTS:
		add_extension(a, IPPROTO_DSTOPTS, c);
		break;
	case IPV6_RTHDR:
		add_extension(a, IPPROTO_ROUTING, c);
		break;
	default:
		break;
	}
}

bool arrival_read(struct msghdr *m, bool v6, struct arrival *ret)
{
	const struct sockaddr_storage *from = m->msg_name;

	*ret = (struct arrival){.hops = HOPS_UNKNOWN};
	if (v6) {
		const struct sockaddr_in6 *s = (const struct sockaddr_in6 *)(const void *)from;

		memcpy(ret->src, &s->sin6_addr, 16);
		ret->sport = ntohs(s->sin6_port);
		ret->scope = s->sin6_scope_id;
	} else {
		const struct sockaddr_in *s = (const struct sockaddr_in *)(const void *)from;

		memcpy(ret->src, &s->sin_addr, 4);
		ret->sport = ntohs(s->sin_port);
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			ret->segment = (uint32_t)int_of(c);
		else if (v6 && c->cmsg_level == IPPROTO_IPV6)
			take_control6(ret, c);
		else if (!v6 && c->cmsg_level == IPPROTO_IP)
			take_control4(ret, c);
	}
	return ret->has_dst && !ret->unfit && !(m->msg_flags & MSG_CTRUNC);
}

static void put_header4(struct pkt *p, const struct arrival *a, uint8_t proto)
{
	struct ip4_params ip = {
	    .proto = proto, .tos = a->tos, .ttl = a->hops, .total_len = (uint16_t)(IP4_HDR_LEN + p->len)};

	memcpy(ip.src, a->src, sizeof(ip.src));
	memcpy(ip.dst, a->dst, sizeof(ip.dst));
	p->data -= IP4_HDR_LEN;
	p->len += IP4_HDR_LEN;
	ip4_write(p->data, &ip);
}

static void put_header6(struct pkt *p, const struct arrival *a, uint8_t proto)
{
	struct ip6_params ip = {.next = a->ext_len ? a->first : proto,
	    .tos = a->tos,
	    .hops = a->hops,
	    .payload_len = (uint16_t)(a->ext_len + p->len)};

	memcpy(ip.src, a->src, sizeof(ip.src));
	memcpy(ip.dst, a->dst, sizeof(ip.dst));
	p->data -= a->ext_len;
	memcpy(p->data, a->ext, a->ext_len);
	/* What follows in the rebuilt packet: of ESP in UDP the datagram's header is gone. */
	if (a->ext_len)
		p->data[a->last] = proto;
	p->data -= IP6_HDR_LEN;
	p->len += IP6_HDR_LEN + a->ext_len;
	ip6_write(p->data, &ip);
}

bool arrival_put_header(struct pkt *p, const struct arrival *a, bool v6, uint8_t proto)
{
	if (p->len > UINT16_MAX - IP4_HDR_LEN - a->ext_len)
		return false;
	if (v6)
		put_header6(p, a, proto);
	else
		put_header4(p, a, proto);
	return true;
}
