/*
 * Where the programs of the services lie.
 */
#ifndef POSTERN_SUPERVISOR_PROGRAM_H
#define POSTERN_SUPERVISOR_PROGRAM_H

#include <stddef.h>

#include "base/err.h"

/*
 * postern-UNIT in `bin_dir`; with bin_dir NULL beside this program, in a build tree's neighbouring folder, or
 * where the install put it. 0, or -ENOENT with `e`.
 */
int program_find(const char *bin_dir, const char *unit, char *buf, size_t room, struct err_text *e);
/* The same for ipsecctl, which lies beside the supervisor. */
int program_find_ipsecctl(const char *bin_dir, char *buf, size_t room, struct err_text *e);

#endif
