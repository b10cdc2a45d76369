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
#include "ipc/record.h"
#include "ipc/types.h"

/* Who is at the other end, from SO_PEERCRED. A connection has the roles its uid and gid give it. */
enum ipc_role {
	IPC_ROLE_ROOT = 1 << 0,      /* uid 0: every write verb */
	IPC_ROLE_ADMIN = 1 << 1,     /* member of the admin group, and root: read verbs */
	IPC_ROLE_POLICYD = 1 << 2,
	IPC_ROLE_DATAPATHD = 1 << 3,
	IPC_ROLE_KEYD = 1 << 4,
	IPC_ROLE_CERTD = 1 << 5,
};

struct ipc_conn;

/* A row of the permission table: the type is its index in the switch-free dispatch. */
struct ipc_rule {
	uint16_t type;         /* enum ipc_type */
	const char *name;      /* for logs and tests: "spd.put" */
	uint32_t roles;        /* any of these may send it */
	uint32_t max_body;     /* largest body in bytes */
	uint16_t max_in_flight; /* requests of this type not yet answered on one connection; 0: no answer is given */
	uint16_t cost;         /* tokens of the connection's budget; 0 counts as 1 */
	bool secret;           /* the body holds key octets: wipe buffers behind it */
	/* Decodes and acts. Answers now or later with ipc_conn_send(); a negative return means the record was
	 * malformed and ends the connection. */
	int (*handle)(struct ipc_conn *c, const struct ipc_record *rec);
};

struct ipc_edge {
	const char *name;      /* "policyd.admin" */
	uint16_t version_min, version_max;
	const struct ipc_rule *rules;
	size_t n_rules;
	uint32_t budget_rate, budget_burst; /* tokens per second per connection; reading stops while it is empty */
	uint16_t max_conns;    /* more are closed at accept */
	uint32_t max_queued;   /* bytes of answers waiting for the peer to read; more ends the connection */
	void (*on_open)(struct ipc_conn *c);  /* after HELLO; may be NULL */
	void (*on_close)(struct ipc_conn *c); /* before it goes; may be NULL */
};

struct ipc_server;

/* What the server needs to know of its process. */
struct ipc_server_env {
	uv_loop_t *loop;
	const struct clock *clock;
	const char *instance;
	uint64_t epoch_ms;
	void *owner;           /* ipc_conn_owner() hands it to handlers */
	/* Roles of a peer; 0 refuses it. */
	uint32_t (*roles_of)(void *owner, uid_t uid, gid_t gid, pid_t pid);
	/* One line per ended connection, already rate-limited; may be NULL. */
	void (*log_violation)(void *owner, const char *edge, pid_t pid, uid_t uid, const char *why);
};

/* Serves `edge` (borrowed, static) on a listening seqpacket socket (taken). -errno on failure, the descriptor then closed. */
int ipc_server_new(const struct ipc_server_env *env, const struct ipc_edge *edge, int listen_fd, struct ipc_server **ret);
/* Closes every connection and the listener. NULL is fine. Returns NULL. */
struct ipc_server *ipc_server_free(struct ipc_server *s);

struct ipc_server_counters {
	uint64_t accepted, refused, violations, records, throttled;
};
const struct ipc_server_counters *ipc_server_counters(const struct ipc_server *s);

/* Calls fn for every connection past HELLO. fn may close the connection it is given. */
void ipc_server_each(struct ipc_server *s, void (*fn)(struct ipc_conn *c, void *arg), void *arg);

void *ipc_conn_owner(const struct ipc_conn *c);
uint32_t ipc_conn_roles(const struct ipc_conn *c);
pid_t ipc_conn_pid(const struct ipc_conn *c);
uid_t ipc_conn_uid(const struct ipc_conn *c);
/* A pointer of the edge's own, NULL at first. */
void *ipc_conn_data(const struct ipc_conn *c);
void ipc_conn_set_data(struct ipc_conn *c, void *data);

/* Connections are counted references: a service that answers later holds one, and learns from ipc_conn_is_open() whether
 * anybody is still there. */
struct ipc_conn *ipc_conn_ref(struct ipc_conn *c);
struct ipc_conn *ipc_conn_unref(struct ipc_conn *c);
bool ipc_conn_is_open(const struct ipc_conn *c);

/* Sends the answer to request `rec_id`, or an event with id 0. Body NULL: none. 0; -EPIPE when the connection is gone; -ENOBUFS
 * when it was ended because the peer does not read. */
int ipc_conn_send(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, const ProtobufCMessage *body);
/* IPC_ERROR: `code` is a positive errno, `text` one sentence. */
int ipc_conn_send_error(struct ipc_conn *c, uint32_t rec_id, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Events may be dropped instead of queued: true when the queue has room for one more. */
bool ipc_conn_has_room(const struct ipc_conn *c);

/*
 * Bulk answer, pulled at the peer's pace: `next` is called whenever there is room and sends one row with ipc_conn_send_row().
 * It returns 1 while there is more, 0 after it sent the END row, negative to end the connection. `done` (may be NULL) is called
 * exactly once, also when the connection goes away first.
 */
struct ipc_stream_ops {
	int (*next)(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg);
	void (*done)(void *arg);
};
int ipc_conn_stream(struct ipc_conn *c, uint32_t rec_id, const struct ipc_stream_ops *ops, void *arg);
int ipc_conn_send_row(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, uint32_t row, bool end,
    const ProtobufCMessage *body);

#endif
