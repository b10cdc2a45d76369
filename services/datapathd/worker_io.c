/*
 * The system calls around the pipelines: reading and writing the TUN device, receiving and sending on the raw
 * sockets, many packets a call where the kernel offers it.
 */
#include "datapathd/worker.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "wire/ip/frag.h"

enum {
	SEND_WAIT_MS = 2, /* for a full socket to drain, at most SEND_TRIES times in a batch */
	SEND_TRIES = 4,
	MTU_GUESS = 1280, /* when the kernel does not say */
};

static void deliver(struct worker *w, struct batch *b)
{
	batch_foreach(p, b)
	{
		if (p->verdict != VERDICT_DELIVER)
			continue;
		if (w->fd.tun >= 0 && write(w->fd.tun, p->data, p->len) == (ssize_t)p->len)
			count_path(&w->counters, PATH_TUN_WRITTEN);
		else
			stage_drop(&w->counters, p, DROP_IN_DELIVER);
	}
}

void worker_prepare_receive(struct worker *w)
{
	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		w->in_iov[i] =
		    (struct iovec){.iov_base = batch_slot(&w->in, i)->data, .iov_len = PKT_LEN_MAX};
		w->in_msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &w->in_iov[i], .msg_iovlen = 1}};
	}
}

bool worker_inbound(struct worker *w, int fd)
{
	struct batch *b = &w->in;
	int n;

	n = recvmmsg(fd, w->in_msg, BATCH_MAX, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	b->n = (uint32_t)n;
	for (uint32_t i = 0; i < b->n; i++)
		batch_slot(b, i)->len = w->in_msg[i].msg_len;
	counter_add(&w->counters.path[PATH_RECEIVED], b->n);
	path_inbound(&w->path, b);
	deliver(w, b);
	return b->n == BATCH_MAX;
}

/* What the kernel noted about the packet that was too long for the first hop. */
static uint32_t first_hop_mtu(int fd)
{
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};
	uint32_t mtu = 0;

	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err ee;

			if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR ||
			    c->cmsg_len < CMSG_LEN(sizeof(ee)))
				continue;
			memcpy(&ee, CMSG_DATA(c), sizeof(ee));
			if (ee.ee_errno == EMSGSIZE && ee.ee_origin == SO_EE_ORIGIN_LOCAL)
				mtu = ee.ee_info;
		}
		m.msg_controllen = sizeof(control);
	}
	return mtu ? mtu : MTU_GUESS;
}

static int send_piece(struct worker *w, const struct ip_frag *f, const struct sockaddr_in *to)
{
	/* iovec has no const; the octets are only read. */
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)f->hdr, .iov_len = f->hdr_len},
	    {.iov_base = (void *)(uintptr_t)f->data, .iov_len = f->len},
	};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	m.msg_name = (void *)(uintptr_t)to;
	m.msg_namelen = sizeof(*to);
	return sendmsg(w->fd.send4, &m, MSG_DONTWAIT) >= 0 ? 0 : -errno;
}

/*
 * Too long for the first hop. A protected packet is cut (RFC 4301 section 8.1: fragmentation behind IPsec),
 * also one in transport mode with DF, because DF was meant for the clear packet; a clear one only where its
 * sender allows it.
 */
static void send_fragments(struct worker *w, struct pkt *p, const struct sockaddr_in *to)
{
	struct ip_fragger fr;
	struct ip_frag f;
	struct ip_view v;

	if (p->verdict == VERDICT_SEND)
		p->data[6] &= 0xbf;
	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || v.version != 4 ||
	    ip_fragger_init(&fr, &v, first_hop_mtu(w->fd.send4), 0) != IP_FRAG_OK) {
		stage_drop(&w->counters, p, DROP_OUT_TOOBIG);
		return;
	}
	while (ip_fragger_next(&fr, &f)) {
		if (send_piece(w, &f, to) < 0) {
			stage_drop(&w->counters, p, DROP_OUT_SEND);
			return;
		}
	}
	count_path(&w->counters, PATH_FRAGMENTED);
	count_path(&w->counters, p->verdict == VERDICT_SEND ? PATH_SENT : PATH_SENT_CLEAR);
}

static bool wait_writable(int fd)
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
		    &w->counters, w->msg_pkt[i]->verdict == VERDICT_SEND ? PATH_SENT : PATH_SENT_CLEAR);
}

/* Sends n prepared messages; each is sent, or dropped with a reason. */
static void send_all(struct worker *w, int fd, uint32_t n)
{
	unsigned tries = 0;
	uint32_t i = 0;

	while (i < n) {
		int sent = sendmmsg(fd, &w->msg[i], n - i, MSG_DONTWAIT);
		int err = errno;

		if (sent > 0) {
			count_sent(w, i, (uint32_t)sent);
			i += (uint32_t)sent;
			continue;
		}
		if (err == EINTR)
			continue;
		if ((err == EAGAIN || err == ENOBUFS) && tries++ < SEND_TRIES && wait_writable(fd))
			continue;
		if (err == EMSGSIZE && fd == w->fd.send4)
			send_fragments(w, w->msg_pkt[i], &w->to4[i]);
		else
			stage_drop(&w->counters, w->msg_pkt[i], reason_of(err));
		i++;
	}
}

static void prepare(struct worker *w, uint32_t i, struct pkt *p)
{
	w->iov[i] = (struct iovec){.iov_base = p->data, .iov_len = p->len};
	w->msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &w->iov[i], .msg_iovlen = 1}};
	w->msg_pkt[i] = p;
	if (p->v6) {
		w->to6[i] = (struct sockaddr_in6){.sin6_family = AF_INET6};
		memcpy(&w->to6[i].sin6_addr, p->data + 24, 16);
		w->msg[i].msg_hdr.msg_name = &w->to6[i];
		w->msg[i].msg_hdr.msg_namelen = sizeof(w->to6[i]);
	} else {
		w->to4[i] = (struct sockaddr_in){.sin_family = AF_INET};
		memcpy(&w->to4[i].sin_addr, p->data + 16, 4);
		w->msg[i].msg_hdr.msg_name = &w->to4[i];
		w->msg[i].msg_hdr.msg_namelen = sizeof(w->to4[i]);
	}
}

static void send_family(struct worker *w, struct batch *b, bool v6)
{
	uint32_t n = 0;

	batch_foreach(p, b) if ((p->verdict == VERDICT_SEND || p->verdict == VERDICT_CLEAR) && p->v6 == v6)
	    prepare(w, n++, p);
	if (n)
		send_all(w, v6 ? w->fd.send6 : w->fd.send4, n);
}

bool worker_outbound(struct worker *w)
{
	struct batch *b = &w->out;
	ssize_t n = 0;

	for (b->n = 0; b->n < BATCH_MAX; b->n++) {
		struct pkt *p = batch_slot(b, b->n);

		n = read(w->fd.tun, p->data, PKT_LEN_MAX);
		if (n <= 0)
			break;
		p->len = (uint32_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		atomic_store(&w->tun_lost, true);
	if (!b->n)
		return false;
	counter_add(&w->counters.path[PATH_TUN_READ], b->n);
	path_outbound(&w->path, b);
	send_family(w, b, false);
	send_family(w, b, true);
	return b->n == BATCH_MAX;
}
