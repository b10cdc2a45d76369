/*
 * The TUN device: this host's own traffic. One call moves one packet or, of a flow that is in a hurry, a
 * superpacket of up to 64 KiB, which costs the kernel little more; it is cut apart here, each packet is
 * protected by itself, and on the way in packets of one flow are put together again.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "datapathd/tun_frame.h"
#include "datapathd/worker.h"

_Static_assert((int)MERGE_PACKETS_MAX >= (int)BATCH_ROOM, "a batch fits into a merger");

enum { HEADERS_MAX = IP6_HDR_LEN + 60 /* of a chain: IP without options, TCP with all of them */ };

static bool write_frame(const struct worker *w, const struct iovec *iov, int n, size_t total)
{
	errno = EBADF;
	return w->fd.tun >= 0 && writev(w->fd.tun, iov, n) == (ssize_t)total;
}

/* Packet i by itself. */
static void write_alone(struct worker *w, uint16_t i)
{
	struct virtio_net_hdr h = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	const struct merge_link *l = &w->merger.link[i];
	const struct iovec iov[] = {
	    {.iov_base = &h, .iov_len = sizeof(h)}, {.iov_base = l->pkt, .iov_len = l->len}};

	if (write_frame(w, iov, ARRAY_SIZE(iov), sizeof(h) + l->len))
		counter_add(&w->counters.path[PATH_TUN_WRITTEN], 1);
	else
		stage_drop(&w->counters, w->merged[i], DROP_IN_DELIVER);
}

/* 0, or -errno with every packet as it was. */
static int write_chain(struct worker *w, struct merge_unit *u)
{
	struct virtio_net_hdr h = tun_frame_for(u);
	struct iovec iov[1 + MERGE_SEGMENTS_MAX];
	uint8_t kept[HEADERS_MAX];
	int n = 1, r = 0;

	iov[0] = (struct iovec){.iov_base = &h, .iov_len = sizeof(h)};
	memcpy(kept, u->pkt, u->hdr_len);
	merge_seal(u);
	for (uint16_t i = u->first; i != MERGE_NONE; i = w->merger.link[i].next) {
		const struct merge_link *l = &w->merger.link[i];
		uint32_t skip = i == u->first ? 0 : u->hdr_len;

		iov[n++] = (struct iovec){.iov_base = l->pkt + skip, .iov_len = l->len - skip};
	}
	if (!write_frame(w, iov, n, sizeof(h) + u->len))
		r = -errno;
	memcpy(u->pkt, kept, u->hdr_len);
	return r;
}

/*
 * Kernels differ in which chains they take. One that is refused goes packet by packet, and the next is tried
 * again: that costs a call more than not to try, and what the kernel did not like of one says nothing of
 * others.
 */
static void write_unit(struct worker *w, struct merge_unit *u)
{
	int r = u->n > 1 ? write_chain(w, u) : -EINVAL;

	if (r == 0) {
		counter_add(&w->counters.path[PATH_TUN_WRITTEN], u->n);
		return;
	}
	for (uint16_t i = u->first; i != MERGE_NONE; i = w->merger.link[i].next) {
		if (r == -EINVAL)
			write_alone(w, i);
		else
			stage_drop(&w->counters, w->merged[i], DROP_IN_DELIVER);
	}
}

void worker_deliver(struct worker *w, struct batch *b)
{
	struct merger *m = &w->merger;

	merge_begin(m, w->fd.tun_udp);
	batch_foreach(p, b)
	{
		if (p->verdict != VERDICT_DELIVER)
			continue;
		w->merged[m->n] = p;
		merge_add(m, p->data, p->len);
	}
	for (uint16_t i = 0; i < m->n_units; i++)
		write_unit(w, &m->unit[i]);
}

static void protect_and_send(struct worker *w, struct batch *b)
{
	if (!b->n)
		return;
	path_outbound(&w->path, b);
	worker_send(w, b);
	worker_deliver(w, b);
	b->n = 0;
}

void worker_waiting(struct worker *w)
{
	bool told = atomic_exchange_explicit(&w->look_at_waiting, false, memory_order_acquire);

	if (!w->path.view || !wait_room_due(&w->path.wait, told, w->path.now_ms))
		return;
	wait_room_empty_into(&w->path.wait, &w->out);
	protect_and_send(w, &w->out);
}

/* A chain of this shape is at most a batch of packets. */
static void expect_chain(struct worker *w, const struct segmenter *s)
{
	w->chain = (struct chain_shape){.hdr_len = s->hdr_len};
	if (PKT_LEN_MAX / s->size < BATCH_MAX)
		w->chain.size = s->size;
}

