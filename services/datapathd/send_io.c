/*
 * Sending on the two raw sockets, many packets a call. They carry the mark BYPASS, so our own packets do not
 * come back.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "datapathd/worker.h"
#include "wire/ip/frag.h"

enum { SEND_WAIT_MS = 2 /* for a full socket to drain, at most SEND_TRIES times in a batch */ };

static int send_piece(int fd, const struct ip_frag *f, const struct msghdr *like)
{
	/* iovec has no const; the octets are only read. */
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)f->hdr, .iov_len = f->hdr_len},
	    {.iov_base = (void *)(uintptr_t)f->data, .iov_len = f->len},
	};
	struct msghdr m = {
	    .msg_name = like->msg_name, .msg_namelen = like->msg_namelen, .msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(fd, &m, MSG_DONTWAIT) >= 0 ? 0 : -errno;
}

/* The next packets of this SA are cut before they are protected, or their senders told. */
static void remember(struct worker *w, struct pkt *p, uint32_t mtu)
{
	if (p->n_bound && sa_path_learn(p->bound[p->n_bound - 1].sa, mtu, w->path.now_ms))
		count_path(&w->counters, PATH_MTU_LEARNT);
}

/*
 * Longer than the way allows. A protected packet is cut (RFC 4301 section 8.1: fragmentation behind IPsec),
 * also one in transport mode with DF, because DF was meant for the clear packet; a clear one only where its
 * sender allows it.
 */
static void send_fragments(struct worker *w, int fd, uint32_t i, uint32_t mtu)
{
	struct pkt *p = w->sending.pkt[i];
	struct ip_fragger fr;
	struct ip_frag f;
	struct ip_view v;

	if (p->verdict == VERDICT_SEND && !p->v6)
		ip_set_df(p->data, false);
	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || (p->v6 && p->verdict != VERDICT_SEND) ||
	    ip_fragger_init(&fr, &v, mtu, ++w->path.ip6_id) != IP_FRAG_OK) {
		stage_drop(&w->counters, p, DROP_OUT_TOOBIG);
		return;
	}
	while (ip_fragger_next(&fr, &f)) {
		if (send_piece(fd, &f, &w->sending.msg[i].msg_hdr) < 0) {
			stage_drop(&w->counters, p, DROP_OUT_SEND);
			return;
		}
	}
	count_path(&w->counters, PATH_FRAGMENTED);
	count_path(&w->counters, p->verdict == VERDICT_SEND ? PATH_SENT : PATH_SENT_CLEAR);
}

bool worker_wait_writable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	return poll(&pfd, 1, SEND_WAIT_MS) > 0;
}

static enum drop_reason reason_of(int err)
{
	switch (err) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return DROP_OUT_NOBUFS;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EBADF: /* the host has no IPv6 */
		return DROP_OUT_NOROUTE;
	case EMSGSIZE:
		return DROP_OUT_TOOBIG;
	default:
		return DROP_OUT_SEND;
	}
}

static void count_sent(struct worker *w, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		count_path(
		    &w->counters, w->sending.pkt[i]->verdict == VERDICT_SEND ? PATH_SENT : PATH_SENT_CLEAR);
}

static void refused_as_too_long(struct worker *w, int fd, uint32_t i)
{
	uint32_t mtu = worker_first_hop_mtu(fd);

	remember(w, w->sending.pkt[i], mtu);
	send_fragments(w, fd, i, mtu);
}

/* Sends n prepared messages; each is sent, or dropped with a reason. */
static void send_all(struct worker *w, int fd, uint32_t n)
{
	unsigned tries = 0;
	uint32_t i = 0;

	while (i < n) {
		int sent = sendmmsg(fd, &w->sending.msg[i], n - i, MSG_DONTWAIT);
		int err = errno;

		if (sent > 0) {
			count_sent(w, i, (uint32_t)sent);
			i += (uint32_t)sent;
			continue;
		}
		if (err == EINTR)
			continue;
		if ((err == EAGAIN || err == ENOBUFS) && tries++ < SEND_TRIES && worker_wait_writable(fd))
			continue;
		if (err == EMSGSIZE)
			refused_as_too_long(w, fd, i);
		else
			stage_drop(&w->counters, w->sending.pkt[i], reason_of(err));
		i++;
	}
}

/* A link-local destination is on the link its SA or the packet's own key names. */
static uint32_t scope_of(const struct pkt *p)
{
	return p->n_bound ? p->bound[p->n_bound - 1].sa->dst.scope : 0;
}

static void prepare(struct worker *w, uint32_t i, struct pkt *p)
{
	w->sending.iov[i] = (struct iovec){.iov_base = p->data, .iov_len = p->len};
	w->sending.msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &w->sending.iov[i], .msg_iovlen = 1}};
	w->sending.pkt[i] = p;
	if (p->v6) {
		w->sending.to6[i] =
		    (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_scope_id = scope_of(p)};
		memcpy(&w->sending.to6[i].sin6_addr, p->data + 24, 16);
		w->sending.msg[i].msg_hdr.msg_name = &w->sending.to6[i];
		w->sending.msg[i].msg_hdr.msg_namelen = sizeof(w->sending.to6[i]);
	} else {
		w->sending.to4[i] = (struct sockaddr_in){.sin_family = AF_INET};
		memcpy(&w->sending.to4[i].sin_addr, p->data + 16, 4);
		w->sending.msg[i].msg_hdr.msg_name = &w->sending.to4[i];
		w->sending.msg[i].msg_hdr.msg_namelen = sizeof(w->sending.to4[i]);
	}
}

static void send_family(struct worker *w, struct batch *b, bool v6)
{
	int fd = v6 ? w->fd.send6 : w->fd.send4;
	uint32_t n = 0;

	worker_send_trains(w, b, v6);
	batch_foreach(p, b)
	{
		uint32_t mtu;

		if ((p->verdict != VERDICT_SEND && p->verdict != VERDICT_CLEAR) || p->v6 != v6)
			continue;
		prepare(w, n, p);
		mtu = p->n_bound ? sa_path_mtu(p->bound[p->n_bound - 1].sa, w->path.now_ms) : 0;
		if (mtu && p->len > mtu)
			send_fragments(w, fd, n, mtu);
		else
			n++;
	}
	if (n)
		send_all(w, fd, n);
}

void worker_send(struct worker *w, struct batch *b)
{
	send_family(w, b, false);
	send_family(w, b, true);
}
