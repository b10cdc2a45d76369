/*
 * Receiving from the sockets, many packets a call. A raw IPv4 socket gives the whole packet; a raw IPv6
 * socket gives what is behind the headers, and a UDP socket what is behind its own, with the rest in control
 * messages. The pipeline works on packets, so the IP header is put in front again: for AH every octet of it
 * that counts must be what it was.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "datapathd/worker.h"
#include "wire/esp/udp_encap.h"

enum {
	HOPS_UNKNOWN = 64,
	EXT_MIN = 8,   /* RFC 8200 section 4 */
	EXT_ROOM = 512 /* what AH can mask, and no more (wire/esp/ah.h) */
};

static bool is_v6(enum worker_source s)
{
	return s >= SOURCE_ESP6;
}

static bool is_udp(enum worker_source s)
{
	return s == SOURCE_UDP4 || s == SOURCE_UDP6;
}

static uint8_t protocol_of(enum worker_source s)
{
	switch (s) {
	case SOURCE_AH4:
	case SOURCE_AH6:
		return IPSEC_AH;
	case SOURCE_COMP4:
	case SOURCE_COMP6:
		return IPSEC_IPCOMP;
	default:
		return IPSEC_ESP;
	}
}

/* What the kernel said about one packet. */
struct arrival {
	uint8_t src[16], dst[16];
	bool has_dst;
	uint8_t tos, hops;
	uint16_t sport;
	uint32_t scope, ifindex; /* v6: of a link-local sender; where it came in */
	uint8_t first;           /* the first extension header's number, when there are any */
	uint32_t ext_len, last;  /* in octets; where the last one begins */
	uint8_t ext[EXT_ROOM];   /* in order */
	bool unfit;              /* more extension headers than there is room for, or half a one */
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

	if (n < EXT_MIN || n > EXT_ROOM - a->ext_len) {
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

/* False when the kernel did not say enough. */
static bool read_arrival(struct msghdr *m, bool v6, struct arrival *ret)
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
		if (v6 && c->cmsg_level == IPPROTO_IPV6)
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

static bool is_ike(const struct worker *w, const struct pkt *p)
{
	return udp_encap_kind(p->data, p->len) == UDP_ENCAP_IKE &&
	       atomic_load_explicit(&w->ike.wanted, memory_order_relaxed);
}

/* keyd judges what is in it; here it is only a matter of how much (RFC 3948 section 2.2). */
static void hand_to_keyd(struct worker *w, struct pkt *p, const struct arrival *a, bool v6)
{
	size_t n = v6 ? 16 : 4;
	struct ike_head h = {
	    .local = inet_addr_from_bytes(a->dst, n),
	    .remote = inet_addr_from_bytes(a->src, n),
	    .remote_port = a->sport,
	    .n = p->len - UDP_ENCAP_MARKER,
	};

	p->v6 = v6;
	h.remote.scope = a->scope;
	h.local.scope =
	    v6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)(const void *)a->dst) ? a->ifindex : 0;
	if (!h.n || !h.remote_port) {
		stage_drop(&w->counters, p, DROP_IN_MALFORMED);
	} else if (!bucket_take(&w->ike.budget, 1, w->path.now_ms) ||
	           !ike_ring_push(&w->ike.ring, &h, p->data + UDP_ENCAP_MARKER)) {
		stage_drop(&w->counters, p, DROP_IN_IKE_ROOM);
	} else {
		p->verdict = VERDICT_IKE;
		w->path.hints = true;
		count_path(&w->counters, PATH_IKE_RECEIVED);
	}
}

/* A packet whose headers cannot be had again is dropped like one without them. */
static void rebuild(struct worker *w, struct pkt *p, struct msghdr *m, enum worker_source s)
{
	struct arrival a;
	bool v6 = is_v6(s);

	if (!read_arrival(m, v6, &a) || p->len > UINT16_MAX - IP4_HDR_LEN - a.ext_len) {
		p->v6 = v6;
		stage_drop(&w->counters, p, DROP_IN_MALFORMED);
		return;
	}
	if (is_udp(s) && is_ike(w, p)) {
		hand_to_keyd(w, p, &a, v6);
		return;
	}
	if (is_udp(s)) {
		p->udp_sport = a.sport;
		p->udp_dport = SA_UDP_PORT;
	}
	if (v6)
		put_header6(p, &a, protocol_of(s));
	else
		put_header4(p, &a, protocol_of(s));
}

/* The kernel overwrites the lengths, so they are set before each call. */
static void arm(struct worker *w, bool with_control)
{
	struct receive *r = &w->receive;

	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		r->iov[i] = (struct iovec){.iov_base = batch_slot(&w->in, i)->data, .iov_len = PKT_LEN_MAX};
		r->msg[i].msg_hdr = (struct msghdr){.msg_iov = &r->iov[i], .msg_iovlen = 1};
		if (!with_control)
			continue;
		r->msg[i].msg_hdr.msg_name = &r->from[i];
		r->msg[i].msg_hdr.msg_namelen = sizeof(r->from[i]);
		r->msg[i].msg_hdr.msg_control = r->control[i];
		r->msg[i].msg_hdr.msg_controllen = RECEIVE_CONTROL;
	}
}

bool worker_inbound(struct worker *w, enum worker_source s)
{
	bool bare = is_v6(s) || is_udp(s);
	struct batch *b = &w->in;
	int n;

	arm(w, bare);
	n = recvmmsg(w->fd.in[s], w->receive.msg, BATCH_MAX, MSG_DONTWAIT, NULL);
	/* An ICMP error waiting for us is reported once by whatever call comes next; the packets are still
	 * there. */
	if (n <= 0)
		return n < 0 && errno != EAGAIN && errno != EBADF;
	b->n = (uint32_t)n;
	for (uint32_t i = 0; i < b->n; i++) {
		b->pkt[i].len = w->receive.msg[i].msg_len;
		if (bare)
			rebuild(w, &b->pkt[i], &w->receive.msg[i].msg_hdr, s);
	}
	counter_add(&w->counters.path[PATH_RECEIVED], b->n);
	path_inbound(&w->path, b);
	worker_deliver(w, b);
	return b->n == BATCH_MAX;
}
