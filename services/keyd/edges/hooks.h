/*
 * What hooks is told.
 */
#ifndef POSTERN_KEYD_EDGES_HOOKS_H
#define POSTERN_KEYD_EDGES_HOOKS_H

#include "ipc/client.h"
#include "keyd/core/ports.h"

/* 0, or -errno: nobody has heard it. */
must_check int hooks_tell(struct ipc_client *c, const struct core_hook *h);

#endif
