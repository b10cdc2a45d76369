/*
 * No service reads a configuration language, and neither does the supervisor: a child does, which has a
 * descriptor for its words and nothing else of ours. They go into memory and are read when it has ended, so
 * that it never waits for us.
 *
 * At the start the network may not be there yet. Then the child says so by its exit status, and is tried
 * again; until then what policyd had saved is in force. Any other fault is the file's, and waits for somebody
 * to mend it.
 */
#include "supervisor/io/loader.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "supervisor/exit_text.h"
#include "supervisor/io/suite.h"
#include "supervisor/program.h"
#include "supervisor/spawn.h"

enum {
	EXIT_LATER = 4,      /* of ipsecctl(8) */
	READY_MS = 20000,    /* whoever waits for the suite waits no longer for a load */
	KILL_MS = 300000,    /* from one look to the next at one that does not end */
	REST_MIN_MS = 1000,  /* between two tries; doubles */
	REST_MAX_MS = 30000, /* a network that comes up late is used soon */
	WORDS_MAX = 16384,   /* of what it says; the rest is for whoever types the command */
	ARGV_MAX = 32,
};

static const char at_start[] = "load", at_hangup[] = "reload";

int loader_open(struct loader *l, struct suite *suite, struct err_text *e)
{
	int r;

	*l = (struct loader){.suite = suite, .verb = at_start, .words_fd = -1, .rest_ms = REST_MIN_MS};
	r = uv_timer_init(&suite->loop, &l->patience);
	if (!r)
		r = uv_timer_init(&suite->loop, &l->rest);
	if (r)
		return err_set(e, r, "event loop: %s", uv_strerror(r));
	l->patience.data = l->rest.data = l;
	if (program_find_ipsecctl(suite->bin_dir, l->program, sizeof(l->program), e) < 0) {
		log_warning("suite.load", "no postern.conf is loaded: %s", e->s);
		l->program[0] = '\0';
	}
	return 0;
}

/* Whoever waits for the suite hears of it, and the log. */
static void tell(struct loader *l, bool good, const char *line)
{
	log_event(good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "suite.load", "%s", line);
	if (!good && l->suite->ready_fd >= 0)
		fprintf(stderr, "%s\n", line);
}

static void tell_words(struct loader *l, bool good)
{
	static char text[WORDS_MAX + 1];
	ssize_t n = pread(l->words_fd, text, WORDS_MAX, 0);
	char *at = text, *line;

	text[n > 0 ? n : 0] = '\0';
	while ((line = strsep(&at, "\n")))
		if (*line)
			tell(l, good, line);
	if (n == WORDS_MAX)
		tell(l, good, "... and more: `ipsecctl load` says all of it.");
	close(l->words_fd);
	l->words_fd = -1;
}

static void on_patience(uv_timer_t *t)
{
	struct loader *l = t->data;

	if (!l->suite->told_ready) {
		log_warning("suite.load", "loading takes longer than %d s, and goes on", READY_MS / 1000);
		suite_is_ready(l->suite);
		return;
	}
	log_error("suite.load", "loading does not end; it is killed");
	kill(l->pid, SIGKILL);
}

static int spawn(struct loader *l, struct err_text *e)
{
	char *argv[ARGV_MAX];
	struct spawn what = {.path = l->program, .argv = argv};
	size_t n = 0;
	int r;

	argv[n++] = l->program;
	for (char **w = l->suite->words; *w && n < ARGV_MAX - 4; w++)
		argv[n++] = *w;
	argv[n++] = (char *)(uintptr_t)l->verb;
	argv[n++] = (char *)(uintptr_t) "-q";
	if (l->verb == at_start)
		argv[n++] = (char *)(uintptr_t) "--boot";
	argv[n] = NULL;
	l->words_fd = memfd_create("load", MFD_CLOEXEC);
	if (l->words_fd < 0)
		return err_set(e, -errno, "cannot make a memory file: %s", err_name(errno));
	what.words_fd = l->words_fd;
	r = spawn_child(&what, &l->pid, e);
	if (r) {
		l->pid = 0;
		close(l->words_fd);
		l->words_fd = -1;
	}
	return r;
}

static void start(struct loader *l)
{
	struct err_text e = {{0}};

	uv_timer_stop(&l->rest);
	l->again = false;
	if (!l->program[0] || spawn(l, &e) < 0) {
		if (e.s[0])
			log_error("suite.load", "%s", e.s);
		suite_is_ready(l->suite);
		return;
	}
	uv_timer_start(&l->patience, on_patience, READY_MS, KILL_MS);
}

void loader_begin(struct loader *l)
{
	start(l);
}

void loader_reload(struct loader *l)
{
	l->verb = at_hangup;
	l->rest_ms = REST_MIN_MS;
	l->again = l->pid != 0;
	/* Before every service is there it is due anyway. */
	if (!l->pid && l->suite->told_ready)
		start(l);
}

static void on_rest(uv_timer_t *t)
{
	start(t->data);
}

void loader_reaped(struct loader *l, int wait_status)
{
	bool later = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EXIT_LATER;
	char text[128];

	l->pid = 0;
	uv_timer_stop(&l->patience);
	tell_words(l, !wait_status);
	if (wait_status) {
		exit_text(wait_status, text, sizeof(text));
		log_error("suite.load", "ipsecctl %s: %s; what was in force before still is%s", l->verb, text,
		    later ? ", and it is tried again" : "");
	}
	suite_is_ready(l->suite);
	if (l->suite->stopping)
		return;
	if (l->again) {
		start(l);
	} else if (later) {
		uv_timer_start(&l->rest, on_rest, l->rest_ms, 0);
		l->rest_ms = l->rest_ms * 2 < REST_MAX_MS ? l->rest_ms * 2 : REST_MAX_MS;
	}
}

void loader_stop(struct loader *l)
{
	uv_timer_stop(&l->rest);
	uv_timer_stop(&l->patience);
	if (l->pid)
		kill(l->pid, SIGTERM);
}
