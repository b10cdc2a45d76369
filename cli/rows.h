/*
 * The databases as rows: what dumps, --json and checks are made from.
 */
#ifndef POSTERN_CLI_ROWS_H
#define POSTERN_CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/sync.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

/* Key pointers of `d` are valid during the call only, and NULL for a reader who is not root. Nonzero stops
 * and is returned. */
typedef int (*cli_sa_fn)(const struct sa_desc *d, const struct sa_status *s, void *arg);
/* Every SA of `proto` (0: all); with `dead` also those in state dead. 0, what `fn` returned, or a negative
 * errno with `e`. */
int cli_each_sa(
    struct ipc_sync *datapathd, uint32_t proto, bool dead, cli_sa_fn fn, void *arg, struct err_text *e);

typedef int (*cli_policy_fn)(const struct policy *p, void *arg);
/* Every policy: in, fwd, out, each in match order. Result as above. */
int cli_each_policy(struct ipc_sync *policyd, cli_policy_fn fn, void *arg, struct err_text *e);

#endif
