/*
 * Which file the running configuration came from. It is written down in the run folder, which is root's, and
 * not asked of a service: whoever has taken one over could otherwise name a file of its own.
 */
#ifndef POSTERN_CLI_RACOON_PLACE_H
#define POSTERN_CLI_RACOON_PLACE_H

#include <limits.h>

#include "base/auto.h"
#include "base/err.h"
#include "service/settings.h"

/* 0, or -errno with a sentence. */
must_check int place_put(const struct settings *s, const char *file, struct err_text *e);
/* -ENOENT: none is loaded. */
must_check int place_get(const struct settings *s, char ret[PATH_MAX], struct err_text *e);
/* None is loaded any more. */
void place_forget(const struct settings *s);

#endif
