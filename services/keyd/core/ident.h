/*
 * Identities between the configuration's form and the body of a version 1 ID payload (RFC 2407 section
 * 4.6.2).
 */
#ifndef POSTERN_KEYD_CORE_IDENT_H
#define POSTERN_KEYD_CORE_IDENT_H

#include "ipsec/ike_conf.h"
#include "ipsec/selector.h"
#include "keyd/core/octets.h"
#include "wire/ike/v1_payload.h"

/* Our identity's body in phase 1; `local` stands in for an address that was not said, `subject` for a name
 * that the certificate has (NULL: none). 0; -ENOENT: there is no such subject; -EOPNOTSUPP: a name as text
 * is not known octet by octet; -ENOMEM. */
must_check int ident_body(const struct ike_id *id, const struct inet_addr *local,
    const struct ike1_octets *subject, struct octets *ret);
/* The peer's. 0; -EBADMSG: an address of another protocol or port than phase 1 has, or a type that names no
 * peer. */
must_check int ident_peer(const struct ike1_ident *id, struct ike_id *ret);

/* Phase 2: one side of a selector as the ID payload that says it. 0 or -ENOMEM. */
must_check int ident_side_body(
    const struct inet_prefix *side, uint16_t proto, uint16_t port, struct octets *ret);
/* The same for a range of addresses. 0 or -ENOMEM. */
must_check int ident_range_body(const struct inet_addr *first, const struct inet_addr *last, uint16_t proto,
    uint16_t port, struct octets *ret);
/* Both sides of what is asked for, from `src` to `dst`, as selectors: one, or for ranges that are no networks
 * one for each pair of those they are made of. 0; -EBADMSG: not addresses of one family, or protocols that
 * differ; -E2BIG: more than IDENT_NETS_MAX pairs. */
enum { IDENT_NETS_MAX = IKE_RANGE_NETS_MAX };
must_check int ident_selectors(const struct ike1_ident *src, const struct ike1_ident *dst,
    struct selector ret[IDENT_NETS_MAX], uint8_t *ret_n);

#endif
