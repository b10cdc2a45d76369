/*
 * Whose turn it is. A peer, that is a remote address, has one script running at a time, and its events keep
 * their order; different peers wait for each other only when too many run.
 */
#ifndef POSTERN_HOOKS_JOBS_H
#define POSTERN_HOOKS_JOBS_H

#include "base/list.h"
#include "hooks/env.h"
#include "hooks/limits.h"

/* A script to be run, or running. Texts are owned. */
struct job {
	struct list node;
	struct inet_addr remote;
	enum ike_hook hook;
	char *path, *place;
	struct hook_env env;
};

struct jobs {
	struct hook_limits limits;
	struct list waiting, running; /* oldest first */
	uint32_t n_waiting, n_running;
};

/* NULL: out of memory. */
struct job *job_new(const struct hook_event *x, const char *path, const char *place);
/* NULL is fine. */
void job_free(struct job *j);

void jobs_init(struct jobs *js, const struct hook_limits *limits);
/* Takes the job. What found no place is the caller's: the oldest of this peer, or, when too many of others
 * wait, this one. NULL: all have one. */
must_check struct job *jobs_add(struct jobs *js, struct job *j);
/* The next one that may start, which counts as running from now on; NULL: none may. */
struct job *jobs_start(struct jobs *js);
/* It has ended, and is the caller's. */
void jobs_end(struct jobs *js, struct job *j);
/* Takes one that waits out; NULL: none does. */
struct job *jobs_give_up(struct jobs *js);

#endif
