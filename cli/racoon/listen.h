/*
 * Addresses that a configuration's `listen` names, held against those of this host.
 */
#ifndef POSTERN_CLI_RACOON_LISTEN_H
#define POSTERN_CLI_RACOON_LISTEN_H

#include "cli/cli.h"
#include "ipsec/ike_conf.h"

/* Unless the file says where to listen: only where this family is. INET_NONE changes nothing. */
void racoon_listen_family(struct ike_conf *c, enum inet_family family);
/* One that this host does not have is a warning; with strict_address it refuses the configuration. An exit
 * code.
 */
int racoon_check_listen(struct cli *cli, const struct ike_conf *c);

#endif