/* The packets that a superpacket stands for, in batches of their own: what was read before it goes first. */
static void take_chain(struct worker *w, struct batch *b, struct segmenter *s)
{
	const uint32_t n = segment_count(s);

	counter_add(&w->counters.path[PATH_TUN_READ], n);
	expect_chain(w, s);
	s->pkt = batch_put_aside(b, b->n);
	protect_and_send(w, b);
	for (uint32_t i = 0; i < n; i++) {
		struct pkt *p = batch_slot(b, b->n);

		p->len = segment_next(s, p->data);
		if (++b->n == BATCH_MAX)
			protect_and_send(w, b);
	}
	protect_and_send(w, b);
}

/* What was read into the batch's next slot. */
static void take(struct worker *w, struct batch *b, const struct virtio_net_hdr *h, uint32_t len)
{
	struct pkt *p = &b->pkt[b->n];
	struct segmenter s;

	p->len = len;
	w->chain.size = 0;
	switch (tun_frame_read(h, p->data, len, &s)) {
	case TUN_CHAIN:
		take_chain(w, b, &s);
		return;
	case TUN_BAD:
		stage_drop(&w->counters, p, DROP_OUT_MALFORMED);
		return;
	case TUN_PACKET:
		counter_add(&w->counters.path[PATH_TUN_READ], 1);
		if (++b->n == BATCH_MAX)
			protect_and_send(w, b);
	}
}

/*
 * Where the next read goes. A transfer goes on as it began: behind a chain another of its shape is expected,
 * and each of its packets' payload is read to where it will be, with room for the header in front. Pieces.
 */
static uint32_t spread(const struct worker *w, const struct batch *b, struct iovec iov[BATCH_MAX])
{
	const struct chain_shape *x = &w->chain;
	uint32_t n = x->size && !b->n ? PKT_LEN_MAX / x->size + 1 : 1;

	iov[0] = (struct iovec){.iov_base = batch_at(b, b->n), .iov_len = x->hdr_len + x->size};
	for (uint32_t i = 1; i < n; i++)
		iov[i] = (struct iovec){.iov_base = batch_at(b, i) + x->hdr_len, .iov_len = x->size};
	iov[n - 1].iov_len = PKT_LEN_MAX;
	return n;
}

/* It was something else: one piece again. */
static void gather(const struct iovec *iov, uint32_t pieces, uint32_t len)
{
	uint8_t *to = iov[0].iov_base;
	size_t at = iov[0].iov_len;

	for (uint32_t i = 1; i < pieces && at < len; i++) {
		size_t n = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;

		memcpy(to + at, iov[i].iov_base, n);
		at += n;
	}
}

/* The chain that was expected. False, and nothing happened: it is not. */
static bool take_expected(
    struct worker *w, struct batch *b, const struct virtio_net_hdr *h, uint32_t pieces, uint32_t len)
{
	uint8_t headers[SEGMENT_HEADERS_MAX], *first = batch_at(b, 0);
	struct segmenter s;
	uint32_t n;

	if (pieces < 2 || h->gso_type == VIRTIO_NET_HDR_GSO_NONE || h->gso_size != w->chain.size ||
	    tun_frame_read(h, first, len, &s) != TUN_CHAIN || s.hdr_len != w->chain.hdr_len)
		return false;
	n = segment_count(&s);
	counter_add(&w->counters.path[PATH_TUN_READ], n);
	memcpy(headers, first, s.hdr_len);
	s.pkt = headers;
	while (b->n < n) {
		struct pkt *p = batch_slot(b, b->n++);

		p->len = segment_next_head(&s, p->data);
	}
	protect_and_send(w, b);
	return true;
}

bool worker_outbound(struct worker *w)
{
	struct batch *b = &w->out;
	struct virtio_net_hdr h;
	int reads;

	b->n = 0;
	for (reads = 0; reads < BATCH_MAX; reads++) {
		struct iovec iov[1 + BATCH_MAX];
		uint32_t pieces = spread(w, b, iov + 1), len;
		ssize_t n;

		iov[0] = (struct iovec){.iov_base = &h, .iov_len = sizeof(h)};
		n = readv(w->fd.tun, iov, 1 + (int)pieces);
		if (n < (ssize_t)sizeof(h)) {
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				atomic_store(&w->tun_lost, true);
			break;
		}
		len = (uint32_t)n - (uint32_t)sizeof(h);
		if (len > PKT_LEN_MAX)
			len = PKT_LEN_MAX;
		if (take_expected(w, b, &h, pieces, len))
			continue;
		gather(iov + 1, pieces, len);
		(void)batch_slot(b, b->n);
		take(w, b, &h, len);
	}
	protect_and_send(w, b);
	return reads == BATCH_MAX;
}
