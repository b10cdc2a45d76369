/*
 * The file with the number of the process that stays as racoon: `path pidfile` of the configuration.
 */
#ifndef POSTERN_CLI_RACOON_PIDFILE_H
#define POSTERN_CLI_RACOON_PIDFILE_H

#include <limits.h>

#include "base/auto.h"
#include "base/err.h"
#include "service/settings.h"

struct pidfile {
	char path[PATH_MAX]; /* empty: there is none */
};

/* Writes our number to `name`, which is relative to the run folder (NULL: racoon.pid), in the place of what
 * is there: whoever was killed has left one. A file of before under another name goes. 0, or -errno with a
 * sentence. */
must_check int pidfile_put(struct pidfile *p, const struct settings *s, const char *name, struct err_text *e);
void pidfile_remove(struct pidfile *p);

#endif
