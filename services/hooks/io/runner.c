/*
 * A script has ended when its process has, whoever still holds its output: what it left behind in the
 * background is not waited for, and not read. Signals go to its process group, and only as long as its
 * process is not reaped, so that the number is still its own.
 */
#include "hooks/io/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "hooks/output.h"
#include "hooks/spawn.h"
#include "service/log.h"
#include "service/root_file.h"

enum { SETTLE_TURNS = 8 /* of the loop, in which what was sent before the end arrives */ };

/* A running script. */
struct run {
	struct runner *r;
	struct job *job;
	pid_t pid;
	int fd;                /* its output; -1: nobody holds its other end any more */
	const char *cut_short; /* why it was ended; NULL: it was not */
	uv_timer_t time;
	uv_poll_t poll;
	unsigned n_open; /* handles */
	struct output output;
	struct list node;
};

static const char *peer_of(const struct job *j, char buf[INET_ADDR_STRLEN])
{
	return inet_addr_format(&j->remote, buf);
}

static void next(struct runner *r);

static void on_line(void *arg, const char *line)
{
	const struct run *x = arg;
	char peer[INET_ADDR_STRLEN];

	log_info(
	    "hook.output", "peer=%s event=%s: %s", peer_of(x->job, peer), ike_hook_name(x->job->hook), line);
}

