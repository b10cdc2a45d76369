/*
 * SIGCHLD and waitpid(-1) drive everything that ends: one mechanism, which also reaps orphans where the
 * supervisor is process 1 of a container. There is no request that the supervisor answers: it listens to its
 * services, its children's ends and three signals.
 *
 * If the supervisor itself is killed, its services die with it (PR_SET_PDEATHSIG): a datapath whose store is
 * gone must not go on taking sequence numbers that nobody keeps. The kernel's rules and routes stay, so
 * protected traffic stops instead of passing in clear, until a new supervisor brings the suite back.
 */
#include "supervisor/io/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "supervisor/exit_text.h"
#include "supervisor/run_dir.h"
#include "supervisor/spawn.h"

enum { STATUS_DELAY_MS = 30, WITHDRAW_MS = 30000, ARGV_MAX = 32 };

static void write_status(struct suite *s)
{
	struct status_row rows[UNITS];
	int r;

	for (size_t i = 0; i < UNITS; i++)
		unit_row(&s->units[i], &rows[i]);
	r = status_write(&s->settings, s->stopping, rows, UNITS);
	if (r)
		log_warning("status.write", "cannot write %s/supervisor.status: %s", s->settings.run_dir,
		    err_name(r));
}

static void on_status_timer(uv_timer_t *t)
{
	write_status(t->data);
}

void suite_changed(struct suite *s)
{
	if (!uv_is_active((uv_handle_t *)&s->status_timer))
		uv_timer_start(&s->status_timer, on_status_timer, STATUS_DELAY_MS, 0);
}

void suite_unit_ready(struct suite *s)
{
	for (size_t i = 0; i < UNITS; i++) {
		if (s->units[i].state != UNIT_RUNNING)
			return;
	}
	if (s->all_came)
		return;
	s->all_came = true;
	loader_begin(&s->loader);
}

void suite_is_ready(struct suite *s)
{
	if (s->told_ready)
		return;
	s->told_ready = true;
	log_notice("suite.ready", "every service is ready");
	/* Before anybody is told: whoever waited may read it at once. */
	write_status(s);
	notify_send(&s->launcher, -1, "READY=1\nSTATUS=every service is ready");
	if (s->ready_fd >= 0) {
		/* Nobody may be waiting any more; that is not our trouble. */
		if (write(s->ready_fd, "r", 1) < 0)
			log_debug("suite.ready", "whoever started the supervisor did not wait");
		close(s->ready_fd);
		s->ready_fd = -1;
	}
}

static void on_withdraw_late(uv_timer_t *t)
{
	struct suite *s = t->data;

	log_error("suite.withdraw", "taking the kernel's rules back takes longer than %d s; it is killed",
	    WITHDRAW_MS / 1000);
	if (s->withdraw_pid > 0)
		kill(s->withdraw_pid, SIGKILL);
}

static int start_withdraw(struct suite *s, const struct unit *u)
{
	char *argv[ARGV_MAX];
	struct spawn what = {.path = u->program, .argv = argv};
	struct err_text e = {{0}};
	size_t n = 0;
	int r;

	argv[n++] = (char *)u->program;
	for (char **w = s->words; *w && n < ARGV_MAX - 2; w++)
		argv[n++] = *w;
	argv[n++] = (char *)u->def->withdraw;
	argv[n] = NULL;
	r = spawn_child(&what, &s->withdraw_pid, &e);
	if (r) {
		s->withdraw_pid = 0;
		log_error("suite.withdraw", "%s", e.s);
	}
	return r;
}

/* The next step of the orderly end: services one after the other, then their kernel state, then the loop. */
static void advance(struct suite *s)
{
	for (size_t i = 0; i < UNITS; i++) {
		if (s->units[i].state != UNIT_DOWN)
			unit_handle(&s->units[i], UNIT_EV_STOP);
		if (s->units[i].state != UNIT_DOWN)
			return;
	}
	while (!s->withdraw_pid && s->n_withdrawn < UNITS) {
		const struct unit *u = &s->units[s->n_withdrawn];

		if (!u->def->withdraw) {
			s->n_withdrawn++;
		} else if (start_withdraw(s, u)) {
			s->n_withdrawn++;
			s->exit_code = EXIT_FAILURE;
		} else {
			uv_timer_start(&s->withdraw_timer, on_withdraw_late, WITHDRAW_MS, 0);
		}
	}
	if (!s->withdraw_pid)
		uv_stop(&s->loop);
}

