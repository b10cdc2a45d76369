/*
 * The life of a service, one function per phase, in a table that is the documentation of their order.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/privdrop.h"
#include "service/service_priv.h"

enum { BACKLOG = 128 };

static int phase_settings(struct service *s, struct err_text *e)
{
	settings_init(&s->settings);
	return settings_parse(&s->settings, &s->argc, s->argv, e);
}

static void print_help(const struct service *s)
{
	printf("usage: %s [OPTIONS]\n\nThis is a service of Postern; postern-supervisor or systemd starts it "
	       "and hands it its sockets.\n\n%s%s"
	       "  --version            print the version\n",
	    s->tag, s->def->option_help ? s->def->option_help : "", settings_help);
}

static int phase_log(struct service *s, struct err_text *e)
{
	return log_open(s->settings.log_target, s->tag, log_level_parse(s->settings.log_level), e);
}

static int phase_options(struct service *s, struct err_text *e)
{
	for (int i = 1; i < s->argc; i++) {
		int r = 0;

		if (!strcmp(s->argv[i], "--help") || !strcmp(s->argv[i], "--version")) {
			if (s->argv[i][2] == 'h')
				print_help(s);
			else
				printf("%s %s\n", s->tag, POSTERN_VERSION);
			s->finished = true;
			return 0;
		}
		if (s->def->option)
			r = s->def->option(s, s->argv[i]);
		if (r < 0)
			return err_set(e, r, "%s did not succeed: %s", s->argv[i], err_name(r));
		if (r == 0)
			return err_set(e, -EINVAL, "unknown option \"%s\"; --help lists them", s->argv[i]);
		s->finished = true;
	}
	return 0;
}

static void remember_stored(struct service *s, const char *name)
{
	for (size_t i = 0; i < s->n_stored; i++) {
		if (!strcmp(s->stored[i], name))
			return;
	}
	if (s->n_stored < ARRAY_SIZE(s->stored))
		snprintf(s->stored[s->n_stored++], sizeof(s->stored[0]), "%s", name);
}

/* An edge this service listens on is named after it: "policyd.admin". */
static bool is_own_edge(const struct service *s, const char *name)
{
	size_t n = strlen(s->def->name);

	return !strncmp(name, s->def->name, n) && name[n] == '.';
}

static int phase_descriptors(struct service *s, struct err_text *e)
{
	bool has_admin = false;
	int r = fds_receive(&s->fds, e);

	if (r)
		return r;
	for (size_t i = 0; i < s->fds.n; i++) {
		const struct fds_entry *x = &s->fds.e[i];

		if (!is_own_edge(s, x->name)) {
			remember_stored(s, x->name);
			continue;
		}
		r = fds_check_listener(x->fd, x->name, e);
		if (r)
			return r;
		has_admin |= !strcmp(x->name, s->admin_name);
	}
	if (!has_admin)
		return err_set(e, -ENOENT,
		    "the launcher passed no socket named %s: start this service by postern-supervisor or by "
		    "its systemd unit",
		    s->admin_name);
	return notify_open(&s->notify, e);
}

static int phase_drop(struct service *s, struct err_text *e)
{
	const struct privdrop to = {
	    .uid = s->uid, .gid = s->gid, .caps = s->def->caps, .n_caps = s->def->n_caps};

	return s->def->stays_root ? privdrop_stay_root(e) : privdrop(&to, e);
}

/* Whoever called listen() last is whom clients see in SO_PEERCRED: from now on the service's own user, not
 * root. */
static int phase_listen_again(struct service *s, struct err_text *e)
{
	for (size_t i = 0; i < s->fds.n; i++) {
		const struct fds_entry *x = &s->fds.e[i];

		if (is_own_edge(s, x->name) && x->fd >= 0 && listen(x->fd, BACKLOG))
			return err_set(e, -errno, "cannot listen on %s: %s", x->name, err_name(errno));
	}
	return 0;
}

