/*
 * postern-supervisor: starts the services, keeps them running and holds for them what must outlive them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/log.h"
#include "supervisor/ids.h"
#include "supervisor/io/suite.h"
#include "supervisor/privs.h"
#include "supervisor/run_dir.h"

enum { WATCHDOG_DEFAULT_MS = 20000, WATCHDOG_MIN_MS = 200, WATCHDOG_MAX_MS = 600000, READY_WAIT_MS = 30000 };

static const char tag[] = "postern-supervisor";

struct options {
	bool foreground;
	bool done; /* --help or --version was all */
};

static void print_help(void)
{
	printf("usage: postern-supervisor [OPTIONS]\n\n"
	       "Starts Postern's services, restarts them when they end, and keeps for them what must outlive "
	       "them.\n"
	       "Loads postern.conf of the configuration folder, if there is one, and returns once every "
	       "service is\n"
	       "ready and that is done; SIGTERM to the supervisor stops them in order and takes "
	       "the\n"
	       "kernel's rules back; SIGHUP loads the configuration again.\n\n"
	       "  --foreground         stay in the foreground (for systemd, containers, terminals)\n"
	       "  --bin-dir DIR        where postern-policyd and the others are\n"
	       "  --watchdog-ms N      a service silent for so long is restarted; 0: never (default %d)\n"
	       "%s"
	       "  --version            print the version\n",
	    WATCHDOG_DEFAULT_MS, settings_help);
}

static int set_watchdog(struct suite *s, const char *v, struct err_text *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	if (v[0] < '0' || v[0] > '9' || *end || (n && (n < WATCHDOG_MIN_MS || n > WATCHDOG_MAX_MS)))
		return err_set(e, -EINVAL, "--watchdog-ms \"%s\": give 0 or a number from %d to %d", v,
		    WATCHDOG_MIN_MS, WATCHDOG_MAX_MS);
	s->watchdog_ms = n;
	return 0;
}

/* The value of option `name` at argv[*i], also as "--name=value"; NULL when this is another word. */
static const char *option_value(const char *name, char **argv, int argc, int *i)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n))
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n])
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

static int parse_word(struct suite *s, struct options *o, char **argv, int argc, int *i, struct err_text *e)
{
	const char *v;

	if (!strcmp(argv[*i], "--help")) {
		print_help();
		o->done = true;
	} else if (!strcmp(argv[*i], "--version")) {
		printf("%s %s\n", tag, POSTERN_VERSION);
		o->done = true;
	} else if (!strcmp(argv[*i], "--foreground")) {
		o->foreground = true;
	} else if ((v = option_value("--bin-dir", argv, argc, i))) {
		if (v[0] != '/')
			return err_set(e, -EINVAL, "--bin-dir \"%s\": give an absolute path", v);
		s->bin_dir = v;
	} else if ((v = option_value("--watchdog-ms", argv, argc, i))) {
		return set_watchdog(s, v, e);
	} else {
		return err_set(e, -EINVAL, "unknown option \"%s\"; --help lists them", argv[*i]);
	}
	return 0;
}

static int parse(struct suite *s, struct options *o, int argc, char **argv, struct err_text *e)
{
	int r;

	settings_init(&s->settings);
	s->watchdog_ms = WATCHDOG_DEFAULT_MS;
	r = settings_parse(&s->settings, &argc, argv, e);
	for (int i = 1; i < argc && !r && !o->done; i++)
		r = parse_word(s, o, argv, argc, &i, e);
	return r;
}

/* The one who typed the command: waits for the first word of the one in the background. The value is
 * main()'s. */
static int wait_for_ready(int fd, pid_t child)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;
	int status;

	if (poll(&p, 1, READY_WAIT_MS) == 0) {
		fprintf(stderr,
		    "%s: not every service is ready after %d s; it goes on trying in the background. "
		    "`ipsecctl status` and the log say why.\n",
		    tag, READY_WAIT_MS / 1000);
		return EXIT_FAILURE;
	}
	if (read(fd, &byte, 1) == 1)
		return EXIT_SUCCESS;
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "%s: it ended before every service was ready; see the log.\n", tag);
	return EXIT_FAILURE;
}

/* 0 in the background process; in the other one *ret_code is main()'s value and the return is 1. */
static int go_background(struct suite *s, int *ret_code, struct err_text *e)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return err_set(e, -errno, "cannot make a pipe: %s", err_name(errno));
	pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "cannot go into the background: %s", err_name(errno));
	if (pid > 0) {
		close(pipe_fd[1]);
		*ret_code = wait_for_ready(pipe_fd[0], pid);
		return 1;
	}
	close(pipe_fd[0]);
	setsid();
	s->ready_fd = pipe_fd[1];
	return 0;
}

static int serve(struct suite *s, struct err_text *e)
{
	AUTO_CLOSE int lock = -1;
	int r = log_open(s->settings.log_target, tag, log_level_parse(s->settings.log_level), e);

	if (!r)
		r = notify_open(&s->launcher, e);
	if (!r)
		r = privs_reduce(e);
	if (!r)
		r = run_dir_open(&s->settings, &lock, e);
	if (r)
		return r;
	r = ids_resolve(&s->settings, e);
	if (!r)
		r = suite_run(s, e);
	run_dir_remove(&s->settings);
	return r;
}

int main(int argc, char **argv)
{
	AUTO_FREE struct suite *s = calloc(1, sizeof(*s));
	struct options o = {.foreground = false};
	struct err_text e = {{0}};
	int r, code = EXIT_SUCCESS;

	if (!s)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	s->ready_fd = s->launcher.fd = -1;
	r = parse(s, &o, argc, argv, &e);
	if (!r && !o.done && geteuid() != 0)
		r = err_set(&e, -EPERM, "must be started by root");
	if (!r && !o.done && !o.foreground)
		r = go_background(s, &code, &e);
	if (r > 0 || o.done)
		return code;
	if (!r) {
		r = serve(s, &e);
		if (r < 0)
			log_error("suite.failed", "%s", e.s);
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", tag, e.s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
