/*
 * Questions to certd and certd-verify. Results as those of ipc_client_request().
 */
#ifndef POSTERN_KEYD_EDGES_CERTD_H
#define POSTERN_KEYD_EDGES_CERTD_H

#include "ipc/client.h"
#include "keyd/core/ports.h"

enum { CERTD_DEADLINE_MS = 10000 };

must_check int certd_ask_skeyid(struct ipc_client *c, const struct ike1_session *s,
    const struct ike_id *peer_id, ipc_reply_fn fn, void *arg);
must_check int certd_ask_verify(struct ipc_client *c, const struct ike1_session *s,
    const struct ike1_claim *claim, ipc_reply_fn fn, void *arg);
must_check int certd_ask_sign(struct ipc_client *c, const struct ike1_session *s, const struct secret *skeyid,
    const struct ike1_facts *f, ipc_reply_fn fn, void *arg);
must_check int certd_ask_local_id(
    struct ipc_client *c, uint64_t generation, uint32_t peer, ipc_reply_fn fn, void *arg);
must_check int certd_ask_xauth(struct ipc_client *c, struct ike1_octets ticket, struct ike1_octets user,
    struct ike1_octets password, ipc_reply_fn fn, void *arg);
must_check int certd_ask_password(
    struct ipc_client *c, struct ike1_octets ticket, ipc_reply_fn fn, void *arg);
must_check int certd_verify_ask(struct ipc_client *c, const struct ike1_session *s,
    const struct secret *skeyid, const struct ike1_claim *claim, ipc_reply_fn fn, void *arg);

#endif
