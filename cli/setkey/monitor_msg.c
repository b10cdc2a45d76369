/*
 * Events are printed in the order in which the two sockets become readable; each carries the time at which
 * its service saw it happen.
 */
#include "cli/setkey/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>

#include "base/auto.h"
#include "cli/setkey/request.h"
#include "cli/setkey/trace.h"

#include "admin.pb-c.h"

enum { EVENT_CAP = 64 * 1024 };

static void print_time(const struct session *s, uint64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	unsigned us = (unsigned)(wall_ms % 1000) * 1000;
	struct tm tm = {0};

	localtime_r(&t, &tm);
	if (s->opt->epoch)
		fprintf(s->cli->out, "%" PRIu64 ".%06u\n", wall_ms / 1000, us);
	else
		fprintf(s->cli->out, "%02d:%02d:%02d.%06u\n", tm.tm_hour, tm.tm_min, tm.tm_sec, us);
}

/* The text comes from a service and goes to a terminal. */
static void print_plain(FILE *to, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		fputc(*p < 0x20 || *p == 0x7f ? '?' : *p, to);
}

static int print_event(struct session *s, enum session_peer peer)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	FILE *to = s->cli->out;
	struct err_text e = {""};
	struct ipc_record rec;
	const Postern__Event *ev;
	int r = ipc_sync_recv(s->peer[peer], CLI_TIMEOUT_MS, &rec, &e);

	if (r < 0) {
		cli_fail(s->cli, "%s", e.s);
		return r;
	}
	if (rec.type != IPC_EVENT)
		return 0;
	m = ipc_unpack(&postern__event__descriptor, &rec, EVENT_CAP);
	ev = (const Postern__Event *)m;
	if (!ev)
		return 0;
	print_time(s, ev->wall_ms);
	if (ev->lost)
		fprintf(to, "(%" PRIu64 " events were left out: they came too fast)\n", ev->lost);
	print_plain(to, ev->service);
	fputc(' ', to);
	print_plain(to, ev->name);
	fputs(": ", to);
	print_plain(to, ev->text);
	fputc('\n', to);
	if (s->opt->hex)
		trace_hex(to, rec.body, rec.body_len);
	return fflush(to) == 0 ? 0 : -errno;
}

int monitor_run(struct session *s)
{
	struct pollfd fds[SESSION_PEERS];

	for (int i = 0; i < SESSION_PEERS; i++) {
		int r = request_plain(s, (enum session_peer)i, IPC_MONITOR);

		if (r == SESSION_REFUSED)
			cli_fail(s->cli, "%s", s->refusal_text.s);
		if (r != 0)
			return CLI_FAILED;
		fds[i] = (struct pollfd){.fd = ipc_sync_fd(s->peer[i]), .events = POLLIN};
	}
	for (;;) {
		if (poll(fds, SESSION_PEERS, -1) < 0 && errno != EINTR)
			return CLI_FAILED;
		for (int i = 0; i < SESSION_PEERS; i++)
			if (fds[i].revents && print_event(s, (enum session_peer)i) < 0)
				return CLI_FAILED;
	}
}
