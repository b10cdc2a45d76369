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

/* Octets `at` and on of message i. */
static void copy_out(const struct worker *w, uint32_t i, uint32_t at, uint8_t *to, uint32_t n)
{
	const struct receive *r = &w->receive;

	while (n) {
		uint32_t k = r->each ? at / r->each : 0, part = n;

		if (k >= r->pieces)
			k = r->pieces - 1;
		if (k < r->pieces - 1 && part > (k + 1) * r->each - at)
			part = (k + 1) * r->each - at;
		memcpy(to, batch_spare_at(&w->in, i * r->pieces + k) + (at - k * r->each), part);
		at += part;
		to += part;
		n -= part;
	}
}

/* Whether the kernel has put each datagram of this message into a piece of its own. */
static bool is_apart(const struct receive *r, uint32_t len, uint32_t each)
{
	if (each == len)
		return r->pieces == 1 || len <= r->each;
	return each == r->each && len <= r->pieces * each;
}

/* One datagram, as the batch's next packet. */
static void take(struct worker *w, struct pkt *p, uint32_t n, const struct arrival *a, bool v6)
{
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

/* Cuts message i apart. A message's datagrams stay in one batch where they can, so that what is inside them
 * can be delivered as one. */
static void take_datagrams(struct worker *w, uint32_t i, const struct arrival *a, bool v6)
{
	uint32_t len = w->receive.msg[i].msg_len, at = 0, nth = 0;
	uint32_t each = a->segment && a->segment < len ? a->segment : len;
	bool apart = is_apart(&w->receive, len, each);

	if (each && w->in.n + len / each >= BATCH_DATAGRAMS)
		open_and_deliver(w);
	do {
		uint32_t n = len - at < each ? len - at : each, slot;

		if (w->in.n == BATCH_DATAGRAMS)
			open_and_deliver(w);
		slot = w->in.n++;
		if (apart) {
			struct pkt *p = batch_slot_spare(&w->in, slot, i * w->receive.pieces + nth++);

			take(w, p, n, a, v6);
		} else {
			struct pkt *p = batch_slot(&w->in, slot);

			copy_out(w, i, at, p->data, n);
			take(w, p, n, a, v6);
		}
		at += n;
	} while (at < len);
	if (each < len)
		w->datagram_len[v6] = each;
}

static void take_message(struct worker *w, uint32_t i, bool v6)
{
	struct msghdr *m = &w->receive.msg[i].msg_hdr;
	struct arrival a;
	struct pkt *p;

	if (arrival_read(m, v6, &a) && !(m->msg_flags & MSG_TRUNC)) {
		take_datagrams(w, i, &a, v6);
		return;
	}
	if (w->in.n == BATCH_DATAGRAMS)
		open_and_deliver(w);
	p = batch_slot(&w->in, w->in.n++);
	p->v6 = v6;
	stage_drop(&w->counters, p, DROP_IN_MALFORMED);
}

/* A message of one datagram is read into one room. Where the last ones were long, the next are read so that
 * datagrams of the same length come to lie in a room each. Messages asked for. */
static uint32_t arm(struct worker *w, uint32_t each)
{
	struct receive *r = &w->receive;
	uint32_t n = each ? RECEIVE_LONG : BATCH_MAX, most = BATCH_SPARE / n;

	r->each = each;
	r->pieces = each ? PKT_LEN_MAX / each + 1 : 1;
	if (r->pieces > most)
		r->pieces = most;
	for (uint32_t i = 0; i < n * r->pieces; i++)
		r->iov[i] = (struct iovec){.iov_base = batch_spare_at(&w->in, i), .iov_len = each};
	for (uint32_t i = 0; i < n; i++) {
		struct iovec *iov = &r->iov[i * r->pieces];

		iov[r->pieces - 1].iov_len = PKT_LEN_MAX;
		r->msg[i].msg_hdr = (struct msghdr){.msg_iov = iov,
		    .msg_iovlen = r->pieces,
		    .msg_name = &r->from[i],
		    .msg_namelen = sizeof(r->from[i]),
		    .msg_control = r->control[i],
		    .msg_controllen = RECEIVE_CONTROL};
	}
	return n;
}

bool worker_datagrams(struct worker *w, enum worker_source s)
{
	bool v6 = s == SOURCE_UDP6;
	uint32_t most = arm(w, w->datagram_len[v6]);
	int n = recvmmsg(w->fd.in[s], w->receive.msg, most, MSG_DONTWAIT, NULL);

	/* An ICMP error waiting for us is reported once by whatever call comes next; the packets are still
	 * there. */
	if (n <= 0)
		return n < 0 && errno != EAGAIN && errno != EBADF;
	w->in.n = 0;
	w->datagram_len[v6] = 0;
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		take_message(w, i, v6);
	open_and_deliver(w);
	return (uint32_t)n == most;
}
