/*
 * One child process: its descriptors where the activation protocol wants them, a small environment, nothing
 * else inherited.
 */
#ifndef POSTERN_SUPERVISOR_SPAWN_H
#define POSTERN_SUPERVISOR_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { SPAWN_EXEC_FAILED = 203 /* exit status: the program could not be executed */ };

struct spawn {
	const char *path;
	char **argv;
	const int *fds;           /* become 3, 4, ... */
	const char *const *names; /* of each */
	size_t n_fds;
	const char *notify_socket; /* NULL: none */
	uint64_t watchdog_ms;
	int words_fd; /* where standard output and error go; 0: where ours do */
};

/* 0 and the pid, or -errno. */
int spawn_child(const struct spawn *what, pid_t *ret_pid, struct err_text *e);

#endif
