/*
 * Questions to policyd, and what it says by itself. Results as those of ipc_client_request().
 */
#ifndef POSTERN_KEYD_EDGES_POLICYD_H
#define POSTERN_KEYD_EDGES_POLICYD_H

#include "ipc/client.h"
#include "keyd/core/core.h"

enum { POLICYD_DEADLINE_MS = 10000 };

must_check int policyd_subscribe(struct ipc_client *c, ipc_reply_fn fn, void *arg);
must_check int policyd_ask_match(struct ipc_client *c, const struct selector *out,
    const struct ike_path *path, bool within, ipc_reply_fn fn, void *arg);
must_check int policyd_ask_grant(
    struct ipc_client *c, const struct core_grant *g, ipc_reply_fn fn, void *arg);
/* A policy for a client, as this side sees it. */
must_check int policyd_ask_make(struct ipc_client *c, const uint8_t *ticket, size_t n,
    const struct policy *out, const struct ike_path *path, ipc_reply_fn fn, void *arg);
/* Hints without an answer: what cannot be sent is lost. */
void policyd_drop_policy(struct ipc_client *c, uint32_t policy_id);
void policyd_drop_grant(struct ipc_client *c, uint64_t grant);
void policyd_acquire_done(struct ipc_client *c, uint64_t seq, bool ok);

/* An AcquireEvent; `policy` of *ret points to *ret_policy. 0 or -EBADMSG. */
must_check int policyd_acquire_decode(
    const struct ipc_record *rec, struct core_acquire *ret, struct policy *ret_policy);

#endif
