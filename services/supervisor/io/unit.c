/*
 * Events come from four sides (notify socket, timer, reaped child, suite) and all go through the table in
 * state.c; what is here are the actions. A notification counts only if the kernel says that the service's
 * main process sent it.
 */
#include "supervisor/io/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "supervisor/exit_text.h"
#include "supervisor/io/suite.h"
#include "supervisor/listener.h"
#include "supervisor/program.h"
#include "supervisor/run_dir.h"
#include "supervisor/spawn.h"

enum {
	START_MS = 60000,   /* from exec to READY=1 */
	STOP_MS = 15000,    /* from SIGTERM to the end */
	ABORT_MS = 2000,    /* from SIGABRT to SIGKILL */
	KILL_MS = 2000,     /* between one SIGKILL and the next, for a process stuck in the kernel */
	NOTIFY_RATE = 100,  /* messages a second; above it they wait in the socket */
	NOTIFY_BURST = 600, /* a whole SAD stored at once passes */
	NOTIFY_BATCH = 64,
	DRAIN_MAX = 4096, /* more than the kernel queues */
	ARGV_MAX = 32,
};

static uint64_t now_ms(void)
{
	return clock_now_ms(&clock_boottime);
}

static void refuse(struct unit *u, const struct listener_packet *p, const char *why)
{
	uint64_t held;

	u->refused++;
	if (log_limit_ok(&u->refusals, &held))
		log_warning("notify.refused", "service=%s sender=%d why=%s held=%llu", u->def->name,
		    (int)p->pid, why, (unsigned long long)held);
	suite_changed(u->suite);
}

static void apply_store(struct unit *u, const struct notify_msg *m, struct listener_packet *p)
{
	enum fdstore_outcome o = FDSTORE_DONE;

	if (m->store) {
		o = fdstore_put(&u->store, m->fdname, p->fds[0]);
		p->n_fds = 0;
	} else if (m->unstore) {
		o = fdstore_remove(&u->store, m->fdname);
	}
	if (o == FDSTORE_NAME || o == FDSTORE_TYPE || o == FDSTORE_FULL)
		refuse(u, p, fdstore_outcome_text(o));
}

static void apply_message(struct unit *u, const struct notify_msg *m, struct listener_packet *p)
{
	apply_store(u, m, p);
	if (m->has_status)
		memcpy(u->status, m->status, sizeof(u->status));
	if (m->ready)
		unit_handle(u, UNIT_EV_READY);
	if (m->ping)
		unit_handle(u, UNIT_EV_PING);
	if (m->has_status || m->store || m->unstore)
		suite_changed(u->suite);
}

static void judge_packet(struct unit *u, const char *buf, size_t n, struct listener_packet *p)
{
	struct notify_msg m;

	if (u->pid <= 0 || p->pid != u->pid)
		refuse(u, p, "not from the service's main process");
	else if (p->cut || notify_msg_parse(buf, n, &m))
		refuse(u, p, "malformed");
	else if (p->n_fds != (m.store ? 1 : 0))
		refuse(u, p, "FDSTORE=1 carries exactly one descriptor, any other message none");
	else
		apply_message(u, &m, p);
	for (size_t i = 0; i < p->n_fds; i++)
		close(p->fds[i]);
}

/* One message of the queue; false when there is none. */
static bool read_one(struct unit *u)
{
	char buf[NOTIFY_MSG_MAX];
	struct listener_packet p;
	ssize_t n = listener_receive(u->notify_fd, buf, sizeof(buf), &p);

	if (n < 0)
		return n == -EINTR;
	judge_packet(u, buf, (size_t)n, &p);
	return true;
}

static void on_notify(uv_poll_t *h, int status, int events);

static void on_resume(uv_timer_t *t)
{
	struct unit *u = t->data;

	uv_poll_start(&u->notify_poll, UV_READABLE, on_notify);
}

static void on_notify(uv_poll_t *h, int status, int events)
{
	struct unit *u = h->data;

	for (int i = 0; i < NOTIFY_BATCH; i++) {
		/* A service that talks too much waits; nobody else does. */
		if (!bucket_take(&u->budget, 1, now_ms())) {
			uv_poll_stop(h);
			uv_timer_start(&u->resume, on_resume,
			    bucket_wait_ms(&u->budget, NOTIFY_RATE / 4, now_ms()) + 1, 0);
			return;
		}
		if (!read_one(u))
			return;
	}
}

