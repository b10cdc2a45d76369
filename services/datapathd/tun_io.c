/*
 * The TUN device: this host's own traffic, one packet a call.
 */
#include <errno.h>
#include <unistd.h>

#include "datapathd/worker.h"

void worker_deliver(struct worker *w, struct batch *b)
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

static void protect_and_send(struct worker *w, struct batch *b)
{
	path_outbound(&w->path, b);
	worker_send(w, b);
	worker_deliver(w, b);
}

void worker_waiting(struct worker *w)
{
	bool told = atomic_exchange_explicit(&w->look_at_waiting, false, memory_order_acquire);

	if (!w->path.view || !wait_room_due(&w->path.wait, told, w->path.now_ms))
		return;
	wait_room_empty_into(&w->path.wait, &w->out);
	protect_and_send(w, &w->out);
}

bool worker_outbound(struct worker *w)
{
	struct batch *b = &w->out;
	ssize_t n = 0;
	uint32_t n_read;

	for (b->n = 0; b->n < BATCH_MAX; b->n++) {
		struct pkt *p = batch_slot(b, b->n);

		n = read(w->fd.tun, p->data, PKT_LEN_MAX);
		if (n <= 0)
			break;
		p->len = (uint32_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		atomic_store(&w->tun_lost, true);
	n_read = b->n;
	if (!n_read)
		return false;
	counter_add(&w->counters.path[PATH_TUN_READ], n_read);
	protect_and_send(w, b);
	return n_read == BATCH_MAX;
}
