/*
 * What policyd keeps for one connection of policyd.admin.
 */
#ifndef POSTERN_POLICYD_ADMIN_CLIENT_H
#define POSTERN_POLICYD_ADMIN_CLIENT_H

#include "policyd/ike_load.h"
#include "policyd/txn.h"

struct ipc_conn;

struct admin_client {
	struct txn_client txn;
	struct ike_load load;
};

/* Made when it is first asked for; NULL without memory. Gone when the connection is closed. */
struct admin_client *admin_client_of(struct ipc_conn *c);

#endif
