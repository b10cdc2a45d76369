/*
 * One supervised service at run time.
 */
#ifndef POSTERN_SUPERVISOR_IO_UNIT_H
#define POSTERN_SUPERVISOR_IO_UNIT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/bucket.h"
#include "service/log.h"
#include "supervisor/backoff.h"
#include "supervisor/fdstore.h"
#include "supervisor/state.h"
#include "supervisor/status.h"

struct suite;

struct unit {
	struct suite *suite;
	const struct unit_def *def;
	enum unit_state state;
	pid_t pid; /* 0: no process */
	uid_t uid;
	gid_t gid;
	char program[PATH_MAX];

	int listeners[UNIT_SOCKETS_MAX];
	size_t n_listeners;
	int notify_fd;
	uv_poll_t notify_poll;
	uv_timer_t timer;  /* the state's time */
	uv_timer_t resume; /* reading notifications again after their budget was empty */
	struct bucket budget;
	struct log_limit refusals;

	struct fdstore store;
	struct backoff backoff;
	uint64_t ready_ms; /* CLOCK_BOOTTIME of READY=1, 0: not ready */
	uint64_t restarts, refused;
	bool hung; /* this life was ended by the watchdog or the start limit */
	char last_exit[160];
	char status[NOTIFY_STATUS_MAX];
};

/* Makes sockets and handles; the program path is set. */
int unit_open(struct unit *u, struct suite *suite, const struct unit_def *def, struct err_text *e);
/* Closes handles, sockets and the store, and removes the sockets' files. */
void unit_close(struct unit *u);

/* Feeds the state table. */
void unit_handle(struct unit *u, enum unit_event ev);
/* The process was reaped. */
void unit_reaped(struct unit *u, int wait_status);

void unit_row(const struct unit *u, struct status_row *ret);

#endif
