/*
 * Which user each service becomes: its system user where there is one, else an id that nobody uses.
 */
#ifndef POSTERN_SUPERVISOR_IDS_H
#define POSTERN_SUPERVISOR_IDS_H

#include <stdbool.h>

#include "base/err.h"
#include "service/settings.h"

/* systemd's range for dynamic users: distributions hand out none of it. */
enum { IDS_FIRST = 61184, IDS_LAST = 65519 };

/*
 * An id for a name: the same one each time as long as `taken` does not object (so that files of the last boot
 * stay its own), else the next free one. 0 when all are taken.
 */
uint32_t ids_choose(const char *instance, const char *name, bool (*taken)(void *arg, uint32_t id), void *arg);

/*
 * Makes sure that `s` names a peer for each service of the table: --peer given by the user, system user, the
 * id recorded in RUN_DIR/ids, a new one; records what it chose there.
 */
int ids_resolve(struct settings *s, struct err_text *e);

#endif
