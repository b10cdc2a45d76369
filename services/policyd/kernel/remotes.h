/*
 * Table R: it knows the remote networks of tunnel policies.
 */
#ifndef POSTERN_POLICYD_KERNEL_REMOTES_H
#define POSTERN_POLICYD_KERNEL_REMOTES_H

#include <stddef.h>
#include <stdint.h>

#include "ipsec/spd.h"
#include "policyd/kernel/rtnl.h"

struct policyd_conf;

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
int remotes_replace(struct rtnl *r, const struct policyd_conf *c, int index, const struct remotes *have,
    const struct remotes *want);

#endif
