/*
 * Which `sainfo` counts for two identities of phase 2 (racoon-conf.md section 5.1).
 */
#ifndef POSTERN_KEYD_IKE1_SELECT_H
#define POSTERN_KEYD_IKE1_SELECT_H

#include "ipsec/ike_conf.h"
#include "wire/ike/v1_payload.h"

/* The first that fits, in the configuration's order, which is from the most particular on. `local` and
 * `remote` are ID payloads as parsed, `groups` those of the peer's user (NULL: none). NULL: none fits. */
const struct ike_child *select_child(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups);

#endif
