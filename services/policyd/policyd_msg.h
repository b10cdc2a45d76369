/*
 * policyd's messages as plain structs: the whole truth about its edges. Nothing else in this service sees a
 * protobuf type.
 */
#ifndef POSTERN_POLICYD_MSG_H
#define POSTERN_POLICYD_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/record.h"
#include "ipsec/policy.h"

struct ipc_client;
struct ipc_conn;

enum { MSG_POLICY_MAX = 2048 /* octets of a packed policy */ };

/* Decoders: 0; -EBADMSG ends the connection; -EINVAL is an answer to give. A sentence in `e`. */
/* *ret_before: number of the policy that it goes before; 0: behind all. */
int msg_put_decode(const struct ipc_record *rec, struct policy *ret, bool *ret_update, uint32_t *ret_before,
    struct err_text *e);
int msg_delete_decode(
    const struct ipc_record *rec, enum policy_dir *ret_dir, struct selector *ret_sel, struct err_text *e);
int msg_barrier_decode(const struct ipc_record *rec, uint64_t *ret_version);
int msg_enable_decode(const struct ipc_record *rec, bool *ret_on);
/* Sets one of `d` by name. 0; -EBADMSG; -EINVAL with a sentence. */
int msg_deflev_decode(const struct ipc_record *rec, struct policy_deflev *d, struct err_text *e);

int msg_send_done(struct ipc_conn *c, uint32_t rec_id, uint32_t policy_id, uint64_t version);
int msg_send_barrier_done(struct ipc_conn *c, uint32_t rec_id, uint64_t version);
int msg_send_enable(struct ipc_conn *c, uint32_t rec_id, bool on);
/* `p` NULL: the END row. */
int msg_send_dump_row(struct ipc_conn *c, uint32_t rec_id, uint32_t row, const struct policy *p);

struct msg_acquire {
	uint64_t seq;
	uint32_t policy_id, request;
	struct selector packet;
	struct inet_addr src, dst;
};
int msg_acquire_decode(const struct ipc_record *rec, struct msg_acquire *ret, struct err_text *e);
/* When policies were last used. */
enum { MSG_USED_MAX = 1000 };
struct msg_used {
	uint32_t n, id[MSG_USED_MAX], age_ms[MSG_USED_MAX];
};
int msg_used_decode(const struct ipc_record *rec, struct msg_used *ret);
int msg_send_acquire_expired(struct ipc_conn *c, uint64_t seq, uint32_t policy_id);

/* The snapshot to datapathd. Results as those of ipc_client_send_row() and ipc_client_request(). */
struct msg_snapshot {
	uint64_t version;
	uint32_t n_policies;
	struct policy_deflev deflev;
	bool enabled;
};
int msg_send_snapshot_begin(struct ipc_client *c, const struct msg_snapshot *s);
int msg_send_snapshot_row(struct ipc_client *c, uint32_t row, const struct policy *p);
int msg_request_snapshot_commit(struct ipc_client *c, uint64_t version, uint32_t deadline_ms,
    void (*fn)(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg), void *arg);
int msg_snapshot_ack_decode(const struct ipc_record *rec, uint64_t *ret_version, struct err_text *e);

/* A policy as the snapshot file keeps it. pack: the length, or -EMSGSIZE. unpack: 0, -EBADMSG or -EINVAL. */
int msg_policy_pack(const struct policy *p, uint8_t *buf, size_t room);
int msg_policy_unpack(const uint8_t *buf, size_t n, struct policy *ret, struct err_text *e);

#endif
