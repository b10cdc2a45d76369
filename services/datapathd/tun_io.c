/*
 * The TUN device: this host's own traffic. One call moves one packet or, of a flow that is in a hurry, a
 * superpacket of up to 64 KiB, which costs the kernel little more; it is cut apart here, each packet is
 * protected by itself, and on the way in packets of one flow are put together again.
 */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "datapathd/tun_frame.h"
#include "datapathd/worker.h"

_Static_assert((int)MERGE_PACKETS_MAX >= (int)BATCH_ROOM, "a batch fits into a merger");

static void write_unit(struct worker *w, struct merge_unit *u)
{
	struct virtio_net_hdr h = tun_frame_for(u);
	struct iovec iov[1 + MERGE_SEGMENTS_MAX] = {{.iov_base = &h, .iov_len = sizeof(h)}};
	size_t total = sizeof(h) + u->len;
	int n = 1;

	merge_seal(u);
	for (uint16_t i = u->first; i != MERGE_NONE; i = w->merger.link[i].next) {
		const struct merge_link *l = &w->merger.link[i];
		uint32_t skip = i == u->first ? 0 : u->hdr_len;

		iov[n++] = (struct iovec){.iov_base = l->pkt + skip, .iov_len = l->len - skip};
	}
	errno = EBADF;
	if (w->fd.tun >= 0 && writev(w->fd.tun, iov, n) == (ssize_t)total) {
		counter_add(&w->counters.path[PATH_TUN_WRITTEN], u->n);
		return;
	}
	/* A kernel that does not take chains of this kind gets packets one by one from now on. */
	if (u->n > 1 && errno == EINVAL)
		w->no_chains = true;
	for (uint16_t i = u->first; i != MERGE_NONE; i = w->merger.link[i].next)
		stage_drop(&w->counters, w->merged[i], DROP_IN_DELIVER);
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
		if (w->no_chains)
			merge_add_alone(m, p->data, p->len);
		else
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

/* The packets that a superpacket stands for, in batches of their own: what was read before it goes first. */
static void take_chain(struct worker *w, struct batch *b, struct segmenter *s)
{
	const uint32_t n = segment_count(s);

	counter_add(&w->counters.path[PATH_TUN_READ], n);
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

bool worker_outbound(struct worker *w)
{
	struct batch *b = &w->out;
	struct virtio_net_hdr h;
	int reads;

	b->n = 0;
	for (reads = 0; reads < BATCH_MAX; reads++) {
		struct iovec iov[] = {{.iov_base = &h, .iov_len = sizeof(h)},
		    {.iov_base = batch_slot(b, b->n)->data, .iov_len = PKT_LEN_MAX}};
		ssize_t n = readv(w->fd.tun, iov, ARRAY_SIZE(iov));

		if (n < (ssize_t)sizeof(h)) {
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				atomic_store(&w->tun_lost, true);
			break;
		}
		take(w, b, &h, (uint32_t)n - (uint32_t)sizeof(h));
	}
	protect_and_send(w, b);
	return reads == BATCH_MAX;
}
