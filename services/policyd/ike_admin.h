/*
 * policyd.admin: the configuration for key exchange, loaded in two phases.
 */
#ifndef POSTERN_POLICYD_IKE_ADMIN_H
#define POSTERN_POLICYD_IKE_ADMIN_H

#include "ipc/server.h"

struct policyd;

/* Handles IPC_IKE_LOAD_BEGIN, _ROW, _PREPARE and _COMMIT. */
int ike_admin_on_load(struct ipc_conn *c, const struct ipc_record *rec);
/* What an earlier life of the process was loaded with. */
void ike_admin_restore(struct policyd *p);

#endif