static int phase_start(struct service *s, struct err_text *e)
{
	int r;

	log_limit_init(&s->violations, 10, 1);
	r = service_admin_start(s, e);
	if (!r && s->def->start)
		r = s->def->start(s, e);
	if (r)
		return r;
	for (const char *name = fds_next(&s->fds, "", NULL); name; name = fds_next(&s->fds, "", name))
		log_warning("start.descriptor",
		    "the launcher passed \"%s\", which this service does not use; closed", name);
	fds_fini(&s->fds);
	return 0;
}

static void on_signal(uv_signal_t *h, int signo)
{
	struct service *s = h->data;

	(void)signo;
	uv_stop(&s->loop);
}

static void on_watchdog(uv_timer_t *t)
{
	const struct service *s = t->data;

	notify_send(&s->notify, -1, "WATCHDOG=1");
}

static int phase_ready(struct service *s, struct err_text *e)
{
	uint64_t half = s->notify.watchdog_ms / 2;
	int r = uv_signal_init(&s->loop, &s->on_term);

	if (!r)
		r = uv_signal_init(&s->loop, &s->on_int);
	if (!r)
		r = uv_timer_init(&s->loop, &s->watchdog);
	s->on_term.data = s->on_int.data = s->watchdog.data = s;
	if (!r)
		r = uv_signal_start(&s->on_term, on_signal, SIGTERM);
	if (!r)
		r = uv_signal_start(&s->on_int, on_signal, SIGINT);
	if (!r && half)
		r = uv_timer_start(&s->watchdog, on_watchdog, half, half);
	if (r)
		return err_set(e, r, "event loop: %s", uv_strerror(r));
	if (!s->state[0])
		service_set_state(s, "running");
	notify_send(&s->notify, -1, "READY=1\nSTATUS=%s", s->state);
	log_notice("start.ready", "version %s, uid %u, %s", POSTERN_VERSION, s->uid, s->state);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct service *s, struct err_text *e);
} phases[] = {
    {"settings", phase_settings},
    {"log", phase_log},
    {"options", phase_options},
    {"descriptors", phase_descriptors},
    {"ids", service_resolve_ids},
    {"privileged", service_open_privileged},
    {"drop", phase_drop},
    {"sandbox", service_close_sandbox},
    {"listen", phase_listen_again},
    {"start", phase_start},
    {"ready", phase_ready},
};

static int run_phases(struct service *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases) && !s->finished; i++) {
		struct err_text e = {{0}};
		int r = phases[i].run(s, &e);

		if (!r)
			continue;
		log_error("start.failed", "phase=%s %s", phases[i].name, e.s[0] ? e.s : err_name(r));
		notify_send(&s->notify, -1, "STATUS=%.400s", e.s[0] ? e.s : err_name(r));
		return r;
	}
	return 0;
}

static void shut_down(struct service *s)
{
	notify_send(&s->notify, -1, "STOPPING=1\nSTATUS=stopping");
	if (s->def->stop)
		s->def->stop(s);
	for (size_t i = 0; i < s->n_clients; i++)
		ipc_client_free(s->clients[i]);
	for (size_t i = 0; i < s->n_servers; i++)
		ipc_server_free(s->servers[i].server);
	uv_close((uv_handle_t *)&s->on_term, NULL);
	uv_close((uv_handle_t *)&s->on_int, NULL);
	uv_close((uv_handle_t *)&s->watchdog, NULL);
	/* Lets close callbacks run; what a service left open does not hold up the end. */
	uv_run(&s->loop, UV_RUN_NOWAIT);
	log_notice("stop", "stopped");
}

int service_main(const struct service_def *def, int argc, char **argv)
{
	struct service *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return EXIT_FAILURE;
	s->def = def;
	s->argc = argc;
	s->argv = argv;
	s->epoch_ms = clock_now_ms(&clock_boottime);
	s->notify.fd = -1;
	snprintf(s->tag, sizeof(s->tag), "postern-%s", def->name);
	snprintf(s->admin_name, sizeof(s->admin_name), "%s.admin", def->name);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	r = uv_loop_init(&s->loop);
	if (!r)
		r = run_phases(s);
	if (!r && !s->finished) {
		uv_run(&s->loop, UV_RUN_DEFAULT);
		shut_down(s);
	}
	notify_close(&s->notify);
	free(s->admin_rules);
	free(s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
