/*
 * ESP in UDP goes out by the socket of port 4500, and what follows each other there on one way in one length
 * as one message, a train: the kernel walks its stack once for up to 64 datagrams. The outer header that the
 * pipeline made is told to the kernel in words. What cannot be told so, and what the kernel finds too long
 * for the way, goes by the raw socket like everything else, which is where path MTUs are learnt.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "datapathd/worker.h"
#include "wire/esp/udp_encap.h"

enum {
	TRAIN_MAX = 64,       /* datagrams: what any Linux takes */
	TRAIN_OCTETS = 65000, /* of their payload in one message */
	REPORTED_TRIES = 3,   /* the socket tells of ICMP errors in the place of sending */
	IP4_TOS_AT = 1,
	IP4_DF_AT = 6,
	IP4_TTL_AT = 8,
	IP4_PROTO_AT = 9,
	IP6_NEXT_AT = 6,
	IP6_HOPS_AT = 7,
};

static uint32_t ip_len(bool v6)
{
	return v6 ? IP6_HDR_LEN : IP4_HDR_LEN;
}

/* What a router has said of the way is known here and not to the kernel, which would send it whole. */
static bool is_too_long(const struct pkt *p, struct sa_rt *sa, uint64_t now_ms)
{
	uint32_t mtu = sa_path_mtu(sa, now_ms);

	return mtu && p->len > mtu;
}

/* The kernel can be told to make this header. DF it cannot: that belongs to the socket. */
static bool can_ride(const struct pkt *p, uint64_t now_ms)
{
	struct sa_rt *sa = p->n_bound ? p->bound[p->n_bound - 1].sa : NULL;
	uint32_t at = ip_len(p->v6);

	if (sa && is_too_long(p, sa, now_ms))
		return false;
	if (!sa || !sa->encap.dport || sa->encap.sport != SA_UDP_PORT || p->len <= at + UDP_ENCAP_LEN)
		return false;
	if (p->v6)
		return p->data[IP6_NEXT_AT] == IPPROTO_UDP;
	return p->data[0] == 0x45 && p->data[IP4_PROTO_AT] == IPPROTO_UDP && !p->data[IP4_DF_AT];
}

/* The same way, the same treatment on it. */
static bool same_way(const struct pkt *a, const struct pkt *b)
{
	uint32_t ports = ip_len(a->v6);

	if (memcmp(a->data + ports, b->data + ports, 4) != 0)
		return false;
	if (a->v6)
		return memcmp(a->data, b->data, 4) == 0 &&
		       memcmp(a->data + IP6_HOPS_AT, b->data + IP6_HOPS_AT, 1 + 32) == 0;
	return a->data[IP4_TOS_AT] == b->data[IP4_TOS_AT] && a->data[IP4_TTL_AT] == b->data[IP4_TTL_AT] &&
	       memcmp(a->data + 12, b->data + 12, 8) == 0;
}

struct control {
	struct msghdr *m;
	size_t room, used;
};

static void put_control(struct control *c, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *h = (struct cmsghdr *)(void *)((uint8_t *)c->m->msg_control + c->used);

	*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
	memcpy(CMSG_DATA(h), data, n);
	c->used += CMSG_SPACE(n);
	c->m->msg_controllen = c->used;
}

