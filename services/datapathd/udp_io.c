/*
 * Receiving on port 4500 (RFC 3948): ESP in UDP, IKE, keepalives. The kernel hands over datagrams of one
 * sender that came one behind the other as one long message, which is cut apart here; one message can hold
 * packets of several associations, and IKE, so each is looked at by itself.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "datapathd/arrival.h"
#include "datapathd/worker.h"
#include "wire/esp/udp_encap.h"

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

/* One datagram, as the batch's next packet. */
static void take(struct worker *w, const uint8_t *at, uint32_t n, const struct arrival *a, bool v6)
{
	struct pkt *p = batch_slot(&w->in, w->in.n++);

	memcpy(p->data, at, n);
	p->len = n;
	counter_add(&w->counters.path[PATH_RECEIVED], 1);
	if (is_ike(w, p)) {
		hand_to_keyd(w, p, a, v6);
		return;
	}
	p->udp_sport = a->sport;
	p->udp_dport = SA_UDP_PORT;
	if (!arrival_put_header(p, a, v6, IPSEC_ESP)) {
		p->v6 = v6;
		stage_drop(&w->counters, p, DROP_IN_MALFORMED);
	}
}

static void open_and_deliver(struct worker *w)
{
	if (!w->in.n)
		return;
	path_inbound(&w->path, &w->in);
	worker_deliver(w, &w->in);
	w->in.n = 0;
}

/* A message's datagrams stay in one batch where they can, so that what is inside them can be delivered as
 * one. */
static void take_message(struct worker *w, uint32_t i, bool v6)
{
	struct msghdr *m = &w->receive.msg[i].msg_hdr;
	const uint8_t *at = m->msg_iov->iov_base;
	uint32_t left = w->receive.msg[i].msg_len, each;
	struct arrival a;

	if (!arrival_read(m, v6, &a) || m->msg_flags & MSG_TRUNC) {
		struct pkt *p = batch_slot(&w->in, w->in.n++);

		p->v6 = v6;
		stage_drop(&w->counters, p, DROP_IN_MALFORMED);
		return;
	}
	each = a.segment && a.segment < left ? a.segment : left;
	if (each && w->in.n + left / each >= BATCH_DATAGRAMS)
		open_and_deliver(w);
	do {
		uint32_t n = left < each ? left : each;

		if (w->in.n == BATCH_DATAGRAMS)
			open_and_deliver(w);
		take(w, at, n, &a, v6);
		at += n;
		left -= n;
	} while (left);
}

static void arm(struct worker *w)
{
	struct receive *r = &w->receive;

	for (uint32_t i = 0; i < RECEIVE_LONG; i++) {
		r->iov[i] = (struct iovec){.iov_base = w->datagrams[i], .iov_len = sizeof(w->datagrams[i])};
		r->msg[i].msg_hdr = (struct msghdr){.msg_iov = &r->iov[i],
		    .msg_iovlen = 1,
		    .msg_name = &r->from[i],
		    .msg_namelen = sizeof(r->from[i]),
		    .msg_control = r->control[i],
		    .msg_controllen = RECEIVE_CONTROL};
	}
}

bool worker_datagrams(struct worker *w, enum worker_source s)
{
	bool v6 = s == SOURCE_UDP6;
	int n;

	arm(w);
	n = recvmmsg(w->fd.in[s], w->receive.msg, RECEIVE_LONG, MSG_DONTWAIT, NULL);
	/* An ICMP error waiting for us is reported once by whatever call comes next; the packets are still
	 * there. */
	if (n <= 0)
		return n < 0 && errno != EAGAIN && errno != EBADF;
	w->in.n = 0;
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		take_message(w, i, v6);
	open_and_deliver(w);
	return n == RECEIVE_LONG;
}
