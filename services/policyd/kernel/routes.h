/*
 * Table T: it leads to the device or nowhere, and holds nothing else.
 */
#ifndef POSTERN_POLICYD_KERNEL_ROUTES_H
#define POSTERN_POLICYD_KERNEL_ROUTES_H

#include <stdint.h>

#include "policyd/kernel/rtnl.h"

struct policyd_conf;

/* Table T of one family. `index` is the device's, 0 when there is none: then only the unreachable route. A
 * route of somebody else's goes. Returns how many routes were missing or too many, or -errno; -EAFNOSUPPORT
 * and the like when the host lacks the family. */
int routes_ensure_table(struct rtnl *r, const struct policyd_conf *c, uint8_t family, int index);
/* Removes every route of a table. 0 or -errno. */
int routes_flush(struct rtnl *r, uint32_t table, uint8_t family);

/* Starts a request for a route of ours and returns its body: to a device of this host, family INET_V4 or
 * INET_V6. */
struct rtmsg *route_msg_init(
    struct rtnl_msg *m, uint16_t type, uint16_t flags, uint8_t family, uint32_t table);

#endif
