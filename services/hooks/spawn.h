/*
 * One script as a process: root, a session and a process group of its own, nothing open but its output.
 */
#ifndef POSTERN_HOOKS_SPAWN_H
#define POSTERN_HOOKS_SPAWN_H

#include <sys/types.h>

#include "base/err.h"
#include "hooks/jobs.h"

enum { HOOK_NOT_EXECUTED = 127 };

/* 0 with the process and the end of a pipe that takes what it prints, to be read without blocking (the
 * caller's); -errno with a sentence. */
must_check int hook_spawn(const struct job *j, pid_t *ret_pid, int *ret_output, struct err_text *e);

#endif
