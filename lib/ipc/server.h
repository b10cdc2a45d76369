/*
 * The listening side of an edge: who may connect, what they may say and when, how much and how often. A
 * violation ends that connection, is counted and logged once, and touches nobody else.
 */
#ifndef POSTERN_IPC_SERVER_H
#define POSTERN_IPC_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "base/clock.h"
#include "ipc/conn.h"
#include "ipc/record.h"
#include "ipc/types.h"

/* A row of the permission table. */
struct ipc_rule {
	uint16_t type;          /* enum ipc_type */
	const char *name;       /* for logs and tests: "spd.put" */
	uint32_t roles;         /* any of these may send it */
	uint32_t max_body;      /* largest body in bytes */
	uint16_t max_in_flight; /* unanswered requests of this type on one connection; 0: it has no answer */
	uint16_t cost;          /* tokens of the connection's budget; 0 counts as 1 */
	bool secret;            /* the body holds key octets: wipe buffers behind it */
	/* Decodes and acts. Answers now or later with ipc_conn_send(); a negative return means the record was
	 * malformed and ends the connection. It may close the connection, drop references, free the server.
	 */
	int (*handle)(struct ipc_conn *c, const struct ipc_record *rec);
	bool takes_fd; /* a descriptor may come beside it: ipc_conn_take_fd() */
};

struct ipc_edge {
	const char *name; /* "policyd.admin" */
	uint16_t version_min, version_max;
	const struct ipc_rule *rules;
	size_t n_rules;
	/* Tokens per second and connection, not 0; reading stops while there are none. */
	uint32_t budget_rate, budget_burst;
	uint16_t max_conns;  /* of root, and of all others; more are closed at accept */
	uint32_t max_queued; /* bytes of answers waiting for the peer to read; more ends the connection */
	void (*on_open)(struct ipc_conn *c); /* after HELLO; may be NULL */
	/* Before it goes, for each connection that was opened; may be NULL. Called from the loop, never
	 * inside a call that the service makes, but for ipc_server_free(). */
	void (*on_close)(struct ipc_conn *c);
};

struct ipc_server;

/* What the server needs to know of its process. */
struct ipc_server_env {
	uv_loop_t *loop;
	const struct clock *clock;
	const char *instance; /* borrowed */
	uint64_t epoch_ms;
	void *owner; /* ipc_conn_owner() hands it to handlers */
	/* Roles of a peer; asked once for its own group and once for each further one, the answers added up.
	 * None refuses it. */
	uint32_t (*roles_of)(void *owner, uid_t uid, gid_t gid, pid_t pid);
	/* One line per ended connection, already rate-limited; may be NULL. */
	void (*log_violation)(void *owner, const char *edge, pid_t pid, uid_t uid, const char *why);
};

/* Serves `edge` (borrowed, static) on a listening seqpacket socket (taken). -errno on failure, the descriptor
 * then closed; -EINVAL for a table that contradicts itself. The peer of a violation gets an IPC_ERROR with
 * the reason before the end. */
int ipc_server_new(
    const struct ipc_server_env *env, const struct ipc_edge *edge, int listen_fd, struct ipc_server **ret);
/* Closes every connection (on_close is called before this returns) and the listener; the loop must turn once
 * more before it is closed. NULL is fine. Returns NULL. */
struct ipc_server *ipc_server_free(struct ipc_server *s);

struct ipc_server_counters {
	uint64_t accepted, refused, violations, records, throttled;
};
const struct ipc_server_counters *ipc_server_counters(const struct ipc_server *s);

/* Calls fn for every connection past HELLO. fn may close the connection it is given. */
void ipc_server_each(struct ipc_server *s, void (*fn)(struct ipc_conn *c, void *arg), void *arg);

#endif
