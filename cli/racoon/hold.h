/*
 * racoon's staying: as long as the program is there its configuration holds, and no longer.
 */
#ifndef POSTERN_CLI_RACOON_HOLD_H
#define POSTERN_CLI_RACOON_HOLD_H

#include <signal.h>

#include "cli/cli.h"
#include "cli/racoon/follow.h"
#include "ipc/sync.h"

/* A claim on the configuration of one generation. Zeroed: none is held. */
struct hold {
	uint64_t generation;
	struct ipc_sync *keyd; /* whose end is the configuration's; NULL: keyd is not there at the moment */
};

/* Holds what has just been loaded, in place of what was held before. */
void hold_take(struct hold *h, const struct cli *cli, uint64_t generation);
/* Lets go; without a word of withdrawal before it that ends the configuration. */
void hold_fini(struct hold *h);
/* Whether what is held still counts: nobody has loaded another one. A keyd that is not there says nothing
 * against it. */
bool hold_counts(struct hold *h, const struct cli *cli);

enum { HOLD_LOST = -1 };
/* Waits for one of these signals, which are blocked, and meanwhile holds on to keyd through its restarts and
 * writes down what it says. The signal; HOLD_LOST: somebody has loaded another configuration. */
int hold_wait(struct hold *h, struct follow *log, const struct cli *cli, const sigset_t *set);

#endif