static void how_it_ended(const struct run *x, int status, char *buf, size_t room)
{
	if (x->cut_short)
		snprintf(buf, room, "was ended: %s", x->cut_short);
	else if (WIFSIGNALED(status))
		snprintf(buf, room, "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(buf, room, "ended with status %d", WEXITSTATUS(status));
}

static void tell_end(const struct run *x, int status)
{
	const char *said = x->output.last;
	char peer[INET_ADDR_STRLEN], how[64];

	if (x->output.left_out)
		log_info("hook.output", "peer=%s event=%s: %u more lines were left out",
		    peer_of(x->job, peer), ike_hook_name(x->job->hook), x->output.left_out);
	if (status == 0 && !x->cut_short)
		return;
	x->r->counters.failed++;
	how_it_ended(x, status, how, sizeof(how));
	log_warning("hook.failed", "%s %s for %s (%s) %s; last it said: %s", x->job->path,
	    ike_hook_name(x->job->hook), peer_of(x->job, peer), x->job->place, how,
	    said[0] ? said : "nothing");
}

static void on_closed(uv_handle_t *h)
{
	struct run *x = h->data;

	if (--x->n_open)
		return;
	job_free(x->job);
	free(x);
}

static void stop_reading(struct run *x)
{
	if (x->fd < 0)
		return;
	uv_poll_stop(&x->poll);
	close(take_fd(&x->fd));
}

/* As much as is there, but never more than a pipe holds: whoever writes without end is read between other
 * things. */
static void read_output(struct run *x)
{
	char buf[4096];

	for (int i = 0; x->fd >= 0 && i < 16; i++) {
		ssize_t n = read(x->fd, buf, sizeof(buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			stop_reading(x);
		else
			output_take(&x->output, buf, (size_t)n);
	}
}

static void on_output(uv_poll_t *h, int status, int events)
{
	struct run *x = h->data;

	(void)events;
	if (status < 0)
		stop_reading(x);
	else
		read_output(x);
}

static void signal_run(const struct run *x, int number)
{
	/* Before it has made its group there is only itself. */
	if (kill(-x->pid, number) < 0)
		(void)kill(x->pid, number);
}

static void on_kill_time(uv_timer_t *t)
{
	signal_run(t->data, SIGKILL);
}

static void on_time(uv_timer_t *t)
{
	struct run *x = t->data;

	x->cut_short = "it took too long";
	x->r->counters.late++;
	signal_run(x, SIGTERM);
	uv_timer_start(t, on_kill_time, x->r->jobs.limits.kill_ms, 0);
}

static void end(struct run *x, int status)
{
	read_output(x);
	output_end(&x->output);
	tell_end(x, status);
	stop_reading(x);
	jobs_end(&x->r->jobs, x->job);
	list_remove(&x->node);
	uv_close((uv_handle_t *)&x->time, on_closed);
	uv_close((uv_handle_t *)&x->poll, on_closed);
}

/* Of one that was ended nothing stays behind: its group is killed while its leader still keeps the number. */
static bool has_ended(struct run *x, int *ret_status)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)x->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
		return false;
	if (x->cut_short)
		(void)kill(-x->pid, SIGKILL);
	return waitpid(x->pid, ret_status, 0) == x->pid;
}

/* The signal says no more than that somebody has ended. */
static void reap(struct runner *r)
{
	int status;

	list_foreach_safe (x, after, &r->runs, struct run, node)
		if (has_ended(x, &status))
			end(x, status);
	next(r);
}

static void on_child(uv_signal_t *h, int number)
{
	(void)number;
	reap(h->data);
}

static void open_handles(struct run *x)
{
	uv_timer_init(x->r->loop, &x->time);
	uv_poll_init(x->r->loop, &x->poll, x->fd);
	x->n_open = 2;
	x->time.data = x->poll.data = x;
	uv_timer_start(&x->time, on_time, x->r->jobs.limits.run_ms, 0);
	uv_poll_start(&x->poll, UV_READABLE, on_output);
}

static int begin(struct runner *r, struct job *j, struct err_text *e)
{
	struct run *x = calloc(1, sizeof(*x));
	int n;

	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	x->r = r;
	x->job = j;
	n = hook_spawn(j, &x->pid, &x->fd, e);
	if (n < 0) {
		free(x);
		return n;
	}
	output_init(&x->output, r->jobs.limits.lines, on_line, x);
	list_init(&x->node);
	list_append(&r->runs, &x->node);
	open_handles(x);
	return 0;
}

static void start(struct runner *r, struct job *j)
{
	char peer[INET_ADDR_STRLEN];
	struct err_text e = {{0}};
	int n = r->check(j->path, &e);

	if (n == 0)
		n = begin(r, j, &e);
	if (n == 0) {
		r->counters.run++;
		log_info(
		    "hook.run", "peer=%s event=%s: %s", peer_of(j, peer), ike_hook_name(j->hook), j->path);
		return;
	}
	r->counters.refused++;
	log_warning("hook.refused", "%s %s for %s is not run: %s (%s)", j->path, ike_hook_name(j->hook),
	    peer_of(j, peer), e.s, j->place);
	jobs_end(&r->jobs, j);
	job_free(j);
}

static void next(struct runner *r)
{
	struct job *j;

	while ((j = jobs_start(&r->jobs)))
		start(r, j);
}

static void drop(struct runner *r, struct job *j, const char *why)
{
	char peer[INET_ADDR_STRLEN];

	r->counters.dropped++;
	log_warning("hook.dropped", "%s %s for %s is not run: %s", j->path, ike_hook_name(j->hook),
	    peer_of(j, peer), why);
	job_free(j);
}

void runner_add(struct runner *r, struct job *j)
{
	struct job *out = jobs_add(&r->jobs, j);

	if (out)
		drop(r, out, "too many wait; newer ones are run");
	next(r);
}

int runner_init(struct runner *r, uv_loop_t *loop, const struct hook_limits *limits, struct err_text *e)
{
	int n;

	*r = (struct runner){.loop = loop, .check = root_file_check};
	jobs_init(&r->jobs, limits);
	list_init(&r->runs);
	n = uv_signal_init(loop, &r->on_child);
	if (n == 0)
		n = uv_timer_init(loop, &r->stop_time);
	r->on_child.data = r->stop_time.data = r;
	if (n == 0)
		n = uv_signal_start(&r->on_child, on_child, SIGCHLD);
	return n ? err_set(e, n, "event loop: %s", uv_strerror(n)) : 0;
}

static void on_stop_time(uv_timer_t *t)
{
	struct runner *r = t->data;

	r->is_over = true;
}

static void kill_rest(struct runner *r)
{
	struct job *j;
	int status;

	while ((j = jobs_give_up(&r->jobs)))
		drop(r, j, "the service ends");
	list_foreach_safe (x, after, &r->runs, struct run, node) {
		x->cut_short = "the service ends";
		signal_run(x, SIGKILL);
		(void)waitpid(x->pid, &status, 0);
		end(x, status);
	}
}

void runner_stop(struct runner *r)
{
	uv_timer_start(&r->stop_time, on_stop_time, r->jobs.limits.stop_ms, 0);
	for (int i = 0; i < SETTLE_TURNS; i++)
		uv_run(r->loop, UV_RUN_NOWAIT);
	while (!r->is_over && r->jobs.n_waiting + r->jobs.n_running)
		uv_run(r->loop, UV_RUN_ONCE);
	kill_rest(r);
	uv_close((uv_handle_t *)&r->on_child, NULL);
	uv_close((uv_handle_t *)&r->stop_time, NULL);
}
