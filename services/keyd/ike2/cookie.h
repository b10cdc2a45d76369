/*
 * Cookies (RFC 7296 section 2.6): when many negotiations of strangers are under way, one more is begun only
 * with somebody who shows that he receives what we send to his address. Nothing is kept of whoever has not
 * shown it.
 */
#ifndef POSTERN_KEYD_IKE2_COOKIE_H
#define POSTERN_KEYD_IKE2_COOKIE_H

#include "keyd/core/core.h"
#include "wire/ike/msg.h"

enum { COOKIE_FROM = 100 /* of strangers under way */ };

/* Whether a first message is worked on. If not, it has been answered with a cookie, or dropped. */
bool cookie_admits(
    struct core *c, const struct ike_path *path, const struct ike_hdr *h, const struct ike_chain *chain);

#endif
