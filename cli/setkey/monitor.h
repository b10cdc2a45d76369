/*
 * -x: every event of both services, for ever.
 */
#ifndef POSTERN_CLI_SETKEY_MONITOR_H
#define POSTERN_CLI_SETKEY_MONITOR_H

#include "cli/setkey/session.h"

/* Returns an exit code once a service ends. */
int monitor_run(struct session *s);

#endif
