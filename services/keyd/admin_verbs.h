/*
 * Handlers of the admin socket that lie in files of their own.
 */
#ifndef POSTERN_KEYD_ADMIN_VERBS_H
#define POSTERN_KEYD_ADMIN_VERBS_H

#include "keyd/keyd.h"

/* admin_sas.c */
int keyd_on_show(struct ipc_conn *c, const struct ipc_record *rec);
int keyd_on_up(struct ipc_conn *c, const struct ipc_record *rec);
int keyd_on_delete(struct ipc_conn *c, const struct ipc_record *rec);
int keyd_on_find(struct ipc_conn *c, const struct ipc_record *rec);

#endif
