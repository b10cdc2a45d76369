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
	path_outbound(&w->path, b);
	worker_send(w, b);
	worker_deliver(w, b);
	return n_read == BATCH_MAX;
}
