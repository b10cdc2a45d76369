/*
 * The inside of a server and its connections, shared by the files that make up the listening side.
 */
#ifndef POSTERN_IPC_CONN_PRIV_H
#define POSTERN_IPC_CONN_PRIV_H

#include "base/bucket.h"
#include "base/list.h"
#include "ipc/flight.h"
#include "ipc/outq.h"
#include "ipc/server.h"

struct ipc_server {
	struct ipc_server_env env;
	const struct ipc_edge *edge;
	struct ipc_server_counters counters;
	int fd;
	uv_poll_t poll;
	uv_timer_t pause; /* accept() ran out of something: when to look again */
	unsigned refs;    /* owner, two handles, every connection that exists */
	bool closing;
	uint32_t n_open[2]; /* connections of others, of root */
	struct list conns;  /* until ipc_conn_finish() */
	struct bucket log_budget;
	bool takes_fds;   /* some rule does */
	uint8_t *rx, *tx; /* IPC_RECORD_MAX each; hold a record only while it is read or sent */
};

struct ipc_conn {
	struct list node;
	struct ipc_server *s;
	unsigned refs; /* list, two handles, holders outside */
	int fd;
	int passed; /* came beside the record that is being handled; -1: none */
	uv_poll_t poll;
	uv_timer_t timer; /* until HELLO: its deadline; then: when the budget allows to read on */
	int polled;       /* events asked of uv */
	bool open, finished, said_hello, throttled;
	uint32_t roles;
	struct ucred peer;
	void *data;
	struct bucket budget;
	uint32_t owed; /* cost of the last record, paid before the next is read */
	struct ipc_flight flight;
	struct ipc_outq out;
	struct list streams;
};

/* A peer that is over its budget, or does not read its answers, is not asked for more questions. */
static inline bool ipc_conn_wants_input(const struct ipc_conn *c)
{
	return c->open && !c->throttled && c->out.bytes <= c->s->edge->max_queued / 2;
}

void ipc_server_ref_(struct ipc_server *s);
void ipc_server_unref_(struct ipc_server *s);

/* conn.c. new: takes fd; a NULL return has closed it. */
struct ipc_conn *ipc_conn_new(struct ipc_server *s, int fd, const struct ucred *peer, uint32_t roles);
/* Tells the service that a closed connection is gone, once, and drops the list's reference. */
void ipc_conn_finish(struct ipc_conn *c);
/* Asks uv for the events that the connection's state needs. */
void ipc_conn_update_poll(struct ipc_conn *c);
/* Stops reading for so long: the budget is empty. */
void ipc_conn_throttle(struct ipc_conn *c, uint64_t ms);
/* Ends the connection for breaking a rule: counts, logs, and tells the peer if it still listens. `code` is a
 * positive errno. */
void ipc_conn_violation(struct ipc_conn *c, uint32_t rec_id, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Sends the record of `len` bytes built in s->tx; a negative len is handed back. 0 or as ipc_conn_send(). */
int ipc_conn_send_built(struct ipc_conn *c, int len);

/* dispatch.c: reads and handles what there is, within limits. */
void ipc_conn_read(struct ipc_conn *c);

/* stream.c */
void ipc_stream_pump(struct ipc_conn *c);
void ipc_stream_clear(struct ipc_conn *c);

#endif
