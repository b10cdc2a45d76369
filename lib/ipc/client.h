/*
 * The connecting side of an edge inside a service: keeps one connection up with back-off, checks who answers,
 * files requests with a deadline, and never blocks.
 */
#ifndef POSTERN_IPC_CLIENT_H
#define POSTERN_IPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "base/clock.h"
#include "ipc/record.h"
#include "ipc/types.h"

struct ipc_client;

struct ipc_client_def {
	const char *edge; /* "policyd.datapathd"; must equal the server's name */
	uint16_t version_min, version_max;
	uint32_t backoff_min_ms, backoff_max_ms; /* doubling between connection attempts */
	/* After both HELLOs; repeat here what is idempotent. */
	void (*on_up)(struct ipc_client *c, uint64_t server_epoch_ms);
	/* Every pending request has got its -ECONNRESET before this is called. */
	void (*on_down)(struct ipc_client *c);
	/* Records that answer no request (events). Negative ends the connection. May be NULL. */
	int (*on_event)(struct ipc_client *c, const struct ipc_record *rec);
};

struct ipc_client_env {
	uv_loop_t *loop;
	const struct clock *clock;
	const char *instance;
	uint64_t epoch_ms;
	void *owner;      /* ipc_client_owner() hands it to callbacks */
	uid_t server_uid; /* SO_PEERCRED of the listener must say this */
	void (*log)(
	    void *owner, const char *edge, const char *why); /* state changes, once each; may be NULL */
};

/* Starts connecting to the socket at `path` (copied); nothing is called back before the loop runs. */
int ipc_client_new(const struct ipc_client_env *env, const struct ipc_client_def *def, const char *path,
    struct ipc_client **ret);
/* Pending requests get -ECONNRESET before this returns; on_down is not called. May be called inside any
 * callback. The loop must turn once more before it is closed. NULL is fine. Returns NULL. */
struct ipc_client *ipc_client_free(struct ipc_client *c);
void *ipc_client_owner(const struct ipc_client *c);
bool ipc_client_is_up(const struct ipc_client *c);

struct ipc_client_counters {
	uint64_t ups, downs;
	uint64_t timeouts; /* requests that got -ETIME */
	uint64_t late;     /* answers that nobody waits for (any more), dropped */
	uint64_t events, throttled;
};
const struct ipc_client_counters *ipc_client_counters(const struct ipc_client *c);

/*
 * `result` is 0 and `rec` the answer (borrowed); or -ETIME, -ECONNRESET with rec NULL. An IPC_ERROR answer
 * comes as 0 with rec->type IPC_ERROR. Called exactly once for every request that was accepted, from the loop
 * or ipc_client_free().
 */
typedef void (*ipc_reply_fn)(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg);

/* Files a request. 0; -ENOTCONN; -ENOBUFS when too many are pending or the peer does not read; -EMSGSIZE. */
int ipc_client_request(struct ipc_client *c, enum ipc_type type, const ProtobufCMessage *body,
    uint32_t deadline_ms, ipc_reply_fn fn, void *arg);
/* Sends a record that has no answer; row numbers bulk uploads. Waits for no one: -ENOBUFS means try again
 * after on_writable. */
int ipc_client_send_row(struct ipc_client *c, enum ipc_type type, uint32_t row, const ProtobufCMessage *body);
/* `fn` is called once each time the queue has drained after an -ENOBUFS. */
void ipc_client_on_writable(struct ipc_client *c, void (*fn)(struct ipc_client *c));

#endif
