/*
 * The walls around a service after its privilege drop: Landlock for files, TCP, abstract sockets and signals;
 * seccomp for system calls.
 */
#ifndef POSTERN_SERVICE_SANDBOX_H
#define POSTERN_SERVICE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sandbox_dir {
	char path[128]; /* absolute */
	bool writable;
};

/* Outcomes: 0 closed; 1 this kernel (or this build, for seccomp) has no such wall, `e` says what that means.
 * -errno otherwise. */
int sandbox_landlock(const struct sandbox_dir *dirs, size_t n_dirs, struct err_text *e);

/* `extra`: system calls allowed beyond the skeleton's own; `files`: the service opens files by name inside
 * its Landlock folders; `sockets`: it makes sockets, of the Unix kind alone. */
int sandbox_seccomp(const int *extra, size_t n_extra, bool files, bool sockets, struct err_text *e);

#endif
