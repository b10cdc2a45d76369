/*
 * What the running kernel lacks of what policyd needs, each with the option or module that would bring it.
 */
#ifndef POSTERN_POLICYD_KERNEL_PROBE_H
#define POSTERN_POLICYD_KERNEL_PROBE_H

#include <stdbool.h>

#include "base/err.h"

struct nft;
struct policyd_conf;
struct rtnl;

/* Sentences; empty: nothing is missing. */
struct kernel_lacks {
	struct err_text all;      /* without it nothing can be enforced */
	struct err_text v6;       /* without it IPv6 cannot be protected */
	struct err_text src_mark; /* without it rp_filter stands in the way */
};

/* Before anything is put in force. Leaves nothing behind. */
void kernel_probe(
    struct nft *nft, struct rtnl *r, const struct policyd_conf *c, bool has_ipv6, struct kernel_lacks *ret);
/* Whether IPv6 is there at all; before the sandbox. */
bool kernel_has_ipv6(void);

#endif
