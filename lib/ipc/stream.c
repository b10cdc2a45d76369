/*
 * Bulk answers are pulled, not pushed: a row is made only when everything before it has gone into the socket,
 * so a dump of any size costs one queued row, and a reader who stops costs nothing more.
 */
#include <errno.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"

/* Rows made before the loop sees to other things. */
enum { PUMP_BATCH = 64 };

struct stream {
	struct list node;
	uint32_t rec_id, row;
	const struct ipc_stream_ops *ops;
	void *arg;
	bool running; /* inside next(): do not pull arg away */
};

int ipc_conn_stream(struct ipc_conn *c, uint32_t rec_id, const struct ipc_stream_ops *ops, void *arg)
{
	struct stream *st;

	if (!c->open)
		return -EPIPE;
	st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	st->rec_id = rec_id;
	st->ops = ops;
	st->arg = arg;
	list_append(&c->streams, &st->node);
	ipc_conn_update_poll(c);
	return 0;
}

static void stream_end(struct stream *st)
{
	list_remove(&st->node);
	if (st->ops->done)
		st->ops->done(st->arg);
	free(st);
}

void ipc_stream_clear(struct ipc_conn *c)
{
	list_foreach_safe (st, tmp, &c->streams, struct stream, node)
		if (!st->running)
			stream_end(st);
}

void ipc_stream_pump(struct ipc_conn *c)
{
	for (int i = 0; i < PUMP_BATCH && c->open; i++) {
		struct stream *st;
		int r;

		if (list_is_empty(&c->streams) || !ipc_outq_is_empty(&c->out))
			break;
		st = list_entry(c->streams.next, struct stream, node);
		st->running = true;
		r = st->ops->next(c, st->rec_id, st->row++, st->arg);
		st->running = false;
		if (r > 0 && !c->finished)
			continue;
		if (r == 0)
			ipc_flight_release(&c->flight, st->rec_id);
		stream_end(st);
		if (r < 0)
			ipc_conn_close(c);
	}
}
