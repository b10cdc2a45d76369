/*
 * The common case is an empty queue and a socket with room: then nothing is copied. Every item is wiped when
 * it goes, because a row of the SAD may carry keys and nothing here can tell.
 */
#include "ipc/outq.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ipc/sock.h"

struct item {
	struct list node;
	size_t n;
	uint8_t b[];
};

void ipc_outq_init(struct ipc_outq *q)
{
	list_init(&q->items);
	q->bytes = 0;
}

static void drop_first(struct ipc_outq *q)
{
	struct item *it = list_entry(q->items.next, struct item, node);

	list_remove(&it->node);
	q->bytes -= it->n;
	wipe(it->b, it->n);
	free(it);
}

void ipc_outq_clear(struct ipc_outq *q)
{
	while (!ipc_outq_is_empty(q))
		drop_first(q);
}

int ipc_outq_put(struct ipc_outq *q, int fd, const void *buf, size_t n, size_t max)
{
	struct item *it;
	int r;

	if (ipc_outq_is_empty(q)) {
		r = ipc_sock_send(fd, buf, n);
		if (r != -EAGAIN)
			return r;
	} else if (q->bytes + n > max) {
		return -ENOBUFS;
	}
	it = malloc(sizeof(*it) + n);
	if (!it)
		return -ENOBUFS;
	it->n = n;
	memcpy(it->b, buf, n);
	list_append(&q->items, &it->node);
	q->bytes += n;
	return 0;
}

int ipc_outq_flush(struct ipc_outq *q, int fd)
{
	while (!ipc_outq_is_empty(q)) {
		const struct item *it = list_entry(q->items.next, struct item, node);
		int r = ipc_sock_send(fd, it->b, it->n);

		if (r == -EAGAIN)
			return 0;
		if (r < 0)
			return r;
		drop_first(q);
	}
	return 0;
}
