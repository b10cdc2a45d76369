/*
 * All services together: starting, reaping, the orderly end, the status file.
 */
#ifndef POSTERN_SUPERVISOR_IO_SUITE_H
#define POSTERN_SUPERVISOR_IO_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "service/notify.h"
#include "service/settings.h"
#include "supervisor/io/loader.h"
#include "supervisor/io/unit.h"

struct suite {
	uv_loop_t loop;
	struct settings settings;
	const char *bin_dir;  /* NULL: the usual places */
	uint64_t watchdog_ms; /* 0: no watchdog */
	char **words;         /* the settings as argv words for a child */
	struct unit units[UNITS];
	struct loader loader;
	uv_signal_t on_term, on_int, on_hup, on_child;
	uv_timer_t status_timer; /* many changes, one write */
	uv_timer_t withdraw_timer;
	pid_t withdraw_pid; /* 0: not running */
	size_t n_withdrawn; /* units whose kernel state has been taken back */
	bool stopping;
	bool all_came; /* every service was ready at once */
	bool told_ready;
	int exit_code;
	int ready_fd;           /* a byte goes here when the suite is ready; -1: nobody waits */
	struct notify launcher; /* ours: systemd, when postern.service runs us */
};

/* Runs until the orderly end; the value is main()'s. Settings, bin_dir, watchdog_ms, ready_fd and launcher
 * are set. */
int suite_run(struct suite *s, struct err_text *e);

/* Something in the status file changed. */
void suite_changed(struct suite *s);
/* A service became ready. */
void suite_unit_ready(struct suite *s);
/* So is the suite, its configuration loaded as far as that could be: who waits is told, once. */
void suite_is_ready(struct suite *s);

#endif