static void on_timer(uv_timer_t *t)
{
	unit_handle(t->data, UNIT_EV_TIMER);
}

/* Sockets first, stored descriptors behind them. */
static size_t collect_fds(const struct unit *u, int *fds, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n_listeners; i++, n++) {
		fds[n] = u->listeners[i];
		names[n] = u->def->sockets[i].name;
	}
	for (size_t i = 0; i < u->store.n; i++, n++) {
		fds[n] = u->store.e[i].fd;
		names[n] = u->store.e[i].name;
	}
	return n;
}

static int spawn_unit(struct unit *u)
{
	int fds[UNIT_SOCKETS_MAX + FDSTORE_MAX];
	const char *names[UNIT_SOCKETS_MAX + FDSTORE_MAX];
	char *argv[ARGV_MAX], notify[108], name[32];
	struct spawn what = {
	    .path = u->program, .argv = argv, .fds = fds, .names = names, .notify_socket = notify};
	struct err_text e = {{0}};
	size_t n = 0;
	int r;

	argv[n++] = u->program;
	for (char **w = u->suite->words; *w && n < ARGV_MAX - 1; w++)
		argv[n++] = *w;
	argv[n] = NULL;
	what.n_fds = collect_fds(u, fds, names);
	what.watchdog_ms = u->suite->watchdog_ms;
	settings_socket_path(&u->suite->settings, listener_notify_name(u->def->name, name), notify);
	r = spawn_child(&what, &u->pid, &e);
	if (r) {
		u->pid = 0;
		snprintf(u->last_exit, sizeof(u->last_exit), "not started: %.140s", e.s);
		log_error("unit.spawn", "service=%s %s", u->def->name, e.s);
		return r;
	}
	u->ready_ms = 0;
	u->hung = false;
	u->status[0] = '\0';
	log_info("unit.started", "service=%s pid=%d descriptors=%zu", u->def->name, (int)u->pid, what.n_fds);
	return 0;
}

static void signal_unit(const struct unit *u, int sig)
{
	/* Never the pid of somebody else: it stays ours until it is reaped, and reaping clears it. */
	if (u->pid > 0)
		kill(u->pid, sig);
}

static uint32_t rest(struct unit *u)
{
	uint32_t ms = backoff_next_ms(&u->backoff, u->ready_ms ? now_ms() - u->ready_ms : 0, &rng_kernel);

	u->restarts++;
	u->ready_ms = 0;
	log_warning("unit.ended",
	    "service=%s %s; it is started again in %u ms; what the kernel enforces stays in force",
	    u->def->name, u->last_exit, ms);
	return ms;
}

static uint64_t time_of_state(const struct unit *u)
{
	switch (u->state) {
	case UNIT_STARTING:
		return START_MS;
	case UNIT_RUNNING:
		return u->suite->watchdog_ms;
	case UNIT_ABORTING:
		return ABORT_MS;
	case UNIT_KILLING:
	case UNIT_FINISHING:
		return KILL_MS;
	case UNIT_STOPPING:
		return STOP_MS;
	default:
		return 0;
	}
}

static void note_ready(struct unit *u)
{
	u->ready_ms = now_ms();
	log_info("unit.ready", "service=%s pid=%d", u->def->name, (int)u->pid);
	suite_unit_ready(u->suite);
}

static void abort_unit(struct unit *u)
{
	u->hung = true;
	log_error("unit.hung", "service=%s pid=%d gave no sign of life in time; it gets SIGABRT",
	    u->def->name, (int)u->pid);
	signal_unit(u, SIGABRT);
}

