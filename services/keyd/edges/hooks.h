/*
 * What hooks is told.
 */
#ifndef POSTERN_KEYD_EDGES_HOOKS_H
#define POSTERN_KEYD_EDGES_HOOKS_H

#include "base/list.h"
#include "ipc/client.h"
#include "keyd/core/ports.h"

enum { HOOKS_LATE_MAX = 64 };

/* What has happened while hooks was not there (it is begun again within moments), oldest first: at most
 * HOOKS_LATE_MAX, of some 2 kB each. */
struct hooks_late {
	struct list waiting;
	uint32_t n;
};

void hooks_late_init(struct hooks_late *l);
void hooks_late_fini(struct hooks_late *l);
/* Hooks is there (again): what has waited goes first. What cannot go waits on. */
void hooks_late_tell(struct hooks_late *l, struct ipc_client *c);

/* In the order in which it happened: now, or as soon as hooks is there. 0; -ENOBUFS: too many wait already;
 * -ENOMEM. Then nobody will hear of it. */
must_check int hooks_tell(struct ipc_client *c, struct hooks_late *l, const struct core_hook *h);

#endif
