/*
 * Records that wait for the other side to read. Bounded by its user, wiped when they leave.
 */
#ifndef POSTERN_IPC_OUTQ_H
#define POSTERN_IPC_OUTQ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct ipc_outq {
	struct list items;
	size_t bytes;
};

void ipc_outq_init(struct ipc_outq *q);
/* Wipes and forgets what waits. */
void ipc_outq_clear(struct ipc_outq *q);

static inline bool ipc_outq_is_empty(const struct ipc_outq *q)
{
	return list_is_empty(&q->items);
}

/*
 * Sends a record, or copies it to the queue when the socket is full. An empty queue takes any record; beyond
 * that -ENOBUFS, and nothing happened, when more than `max` bytes would wait. Other negative values: the
 * connection is gone.
 */
int ipc_outq_put(struct ipc_outq *q, int fd, const void *buf, size_t n, size_t max);

/* Sends what the socket takes. 0, or -errno when the connection is gone. */
int ipc_outq_flush(struct ipc_outq *q, int fd);

#endif
