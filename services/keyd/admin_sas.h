/*
 * The admin verbs about SAs: shown, begun, renewed, ended. Their rows of the permission table are
 * admin_verbs.c's.
 */
#ifndef POSTERN_KEYD_ADMIN_SAS_H
#define POSTERN_KEYD_ADMIN_SAS_H

#include "ipc/server.h"

int admin_on_dump(struct ipc_conn *c, const struct ipc_record *rec);
int admin_on_find(struct ipc_conn *c, const struct ipc_record *rec);
int admin_on_up(struct ipc_conn *c, const struct ipc_record *rec);
int admin_on_end(struct ipc_conn *c, const struct ipc_record *rec);
int admin_on_renew(struct ipc_conn *c, const struct ipc_record *rec);
/* Whoever waits on this connection does so no more. */
void admin_sas_on_close(struct ipc_conn *c);

#endif
