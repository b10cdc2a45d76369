/*
 * RUN_DIR/supervisor.status: what is known from the outside about each service, as JSON.
 */
#ifndef POSTERN_SUPERVISOR_STATUS_H
#define POSTERN_SUPERVISOR_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "service/settings.h"
#include "supervisor/fdstore.h"

struct status_row {
	const char *name, *state;
	pid_t pid; /* 0: none */
	uid_t uid;
	gid_t gid;
	uint64_t restarts, refused;
	const char *last_exit; /* "" before the first */
	const char *status;    /* STATUS= text, printable ASCII */
	uint64_t ready_ms;     /* CLOCK_BOOTTIME; 0: not ready */
	const struct fdstore *store;
};

/* 0 or -errno. */
int status_write(const struct settings *s, bool stopping, const struct status_row *rows, size_t n);

#endif
