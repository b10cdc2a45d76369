/*
 * fork() and not uv_spawn(): LISTEN_PID names a process that does not exist before the fork. The supervisor
 * has one thread, so the child may do what it likes before exec. At every point of this the child may be
 * killed, and the supervisor too: the child is armed to die with its parent before it does anything else, and
 * nothing here waits for the other side.
 */
#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sbuf.h"

enum { FIRST_FD = 3, ENV_MAX = 10 };

struct environment {
	char *v[ENV_MAX + 1];
	size_t n;
};

static void env_fini(struct environment *env)
{
	while (env->n)
		free(env->v[--env->n]);
}

/* False when out of memory. */
static bool env_add(struct environment *env, const char *key, const char *value)
{
	if (env->n == ENV_MAX || asprintf(&env->v[env->n], "%s=%s", key, value) < 0)
		return false;
	env->v[++env->n] = NULL;
	return true;
}

static bool env_add_number(struct environment *env, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return env_add(env, key, text);
}

static bool fill_environment(const struct spawn *what, struct environment *env)
{
	AUTO_SBUF struct sbuf names;
	bool ok = env_add(env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");

	sbuf_init(&names);
	for (size_t i = 0; i < what->n_fds; i++)
		sbuf_add(&names, "%s%s", i ? ":" : "", what->names[i]);
	if (what->n_fds)
		ok = ok && env_add_number(env, "LISTEN_FDS", what->n_fds) &&
		     env_add(env, "LISTEN_FDNAMES", sbuf_str(&names));
	if (what->notify_socket)
		ok = ok && env_add(env, "NOTIFY_SOCKET", what->notify_socket);
	if (what->watchdog_ms)
		ok = ok && env_add_number(env, "WATCHDOG_USEC", what->watchdog_ms * 1000);
	return ok && !names.bad;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int place_words(const struct spawn *what)
{
	if (!what->words_fd)
		return 0;
	return dup2(what->words_fd, STDOUT_FILENO) < 0 || dup2(what->words_fd, STDERR_FILENO) < 0 ? -1 : 0;
}

/* Up out of the way first, then down in order: a descriptor that has to move may lie where another one has to
 * go. */
static int place_fds(const struct spawn *what)
{
	int high[512];

	if (what->n_fds > ARRAY_SIZE(high))
		return -1;
	for (size_t i = 0; i < what->n_fds; i++) {
		high[i] = fcntl(what->fds[i], F_DUPFD, FIRST_FD + (int)what->n_fds);
		if (high[i] < 0)
			return -1;
	}
	for (size_t i = 0; i < what->n_fds; i++) {
		if (dup2(high[i], FIRST_FD + (int)i) < 0)
			return -1;
	}
	return syscall(SYS_close_range, (unsigned)(FIRST_FD + (int)what->n_fds), ~0U, 0) ? -1 : 0;
}

static _Noreturn void run_child(const struct spawn *what, struct environment *env, pid_t parent)
{
	int null;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		_exit(SPAWN_EXEC_FAILED);
	reset_signals();
	/* A session of its own: the terminal's interrupt is for the supervisor, which stops services in
	 * order. */
	setsid();
	null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || place_words(what) || place_fds(what) ||
	    !env_add_number(env, "LISTEN_PID", (uint64_t)getpid()))
		_exit(SPAWN_EXEC_FAILED);
	execve(what->path, what->argv, env->v);
	dprintf(STDERR_FILENO, "postern-supervisor: cannot execute %s: %s\n", what->path, err_name(errno));
	_exit(SPAWN_EXEC_FAILED);
}

int spawn_child(const struct spawn *what, pid_t *ret_pid, struct err_text *e)
{
	AUTO(env_fini) struct environment env = {.n = 0};
	pid_t parent = getpid(), pid;

	if (!fill_environment(what, &env))
		return err_set(e, -ENOMEM, "out of memory while starting %s", what->path);
	pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "cannot start %s: %s", what->path, err_name(errno));
	if (pid == 0)
		run_child(what, &env, parent);
	*ret_pid = pid;
	return 0;
}