static void tell_header4(struct sending *s, uint32_t i, const struct pkt *p, struct control *c)
{
	struct in_pktinfo info = {0};
	int tos = p->data[IP4_TOS_AT], ttl = p->data[IP4_TTL_AT];

	s->to4[i] = (struct sockaddr_in){.sin_family = AF_INET};
	memcpy(&s->to4[i].sin_addr, p->data + 16, 4);
	memcpy(&s->to4[i].sin_port, p->data + IP4_HDR_LEN + 2, 2);
	memcpy(&info.ipi_spec_dst, p->data + 12, 4);
	c->m->msg_name = &s->to4[i];
	c->m->msg_namelen = sizeof(s->to4[i]);
	put_control(c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	put_control(c, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	put_control(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

static void tell_header6(struct sending *s, uint32_t i, const struct pkt *p, struct control *c)
{
	struct in6_pktinfo info = {0};
	int tclass = pkt_tos(p), hops = p->data[IP6_HOPS_AT];

	s->to6[i] = (struct sockaddr_in6){
	    .sin6_family = AF_INET6, .sin6_scope_id = p->bound[p->n_bound - 1].sa->dst.scope};
	memcpy(&s->to6[i].sin6_addr, p->data + 24, 16);
	memcpy(&s->to6[i].sin6_port, p->data + IP6_HDR_LEN + 2, 2);
	memcpy(&info.ipi6_addr, p->data + 8, 16);
	info.ipi6_ifindex = s->to6[i].sin6_scope_id;
	c->m->msg_name = &s->to6[i];
	c->m->msg_namelen = sizeof(s->to6[i]);
	put_control(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	put_control(c, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass));
	put_control(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
}

/* Message i begins with packet `first`. Of one packet too the segment's length is told: then the kernel
 * refuses what is too long, in the place of cutting it unasked. */
static void begin_train(struct sending *s, uint32_t i, uint32_t first)
{
	const struct pkt *p = s->pkt[first];
	struct msghdr *m = &s->msg[i].msg_hdr;
	struct control c = {.m = m};
	uint16_t each = (uint16_t)(p->len - ip_len(p->v6) - UDP_ENCAP_LEN);

	*m = (struct msghdr){.msg_iov = &s->iov[first], .msg_iovlen = 1, .msg_control = s->control[i]};
	s->first[i] = first;
	if (p->v6)
		tell_header6(s, i, p, &c);
	else
		tell_header4(s, i, p, &c);
	put_control(&c, SOL_UDP, UDP_SEGMENT, &each, sizeof(each));
}

/* All that can ride, in trains. Messages made; *ret_n packets in them. */
static uint32_t couple(struct sending *s, struct batch *b, bool v6, uint64_t now_ms, uint32_t *ret_n)
{
	uint32_t n = 0, trains = 0;
	size_t octets = 0;

	batch_foreach(p, b)
	{
		uint32_t head = ip_len(v6) + UDP_ENCAP_LEN;
		struct msghdr *m = trains ? &s->msg[trains - 1].msg_hdr : NULL;
		const struct pkt *first = trains ? s->pkt[s->first[trains - 1]] : NULL;

		if (p->verdict != VERDICT_SEND || p->v6 != v6 || !can_ride(p, now_ms))
			continue;
		s->pkt[n] = p;
		s->iov[n] = (struct iovec){.iov_base = p->data + head, .iov_len = p->len - head};
		/* A shorter one is the last of its train. */
		if (m && p->len <= first->len && s->pkt[n - 1]->len == first->len &&
		    m->msg_iovlen < TRAIN_MAX && octets + p->len - head <= TRAIN_OCTETS &&
		    same_way(first, p)) {
			m->msg_iovlen++;
			octets += p->len - head;
		} else {
			begin_train(s, trains++, n);
			octets = p->len - head;
		}
		n++;
	}
	*ret_n = n;
	return trains;
}

static void arrived(struct worker *w, uint32_t i, uint32_t n)
{
	struct sending *s = &w->sending;

	for (; n; n--, i++) {
		for (uint32_t k = 0; k < s->msg[i].msg_hdr.msg_iovlen; k++)
			s->pkt[s->first[i] + k]->verdict = VERDICT_SENT;
		counter_add(&w->counters.path[PATH_SENT], s->msg[i].msg_hdr.msg_iovlen);
	}
}

static void drop_train(struct worker *w, uint32_t i)
{
	struct sending *s = &w->sending;

	for (uint32_t k = 0; k < s->msg[i].msg_hdr.msg_iovlen; k++)
		stage_drop(&w->counters, s->pkt[s->first[i] + k], DROP_OUT_NOBUFS);
}

static void send_all(struct worker *w, int fd, uint32_t n)
{
	unsigned waits = 0, reported = 0;
	uint32_t i = 0;

	while (i < n) {
		int sent = sendmmsg(fd, &w->sending.msg[i], n - i, MSG_DONTWAIT);

		if (sent > 0) {
			arrived(w, i, (uint32_t)sent);
			i += (uint32_t)sent;
			continue;
		}
		switch (errno) {
		case EINTR:
			break;
		case EAGAIN:
		case ENOBUFS:
			if (waits++ < SEND_TRIES && worker_wait_writable(fd))
				break;
			drop_train(w, i++);
			break;
		case EIO:
		case EOPNOTSUPP:
		case ENOPROTOOPT:
			w->sending.no_trains = true;
			return;
		case ECONNREFUSED:
			if (reported++ < REPORTED_TRIES)
				break;
			/* fall through */
		default:
			i++; /* the raw socket tries, and says why not */
		}
	}
}

void worker_send_trains(struct worker *w, struct batch *b, bool v6)
{
	int fd = w->fd.in[v6 ? SOURCE_UDP6 : SOURCE_UDP4];
	uint32_t n, trains;

	if (fd < 0 || w->sending.no_trains)
		return;
	trains = couple(&w->sending, b, v6, w->path.now_ms, &n);
	if (n)
		send_all(w, fd, trains);
}
