/*
 * Which policies a peer's two identities mean (racoon-conf.md section 9): what keyd asks for in quick mode.
 */
#ifndef POSTERN_POLICYD_MATCH_H
#define POSTERN_POLICYD_MATCH_H

#include "ipsec/spd.h"

/* The same traffic in the other direction. An ICMP type, or a GRE key, is no port: it stays where it is. */
struct selector match_mirror(const struct selector *s);

/*
 * The `ipsec` policy of a direction with exactly this selector, host bits aside. If there is none, and the
 * selector is from the host `src` to the host `dst`, which are the addresses of the exchange as this
 * direction has them ("looks to be transport mode"): the first `ipsec` policy that contains both and has the
 * same protocol and ports, `any` on either side being the same as everything. NULL: none.
 */
const struct policy *match_policy(const struct spd *spd, enum policy_dir dir, const struct selector *sel,
    const struct inet_addr *src, const struct inet_addr *dst);

/* Outbound: the first `ipsec` policy that protects nothing but a part of `sel`, and whose requests are
 * between the two, as version 2's responder narrows what it is offered (RFC 7296 section 2.9). NULL: none. */
const struct policy *match_within(const struct spd *spd, const struct selector *sel,
    const struct inet_addr *local, const struct inet_addr *remote);

#endif
