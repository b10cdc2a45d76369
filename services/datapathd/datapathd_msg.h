/*
 * The messages of datapathd's edges as plain structs: the only place of this service that sees protobuf.
 * Decoders return 0; -EBADMSG for what cannot be read (the connection ends); another negative errno with a
 * sentence in `e` for what can be answered.
 */
#ifndef POSTERN_DATAPATHD_MSG_H
#define POSTERN_DATAPATHD_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapathd/sa/txn.h"
#include "ipc/client.h"
#include "ipc/conn.h"
#include "ipc/record.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

/* The description borrows its keys from the message: msg_sa_add_fini() wipes them. */
struct msg_sa_add {
	struct sa_desc desc;
	bool update;
	void *held;
};
int must_check msg_sa_add_decode(const struct ipc_record *rec, struct msg_sa_add *ret, struct err_text *e);
void msg_sa_add_fini(struct msg_sa_add *m);

int must_check msg_sa_get_decode(const struct ipc_record *rec, struct sa_ident *ret, struct err_text *e);
/* The identity without an SPI, and the range: set to the protocol's when none was given. */
int must_check msg_sa_getspi_decode(const struct ipc_record *rec, struct sa_ident *ret, uint32_t *ret_min,
    uint32_t *ret_max, struct err_text *e);
int must_check msg_sa_delete_decode(
    const struct ipc_record *rec, struct sa_ident *ret, bool *ret_all, struct err_text *e);
/* 0 (all), 50, 51 or 108. */
int must_check msg_sa_flush_decode(const struct ipc_record *rec, uint32_t *ret_proto, struct err_text *e);
int must_check msg_sa_dump_decode(
    const struct ipc_record *rec, uint32_t *ret_proto, bool *ret_dead, struct err_text *e);
int must_check msg_setting_decode(
    const struct ipc_record *rec, char ret_name[64], uint64_t *ret_value, struct err_text *e);

int msg_sa_done_send(struct ipc_conn *c, uint32_t id, uint64_t serial, uint32_t count);
/* A row of a dump, or with row UINT32_MAX the answer to get. desc NULL: the last row, without an SA. */
int msg_sa_row_send(struct ipc_conn *c, uint32_t id, uint32_t row, bool end, const struct sa_desc *desc,
    bool with_keys, const struct sa_status *status);

/* datapathd <- policyd */
struct msg_snapshot {
	uint64_t version;
	uint32_t n_policies;
	struct policy_deflev deflev;
	bool enabled;
};
int must_check msg_snapshot_begin_decode(
    const struct ipc_record *rec, struct msg_snapshot *ret, struct err_text *e);
int must_check msg_snapshot_row_decode(const struct ipc_record *rec, struct policy *ret, struct err_text *e);
int must_check msg_snapshot_commit_decode(
    const struct ipc_record *rec, uint64_t *ret_version, struct err_text *e);
int msg_snapshot_ack_send(struct ipc_conn *c, uint32_t id, uint64_t version);

/* policyd <- datapathd */
struct msg_acquire {
	uint64_t seq;
	uint32_t policy_id, request;
	struct packet_key packet;
	struct inet_addr src, dst;
};
int msg_acquire_send(
    struct ipc_client *c, const struct msg_acquire *m, uint32_t deadline_ms, ipc_reply_fn fn, void *arg);
/* When policies were last used: n (at most MSG_USED_MAX) numbers and ages. 0, or as ipc_client_send_row(). */
enum { MSG_USED_MAX = 1000 };
int msg_used_send(struct ipc_client *c, uint32_t *ids, uint32_t *ages_ms, size_t n);
int must_check msg_acquire_expired_decode(
    const struct ipc_record *rec, uint64_t *ret_seq, uint32_t *ret_policy_id);

#endif
