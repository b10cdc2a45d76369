/*
 * Which `sainfo` counts for two identities of phase 2 (racoon-conf.md section 5.1).
 */
#ifndef POSTERN_KEYD_IKE1_SELECT_H
#define POSTERN_KEYD_IKE1_SELECT_H

#include "ipsec/ike_conf.h"
#include "ipsec/selector.h"
#include "keyd/core/octets.h"
#include "wire/ike/v1_payload.h"

/* The first that fits, in the configuration's order, which is from the most particular on. `local` and
 * `remote` are ID payloads as parsed, `groups` those of the peer's user (NULL: none). NULL: none fits. */
const struct ike_child *select_child(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups);
/* The same for a policy of our own that we begin with: a range fits what lies in it, because it is what will
 * be said then. */
const struct ike_child *select_own(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups);

/* Which of an address's blocks a negotiation is begun with: one that may begin before a passive one, then the
 * one that the most particular sainfo is for which fits `out` (NULL: no policy is known), then one that is
 * written with the usual port, then the first of the file. NULL: the address has none. */
const struct ike_peer *select_remote(
    const struct ike_conf *c, const struct inet_addr *addr, const struct selector *out);
/* Whether a sainfo fits that policy with a peer of this block; its identity and groups are left aside. */
bool select_fits(const struct ike_conf *c, const struct ike_peer *peer, const struct inet_addr *addr,
    const struct selector *out);
/* One side of our own selector, as an ID payload's body and taken apart again. */
must_check bool select_own_side(const struct inet_prefix *side, const struct selector *s, uint16_t port,
    struct octets *body, struct ike1_ident *ret);

#endif
