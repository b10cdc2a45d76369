/*
 * The inside of a client, shared by the file of requests (client.c) and the file of the connection
 * (client_link.c).
 */
#ifndef POSTERN_IPC_CLIENT_LINK_H
#define POSTERN_IPC_CLIENT_LINK_H

#include "base/bucket.h"
#include "ipc/book.h"
#include "ipc/client.h"
#include "ipc/outq.h"

enum ipc_client_state {
	CLIENT_DOWN,     /* waits for the next attempt */
	CLIENT_GREETING, /* connected, our HELLO is out */
	CLIENT_UP,
};

/* One connection. Allocated apart because uv gives its handle back only after it is closed, when the next may
 * be up. */
struct ipc_link {
	uv_poll_t poll;
	int fd;
	struct ipc_client *c; /* NULL once the client has let go of it */
	int polled;
};

struct ipc_client {
	struct ipc_client_env env;
	struct ipc_client_def def;
	char *path;
	unsigned refs; /* owner, timer handle, calls under way */
	bool freed;
	enum ipc_client_state state;
	bool broken;        /* a send failed: goes down from the loop, not inside the caller's call */
	bool throttled;     /* the other side says too much: not read for a while */
	bool want_writable; /* somebody was told -ENOBUFS */
	void (*on_writable)(struct ipc_client *c);
	struct ipc_link *link; /* NULL while down */
	uv_timer_t timer;      /* the earliest of what follows */
	uint64_t retry_ms, greet_by_ms, resume_ms;
	uint32_t backoff_ms;
	uint32_t next_id;
	struct ipc_book book;
	struct ipc_outq out;
	struct bucket budget, log_budget;
	struct ipc_client_counters counters;
	char said[128]; /* last line given to the log, so that it is given once */
	uint8_t *rx, *tx;
};

void ipc_client_ref_(struct ipc_client *c);
void ipc_client_unref_(struct ipc_client *c);
/* Sets the timer to the earliest thing to come. */
void ipc_client_rearm(struct ipc_client *c);
/* Gives every pending request `result`. The callbacks may free the client: hold a reference. */
void ipc_client_fail_pending(struct ipc_client *c, int result);

/* client_link.c */
void ipc_link_connect(struct ipc_client *c);
void ipc_link_update_poll(struct ipc_client *c);
/* Lets go of the connection without telling anybody. */
void ipc_link_drop(struct ipc_client *c);
/* The connection is lost: tells everybody and plans the next attempt. */
void ipc_link_down(struct ipc_client *c, const char *why);

#endif
