/*
 * The requests of a session as plain values: the only place of cli/setkey that sees protobuf is behind these.
 */
#ifndef POSTERN_CLI_SETKEY_REQUEST_H
#define POSTERN_CLI_SETKEY_REQUEST_H

#include "cli/rows.h"
#include "cli/setkey/session.h"

/* What an answer said, for the trace. */
struct request_done {
	uint64_t number; /* serial of an SA, id of a policy */
	uint64_t version;
	uint32_t count;
};

/* All return as the functions of session.h do; while the session is posting, those that take a request_done
 * return once the request is sent, and request_take() gets the answer. */
int request_take(struct session *s, const struct session_sent *w, struct request_done *ret);
int request_sa_add(struct session *s, const struct sa_desc *d, bool update, struct request_done *ret);
int request_sa_delete(struct session *s, const struct setkey_sa_id *id, bool all, struct request_done *ret);
int request_sa_flush(struct session *s, uint32_t proto, struct request_done *ret);
int request_sa_get(struct session *s, const struct setkey_sa_id *id, cli_sa_fn fn, void *arg);
/* Reserves an SPI; `fn` gets the larval SA. */
int request_sa_getspi(struct session *s, const struct setkey_sa_id *id, cli_sa_fn fn, void *arg);
int request_spd_put(struct session *s, const struct policy *p, bool update, struct request_done *ret);
/* `before`: the policy that it is to be tried before; 0: behind all. */
int request_spd_put_before(
    struct session *s, const struct policy *p, uint32_t before, struct request_done *ret);
int request_spd_delete(struct session *s, const struct policy *p, struct request_done *ret);
int request_spd_flush(struct session *s, struct request_done *ret);
int request_spd_barrier(struct session *s);
/* Requests without a body that are answered with IPC_OK. */
int request_plain(struct session *s, enum session_peer peer, enum ipc_type type);

#endif
