/*
 * The two routing tables: T leads to the device or nowhere, R knows the remote networks of tunnel policies.
 */
#ifndef POSTERN_POLICYD_KERNEL_ROUTES_H
#define POSTERN_POLICYD_KERNEL_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "ipsec/spd.h"
#include "policyd/kernel/rtnl.h"

struct policyd_conf;

/* Table T of one family. `index` is the device's, 0 when there is none: then only the unreachable route.
 * Returns how many routes were missing, or -errno; -EAFNOSUPPORT and the like when the host lacks the family.
 */
int routes_ensure_table(struct rtnl *r, const struct policyd_conf *c, uint8_t family, int index);
/* Removes every route of a table. 0 or -errno. */
int routes_flush(struct rtnl *r, uint32_t table, uint8_t family);

/* One route of R. `src` may be INET_NONE: the kernel chooses. */
struct remote {
	struct inet_prefix dst;
	struct inet_addr src;
	uint32_t order; /* of the policies it comes from */
};
struct remotes {
	struct remote *r;
	size_t n;
};
void remotes_fini(struct remotes *l);

/*
 * The remote networks of `spd`'s outbound tunnel policies (NULL: none), each once, sorted; with a local
 * address out of the policy's source range where the host has one. 0 or -errno.
 */
int remotes_of(struct rtnl *r, const struct spd *spd, struct remotes *ret);

/* Makes R hold `want` and not what only `have` holds. Returns how many routes the kernel refused. */
int routes_replace_remotes(struct rtnl *r, const struct policyd_conf *c, int index,
    const struct remotes *have, const struct remotes *want);

#endif
