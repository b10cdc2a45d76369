/*
 * From root to the service's own user with exactly the capabilities of its table, for ever.
 */
#ifndef POSTERN_SERVICE_PRIVDROP_H
#define POSTERN_SERVICE_PRIVDROP_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct privdrop {
	uid_t uid;
	gid_t gid;
	const int *caps; /* CAP_* that stay permitted and effective */
	size_t n_caps;
};

/*
 * No groups, own ids, inheritable and ambient sets empty, bounding set reduced to `caps`, securebits locked,
 * no new privileges, undumpable, no core; then reads all of it back. Dies with its parent (PR_SET_PDEATHSIG).
 * 0, or -errno with a sentence; the caller must end the process, which may be half way down.
 */
int privdrop(const struct privdrop *to, struct err_text *e);
/* For the one service that starts root's programs: it stays what it is, undumpable, and dies with its parent.
 * What these programs need is not taken away. 0, or -errno with a sentence. */
int privdrop_stay_root(struct err_text *e);

#endif
