/*
 * The client of datapathd: sends SPD snapshots, and hears which version datapathd uses.
 */
#ifndef POSTERN_POLICYD_IO_DATAPATH_H
#define POSTERN_POLICYD_IO_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "policyd/frozen.h"

struct datapath;
struct ipc_client;
struct policyd;

/* 0 or -errno with a sentence. Belongs to the process from then on. */
int datapath_new(struct policyd *p, struct datapath **ret, struct err_text *e);

/* Starts sending `f`, superseding what is being sent. 0; -ENOTCONN. */
int datapath_tell(struct datapath *d, struct frozen *f);

bool datapath_is_up(const struct datapath *d);

/* For what goes beside the policies. */
struct ipc_client *datapath_client(const struct datapath *d);

#endif
