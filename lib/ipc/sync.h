/*
 * The connecting side for the command line: blocking, with a time limit, and able to have many requests under
 * way before it reads the first answer.
 */
#ifndef POSTERN_IPC_SYNC_H
#define POSTERN_IPC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/record.h"
#include "ipc/types.h"

/* The versions of every admin edge that this release speaks. */
enum { IPC_SYNC_VERSION_MIN = 1, IPC_SYNC_VERSION_MAX = 1 };

struct ipc_sync;

/* Connects, checks that the listener runs as `server_uid` ((uid_t)-1: any uid), and exchanges HELLO. On
 * failure `e` says what is wrong and what to do ("the suite is not running: ..."); returns -ECONNREFUSED,
 * -ENOENT, -EACCES, -EPROTO, -ETIME ... */
int ipc_sync_open(const char *path, const char *edge, const char *instance, unsigned server_uid,
    uint32_t timeout_ms, struct ipc_sync **ret, struct err_text *e);
struct ipc_sync *ipc_sync_close(struct ipc_sync *s);

/* Sends a request and gives its id. A server allows a number of unanswered requests of each type: see its
 * permission table. */
int ipc_sync_send(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, uint32_t *ret_id,
    struct err_text *e);
/* A record that has no answer, as a numbered row. */
int ipc_sync_send_row(
    struct ipc_sync *s, enum ipc_type type, uint32_t row, const ProtobufCMessage *body, struct err_text *e);
/* The same with a descriptor beside it (borrowed). */
int ipc_sync_send_fd(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, int fd,
    uint32_t *ret_id, struct err_text *e);
/* Send with a descriptor, then receive the answer; otherwise as ipc_sync_call(). */
int ipc_sync_call_fd(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, int fd,
    struct ipc_record *ret, struct err_text *e);
/* The next record from the server, borrowed until the next call. timeout_ms 0: wait for ever (monitor). */
int ipc_sync_recv(struct ipc_sync *s, uint32_t timeout_ms, struct ipc_record *ret, struct err_text *e);
/* Send, then receive the answer. An IPC_ERROR becomes a return of -code with its text in `e`. Not while other
 * requests are under way: their answers would be in between (-EPROTO); events are skipped. */
int ipc_sync_call(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body,
    struct ipc_record *ret, struct err_text *e);
/* For poll(2). */
int ipc_sync_fd(const struct ipc_sync *s);

#endif