void unit_handle(struct unit *u, enum unit_event ev)
{
	struct unit_step step = unit_step(u->state, ev);
	uint64_t ms;

	if (step.action == UNIT_DO_NOTHING)
		return;
	u->state = step.next;
	ms = time_of_state(u);
	if (step.action == UNIT_DO_SPAWN && spawn_unit(u)) {
		unit_handle(u, UNIT_EV_EXIT);
		return;
	}
	if (step.action == UNIT_DO_READY)
		note_ready(u);
	if (step.action == UNIT_DO_REST)
		ms = rest(u);
	if (step.action == UNIT_DO_ABORT)
		abort_unit(u);
	if (step.action == UNIT_DO_TERM)
		signal_unit(u, SIGTERM);
	if (step.action == UNIT_DO_KILL)
		signal_unit(u, SIGKILL);
	if (step.action == UNIT_DO_GONE)
		log_info("unit.stopped", "service=%s", u->def->name);
	if (ms)
		uv_timer_start(&u->timer, on_timer, ms, 0);
	else
		uv_timer_stop(&u->timer);
	if (step.action != UNIT_DO_PET)
		suite_changed(u->suite);
}

void unit_reaped(struct unit *u, int wait_status)
{
	char text[128];

	/* What it stored a moment before its death still lies in the socket, and counts. */
	for (int i = 0; i < DRAIN_MAX && read_one(u); i++)
		continue;
	exit_text(wait_status, text, sizeof(text));
	snprintf(u->last_exit, sizeof(u->last_exit), "%s%s", u->hung ? "hung; " : "", text);
	u->pid = 0;
	unit_handle(u, UNIT_EV_EXIT);
}

void unit_row(const struct unit *u, struct status_row *ret)
{
	*ret = (struct status_row){
	    .name = u->def->name,
	    .state = unit_state_name(u->state),
	    .pid = u->pid,
	    .uid = u->uid,
	    .gid = u->gid,
	    .restarts = u->restarts,
	    .refused = u->refused,
	    .last_exit = u->last_exit,
	    .status = u->status,
	    .ready_ms = u->ready_ms,
	    .store = &u->store,
	};
}

static int open_notify(struct unit *u, struct err_text *e)
{
	uv_loop_t *loop = &u->suite->loop;
	AUTO_CLOSE int fd = -1;
	int r = listener_open_notify(&u->suite->settings, u->def->name, &fd, e);

	if (r)
		return r;
	uv_timer_init(loop, &u->timer);
	uv_timer_init(loop, &u->resume);
	r = uv_poll_init(loop, &u->notify_poll, fd);
	if (r)
		return err_set(e, r, "event loop: %s", uv_strerror(r));
	u->timer.data = u->resume.data = u->notify_poll.data = u;
	u->notify_fd = take_fd(&fd);
	r = uv_poll_start(&u->notify_poll, UV_READABLE, on_notify);
	return r ? err_set(e, r, "event loop: %s", uv_strerror(r)) : 0;
}

int unit_open(struct unit *u, struct suite *suite, const struct unit_def *def, struct err_text *e)
{
	int r;

	*u = (struct unit){.suite = suite, .def = def, .notify_fd = -1};
	fdstore_init(&u->store, def);
	bucket_init(&u->budget, NOTIFY_RATE, NOTIFY_BURST, now_ms());
	log_limit_init(&u->refusals, 10, 1);
	r = program_find(suite->bin_dir, def->name, u->program, sizeof(u->program), e);
	if (r)
		return r;
	if (!def->root && !settings_peer_ids(&suite->settings, def->name, &u->uid, &u->gid))
		return err_set(e, -ENOENT, "%s has no user", def->name);
	for (; u->n_listeners < UNIT_SOCKETS_MAX && def->sockets[u->n_listeners].name; u->n_listeners++) {
		r = listener_open(
		    &suite->settings, &def->sockets[u->n_listeners], &u->listeners[u->n_listeners], e);
		if (r)
			return r;
	}
	return open_notify(u, e);
}

void unit_close(struct unit *u)
{
	char name[32];

	if (u->notify_fd >= 0) {
		uv_poll_stop(&u->notify_poll);
		uv_timer_stop(&u->timer);
		uv_timer_stop(&u->resume);
		close(u->notify_fd);
		run_dir_unlink(&u->suite->settings, listener_notify_name(u->def->name, name));
	}
	while (u->n_listeners) {
		close(u->listeners[--u->n_listeners]);
		run_dir_unlink(&u->suite->settings, u->def->sockets[u->n_listeners].name);
	}
	fdstore_fini(&u->store);
}
