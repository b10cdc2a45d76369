/*
 * Receiving from the raw sockets, many packets a call. A raw IPv4 socket gives the whole packet, a raw IPv6
 * socket what arrival.h says.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "datapathd/arrival.h"
#include "datapathd/worker.h"

static bool is_v6(enum worker_source s)
{
	return s >= SOURCE_ESP6;
}

static uint8_t protocol_of(enum worker_source s)
{
	switch (s) {
	case SOURCE_AH6:
		return IPSEC_AH;
	case SOURCE_COMP6:
		return IPSEC_IPCOMP;
	default:
		return IPSEC_ESP;
	}
}

/* A packet whose headers cannot be had again is dropped like one without them. */
static void rebuild(struct worker *w, struct pkt *p, struct msghdr *m, enum worker_source s)
{
	struct arrival a;

	if (arrival_read(m, true, &a) && arrival_put_header(p, &a, true, protocol_of(s)))
		return;
	p->v6 = true;
	stage_drop(&w->counters, p, DROP_IN_MALFORMED);
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
	bool bare = is_v6(s);
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
