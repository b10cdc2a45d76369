/*
 * The messages of automatic keying as plain structs: keyd's edge, grants on their way to datapathd, and loads
 * of the configuration for key exchange. Beside policyd_msg.h, the whole truth about policyd's edges.
 */
#ifndef POSTERN_POLICYD_KEYD_MSG_H
#define POSTERN_POLICYD_KEYD_MSG_H

#include "ipc/record.h"
#include "ipsec/sa.h"
#include "policyd/acquires.h"
#include "policyd/grants.h"
#include "policyd/ike_load.h"

struct ipc_client;
struct ipc_conn;

enum {
	MSG_TICKET_MAX = 2048,
	MSG_IKE_ROW_MAX = 60 << 10, /* octets of a packed row: 64 offers, 16 identities of 1024 octets */
};

/* Decoders: 0; -EBADMSG ends the connection; -EINVAL is an answer to give. A sentence in `e`. */
struct msg_match {
	struct selector out; /* src is local */
	struct inet_addr local, remote;
	bool within;
};
int msg_match_decode(const struct ipc_record *rec, struct msg_match *ret, struct err_text *e);
/* NULL: there is none. */
int msg_send_match_reply(
    struct ipc_conn *c, uint32_t rec_id, const struct policy *out, const struct policy *in);

int msg_acquire_done_decode(const struct ipc_record *rec, uint64_t *ret_id, bool *ret_ok);
int msg_send_acquire_event(struct ipc_conn *c, const struct acquire *a, const struct policy *p);

struct msg_grant_ask {
	uint8_t ticket[MSG_TICKET_MAX];
	size_t ticket_len;
	uint32_t policy_id;
	uint32_t more[SA_MORE_MAX]; /* rising, without policy_id */
	uint16_t n_more;
	struct inet_addr local, remote;
};
int msg_grant_ask_decode(const struct ipc_record *rec, struct msg_grant_ask *ret, struct err_text *e);
int msg_send_grant_reply(struct ipc_conn *c, uint32_t rec_id, const struct grant *g);
int msg_grant_drop_decode(const struct ipc_record *rec, uint64_t *ret_id);

struct msg_make {
	uint8_t ticket[MSG_TICKET_MAX];
	size_t ticket_len;
	struct policy out;
	struct inet_addr local, remote;
};
int msg_make_decode(const struct ipc_record *rec, struct msg_make *ret, struct err_text *e);
int msg_policy_drop_decode(const struct ipc_record *rec, uint32_t *ret_id);

/* To datapathd. Results as those of ipc_client_request() and ipc_client_send_row(). */
int msg_request_grant(struct ipc_client *c, const struct grant *g, uint32_t deadline_ms,
    void (*fn)(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg), void *arg);
/* `id` 0: all. */
int msg_send_grant_gone(struct ipc_client *c, uint64_t id);
/* 0: it was IPC_OK. Else the error's code and sentence. */
int msg_ok_decode(const struct ipc_record *rec, struct err_text *e);

struct msg_ike_begin {
	uint32_t n_peers, n_children;
	struct inet_addr pool_first, pool_last; /* INET_NONE: clients are given nothing */
};
int msg_ike_begin_decode(const struct ipc_record *rec, struct msg_ike_begin *ret, struct err_text *e);
int msg_ike_row_decode(const struct ipc_record *rec, struct ike_row *ret, struct err_text *e);
int msg_ike_commit_decode(const struct ipc_record *rec, uint64_t *ret_generation);

#endif
