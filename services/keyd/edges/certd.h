/*
 * Questions to certd and certd-verify. Results as those of ipc_client_request().
 */
#ifndef POSTERN_KEYD_EDGES_CERTD_H
#define POSTERN_KEYD_EDGES_CERTD_H

#include "ipc/client.h"
#include "keyd/core/ports.h"

enum { CERTD_DEADLINE_MS = 10000 };

must_check int certd_ask_begin(struct ipc_client *c, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began, ipc_reply_fn fn, void *arg);
must_check int certd_ask_keys(struct ipc_client *c, const struct ike1_told *t, ipc_reply_fn fn, void *arg);
must_check int certd_ask_switch(
    struct ipc_client *c, struct ike1_octets nonce, uint32_t peer, ipc_reply_fn fn, void *arg);
must_check int certd_ask_prove(
    struct ipc_client *c, struct ike1_octets nonce, struct ike1_octets id, ipc_reply_fn fn, void *arg);
/* `proof`: as ike1_verify and ike2_verify of the core's ports have it. */
must_check int certd_ask_verify(struct ipc_client *c, struct ike1_octets nonce, struct ike1_octets id,
    struct ike1_octets proof, ipc_reply_fn fn, void *arg);
must_check int certd_ask_tell(struct ipc_client *c, const struct ike2_told *t, ipc_reply_fn fn, void *arg);
must_check int certd_verify_ask(
    struct ipc_client *c, const struct ike1_signed *s, ipc_reply_fn fn, void *arg);
must_check int certd_ask_xauth(struct ipc_client *c, struct ike1_octets ticket, struct ike1_octets user,
    struct ike1_octets password, ipc_reply_fn fn, void *arg);
must_check int certd_ask_password(
    struct ipc_client *c, struct ike1_octets ticket, ipc_reply_fn fn, void *arg);

#endif
