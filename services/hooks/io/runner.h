/*
 * Runs jobs: starts those whose turn it is, reads what they print, and ends those whose time is up.
 */
#ifndef POSTERN_HOOKS_IO_RUNNER_H
#define POSTERN_HOOKS_IO_RUNNER_H

#include <uv.h>

#include "base/err.h"
#include "hooks/jobs.h"

struct hook_counters {
	uint64_t run, failed, late, refused, dropped;
};

struct runner {
	uv_loop_t *loop;
	uv_signal_t on_child;
	uv_timer_t stop_time; /* of runner_stop() */
	bool is_over;         /* that is over */
	struct jobs jobs;
	struct list runs; /* processes of those that run */
	struct hook_counters counters;
	/* Whether a file may be executed; root_file_check(), but for tests. */
	int (*check)(const char *path, struct err_text *e);
};

/* 0, or -errno with a sentence. */
must_check int runner_init(
    struct runner *r, uv_loop_t *loop, const struct hook_limits *limits, struct err_text *e);
/* Takes the job. Everything that comes of it is in the log. */
void runner_add(struct runner *r, struct job *j);
/* Turns the loop until nothing waits or runs, or the limit for that is reached; then what still runs is
 * killed. Closes its handles: the loop must turn once more. */
void runner_stop(struct runner *r);

#endif
