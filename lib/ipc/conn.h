/*
 * One connection of an edge, as its server's handlers see it: who is there, and how to answer.
 */
#ifndef POSTERN_IPC_CONN_H
#define POSTERN_IPC_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/record.h"
#include "ipc/types.h"

struct ipc_conn;

/* Who is at the other end, from SO_PEERCRED. A connection has the roles its uid and gid give it. */
enum ipc_role {
	IPC_ROLE_ROOT = 1 << 0,  /* uid 0: every write verb */
	IPC_ROLE_ADMIN = 1 << 1, /* member of the admin group, and root: read verbs */
	IPC_ROLE_POLICYD = 1 << 2,
	IPC_ROLE_DATAPATHD = 1 << 3,
	IPC_ROLE_KEYD = 1 << 4,
	IPC_ROLE_CERTD = 1 << 5,
};

void *ipc_conn_owner(const struct ipc_conn *c);
uint32_t ipc_conn_roles(const struct ipc_conn *c);
pid_t ipc_conn_pid(const struct ipc_conn *c);
uid_t ipc_conn_uid(const struct ipc_conn *c);
/* A pointer of the edge's own, NULL at first. */
void *ipc_conn_data(const struct ipc_conn *c);
void ipc_conn_set_data(struct ipc_conn *c, void *data);

/* Connections are counted references: a service that answers later holds one, and learns from
 * ipc_conn_is_open() whether anybody is still there. */
struct ipc_conn *ipc_conn_ref(struct ipc_conn *c);
struct ipc_conn *ipc_conn_unref(struct ipc_conn *c);
bool ipc_conn_is_open(const struct ipc_conn *c);
/* Ends the connection. Its streams' done and on_close follow from the loop. */
void ipc_conn_close(struct ipc_conn *c);

/* The descriptor that came beside the record that is being handled, the caller's from then on; -1: none did.
 * Left alone it is closed when the handler returns. */
int ipc_conn_take_fd(struct ipc_conn *c);

/* Sends the answer to request `rec_id`, or an event with id 0. Body NULL: none. 0; -EPIPE when the connection
 * is gone; -ENOBUFS when it was ended because the peer does not read; -EMSGSIZE when the body is too large:
 * then the request is still to be answered. */
int ipc_conn_send(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, const ProtobufCMessage *body);
/* IPC_ERROR: `code` is a positive errno, `text` one sentence. */
int ipc_conn_send_error(struct ipc_conn *c, uint32_t rec_id, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Events may be dropped instead of queued: true when the queue has room for one more. */
bool ipc_conn_has_room(const struct ipc_conn *c);

/*
 * Bulk answer, pulled at the peer's pace: `next` is called whenever there is room and sends one row with
 * ipc_conn_send_row(). It returns 1 while there is more, 0 after it sent the END row, negative to end the
 * connection. `done` (may be NULL) is called exactly once, also when the connection goes away first. The
 * first `next` comes from the loop. When ipc_conn_stream() itself fails (-EPIPE, -ENOMEM), neither is called
 * and `arg` stays the caller's.
 */
struct ipc_stream_ops {
	int (*next)(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg);
	void (*done)(void *arg);
};
int ipc_conn_stream(struct ipc_conn *c, uint32_t rec_id, const struct ipc_stream_ops *ops, void *arg);
int ipc_conn_send_row(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, uint32_t row, bool end,
    const ProtobufCMessage *body);

#endif
