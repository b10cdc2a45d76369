/*
 * No shell: the file itself is executed, with the event's name as its only argument. By its path and not by a
 * descriptor, because the kernel would hand an interpreter /dev/fd/N as the script's name; that the path
 * leads to the same file is what root_file_check() is for.
 */
#include "hooks/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing of this process's stays open. */
static int place_fds(int output)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		return -1;
	return syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0) ? -1 : 0;
}

static _Noreturn void run_child(const struct job *j, int output, pid_t parent)
{
	char *argv[] = {j->path, (char *)(uintptr_t)ike_hook_name(j->hook), NULL};

	/* It ends with this service, so that the next life does not run beside it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		_exit(HOOK_NOT_EXECUTED);
	reset_signals();
	setsid();
	umask(022);
	if (chdir("/") || place_fds(output))
		_exit(HOOK_NOT_EXECUTED);
	execve(j->path, argv, j->env.v);
	dprintf(STDERR_FILENO, "cannot be executed: %s%s\n", err_name(errno),
	    errno == ENOEXEC ? " (a script begins with #! and its interpreter)" : "");
	_exit(HOOK_NOT_EXECUTED);
}

int hook_spawn(const struct job *j, pid_t *ret_pid, int *ret_output, struct err_text *e)
{
	AUTO_CLOSE int from = -1, to = -1;
	pid_t parent = getpid(), pid;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "no pipe for what it prints: %s", err_name(errno));
	from = fds[0];
	to = fds[1];
	/* Ours alone: a script's own end has to block. */
	if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
		return err_set(e, -errno, "no pipe for what it prints: %s", err_name(errno));
	pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "cannot start it: %s", err_name(errno));
	if (pid == 0)
		run_child(j, to, parent);
	*ret_pid = pid;
	*ret_output = take_fd(&from);
	return 0;
}
