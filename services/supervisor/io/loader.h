/*
 * The configuration at the start and at SIGHUP: `ipsecctl` is run, as whoever would type it has it do.
 */
#ifndef POSTERN_SUPERVISOR_IO_LOADER_H
#define POSTERN_SUPERVISOR_IO_LOADER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"

struct suite;

struct loader {
	struct suite *suite;
	char program[PATH_MAX]; /* "": there is none, and nothing is loaded */
	const char *verb;       /* of the run that is on, or due */
	pid_t pid;              /* 0: it does not run */
	int words_fd;           /* a memory file with what it says */
	uv_timer_t patience;    /* while it runs */
	uv_timer_t rest;        /* before it is tried again */
	uint64_t rest_ms;
	bool again; /* asked for while it ran */
};

/* 0, also where there is no ipsecctl; -errno with a sentence. */
int loader_open(struct loader *l, struct suite *suite, struct err_text *e);
/* Every service is ready for the first time: loads postern.conf, if there is one, and then or after a while
 * says suite_is_ready(). */
void loader_begin(struct loader *l);
/* The configuration again, from where it came from. */
void loader_reload(struct loader *l);
/* The process was reaped. */
void loader_reaped(struct loader *l, int wait_status);
/* Nothing is loaded any more. */
void loader_stop(struct loader *l);

#endif
