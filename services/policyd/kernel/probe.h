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
	struct err_text all;  /* nothing can be enforced */
	struct err_text some; /* most can */
};

/* Before anything is put in force. Leaves nothing behind. */
void kernel_probe(
    struct nft *nft, struct rtnl *r, const struct policyd_conf *c, bool has_ipv6, struct kernel_lacks *ret);
/* Whether IPv6 is there at all; before the sandbox. */
bool kernel_has_ipv6(void);

#endif