static void withdraw_ended(struct suite *s, int wait_status)
{
	const struct unit *u = &s->units[s->n_withdrawn++];
	char text[128];

	s->withdraw_pid = 0;
	uv_timer_stop(&s->withdraw_timer);
	if (!wait_status)
		return;
	exit_text(wait_status, text, sizeof(text));
	log_error("suite.withdraw",
	    "%s %s: %s. Kernel rules may have stayed, and with them protected traffic is dropped; run it "
	    "again by "
	    "hand when the cause is gone",
	    u->program, u->def->withdraw, text);
	s->exit_code = EXIT_FAILURE;
}

static void on_child(uv_signal_t *h, int signo)
{
	struct suite *s = h->data;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->withdraw_pid)
			withdraw_ended(s, status);
		if (pid == s->loader.pid)
			loader_reaped(&s->loader, status);
		for (size_t i = 0; i < UNITS; i++) {
			if (s->units[i].pid == pid)
				unit_reaped(&s->units[i], status);
		}
	}
	if (s->stopping)
		advance(s);
}

static void on_stop(uv_signal_t *h, int signo)
{
	struct suite *s = h->data;

	if (s->stopping)
		return;
	log_notice("suite.stop", "stopping: services first, then the kernel's rules are taken back");
	notify_send(&s->launcher, -1, "STOPPING=1");
	s->stopping = true;
	loader_stop(&s->loader);
	suite_changed(s);
	advance(s);
}

static void on_hangup(uv_signal_t *h, int signo)
{
	struct suite *s = h->data;

	if (!s->stopping)
		loader_reload(&s->loader);
}

static int open_loop(struct suite *s, struct err_text *e)
{
	int r = uv_loop_init(&s->loop);

	if (!r)
		r = uv_timer_init(&s->loop, &s->status_timer);
	if (!r)
		r = uv_timer_init(&s->loop, &s->withdraw_timer);
	if (!r)
		r = uv_signal_init(&s->loop, &s->on_child);
	if (!r)
		r = uv_signal_init(&s->loop, &s->on_term);
	if (!r)
		r = uv_signal_init(&s->loop, &s->on_int);
	if (!r)
		r = uv_signal_init(&s->loop, &s->on_hup);
	s->status_timer.data = s->withdraw_timer.data = s->on_child.data = s->on_term.data = s->on_int.data =
	    s->on_hup.data = s;
	if (!r)
		r = uv_signal_start(&s->on_child, on_child, SIGCHLD);
	if (!r)
		r = uv_signal_start(&s->on_term, on_stop, SIGTERM);
	if (!r)
		r = uv_signal_start(&s->on_int, on_stop, SIGINT);
	if (!r)
		r = uv_signal_start(&s->on_hup, on_hangup, SIGHUP);
	return r ? err_set(e, r, "event loop: %s", uv_strerror(r)) : 0;
}

static int open_units(struct suite *s, struct err_text *e)
{
	for (size_t i = 0; i < UNITS; i++) {
		int r = unit_open(&s->units[i], s, &unit_table[i], e);

		if (r) {
			/* From the failed one down: it may have got half way. */
			for (size_t k = i + 1; k--;)
				unit_close(&s->units[k]);
			return r;
		}
	}
	return 0;
}

int suite_run(struct suite *s, struct err_text *e)
{
	int r;

	s->words = settings_to_argv(&s->settings);
	if (!s->words)
		return err_set(e, -ENOMEM, "out of memory");
	r = open_loop(s, e);
	if (!r)
		r = loader_open(&s->loader, s, e);
	if (!r)
		r = open_units(s, e);
	if (r)
		return r;
	/* The table is in stopping order. */
	for (size_t i = UNITS; i--;)
		unit_handle(&s->units[i], UNIT_EV_START);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < UNITS; i++)
		unit_close(&s->units[i]);
	log_notice("suite.stopped", "stopped");
	return s->exit_code;
}
