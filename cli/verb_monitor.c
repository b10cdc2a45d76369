/*
 * Both services' events in the order they arrive. A service that ends is waited for: whoever watches a
 * restart wants to see the end of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "cli/admin.h"
#include "cli/json.h"
#include "cli/verbs.h"

enum { SOURCES_MAX = 8, RETRY_MS = 500 };

struct source {
	const char *service;
	struct ipc_sync *s;
	bool told; /* that it is away */
};

struct monitor {
	struct cli *cli;
	struct source src[SOURCES_MAX];
	size_t n;
	uint64_t left; /* events still to print; 0: no limit */
	bool limited;
};

static void print_event(struct cli *cli, const struct admin_event *ev)
{
	time_t t = (time_t)(ev->wall_ms / 1000);
	struct tm tm;
	char at[16];

	localtime_r(&t, &tm);
	strftime(at, sizeof(at), "%H:%M:%S", &tm);
	if (ev->lost)
		fprintf(cli->out, "%s.%03u %-9s (%" PRIu64 " events were left out: they came too fast)\n", at,
		    (unsigned)(ev->wall_ms % 1000), ev->service, ev->lost);
	fprintf(cli->out, "%s.%03u %-9s %-20s %s\n", at, (unsigned)(ev->wall_ms % 1000), ev->service,
	    ev->name, ev->text);
	fflush(cli->out);
}

static void write_event(struct cli *cli, const struct admin_event *ev)
{
	json_t *doc = json_new_document();

	if (!cli->json) {
		json_decref(doc);
		print_event(cli, ev);
		return;
	}
	json_object_set_new(doc, "time_ms", json_integer((json_int_t)ev->wall_ms));
	json_object_set_new(doc, "service", json_string(ev->service));
	json_object_set_new(doc, "event", json_string(ev->name));
	json_object_set_new(doc, "text", json_string(ev->text));
	json_object_set_new(doc, "lost_before", json_integer((json_int_t)ev->lost));
	json_write_line(cli, doc);
}

static void lose(struct monitor *m, struct source *src, const char *why)
{
	src->s = ipc_sync_close(src->s);
	if (!src->told)
		fprintf(m->cli->err, "%s: %s does not answer (%s); waiting for it\n", m->cli->prog,
		    src->service, why);
	src->told = true;
}

/* 0 when it is (again) connected; else it stays away, which is said once. */
static int attach(struct monitor *m, struct source *src)
{
	struct err_text e = {""};
	int r;

	if (src->s)
		return 0;
	r = cli_open_service(m->cli, src->service, &src->s, &e);
	if (r == 0)
		r = admin_start_monitor(src->s, &e);
	if (r < 0) {
		src->s = ipc_sync_close(src->s);
		if (!src->told)
			fprintf(m->cli->err, "%s: %s\n", m->cli->prog, e.s);
		src->told = true;
		return r;
	}
	if (src->told)
		fprintf(m->cli->err, "%s: %s is back\n", m->cli->prog, src->service);
	src->told = false;
	return 0;
}

static void read_one(struct monitor *m, struct source *src)
{
	struct err_text e = {""};
	struct admin_event ev;

	if (admin_read_event(src->s, &ev, &e) < 0) {
		lose(m, src, e.s);
		return;
	}
	write_event(m->cli, &ev);
	if (m->limited)
		m->left--;
}

static void run(struct monitor *m)
{
	while (!m->limited || m->left) {
		struct pollfd fds[SOURCES_MAX];
		bool away = false;

		for (size_t i = 0; i < m->n; i++) {
			away |= attach(m, &m->src[i]) < 0;
			fds[i] = (struct pollfd){
			    .fd = m->src[i].s ? ipc_sync_fd(m->src[i].s) : -1, .events = POLLIN};
		}
		if (ferror(m->cli->out) || poll(fds, (nfds_t)m->n, away ? RETRY_MS : -1) < 0)
			return;
		for (size_t i = 0; i < m->n && (!m->limited || m->left); i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				read_one(m, &m->src[i]);
	}
}

static int parse_count(struct monitor *m, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("monitor");
	char *end;

	if (argc == 1)
		return CLI_OK;
	if (argc != 3 || strcmp(argv[1], "-n") != 0)
		return cli_usage(m->cli, self, "`%s` is not understood.", argv[1]);
	errno = 0;
	m->left = strtoull(argv[2], &end, 10);
	if (argv[2][0] < '0' || argv[2][0] > '9' || *end || errno || m->left == 0)
		return cli_usage(m->cli, self, "-n wants how many events to wait for, not `%s`.", argv[2]);
	m->limited = true;
	return CLI_OK;
}

int verb_monitor(struct cli *cli, int argc, char **argv)
{
	struct monitor m = {.cli = cli};
	int code = parse_count(&m, argc, argv), up = 0;

	if (code != CLI_OK)
		return code;
	for (const char *const *name = cli_services; *name && m.n < SOURCES_MAX; name++) {
		m.src[m.n].service = *name;
		up += attach(&m, &m.src[m.n++]) == 0;
		if (!up && !cli_suite_is_there(cli))
			return CLI_FAILED;
	}
	if (up)
		run(&m);
	for (size_t i = 0; i < m.n; i++)
		ipc_sync_close(m.src[i].s);
	return up ? CLI_OK : CLI_FAILED;
}
