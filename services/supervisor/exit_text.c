/*
 * The two ends that puzzle people get a hint: a filter's kill and a program that is not there.
 */
#include "supervisor/exit_text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "supervisor/spawn.h"

void exit_text(int wait_status, char *buf, size_t room)
{
	if (WIFSIGNALED(wait_status)) {
		int sig = WTERMSIG(wait_status);
		const char *name = sigabbrev_np(sig);

		snprintf(buf, room, "killed by SIG%s%s", name ? name : "?",
		    sig == SIGSYS
		        ? " (a system call outside its list; the kernel's log has its number, type=1326)"
		        : "");
	} else if (WEXITSTATUS(wait_status) == SPAWN_EXEC_FAILED) {
		snprintf(buf, room, "could not be executed; check --bin-dir");
	} else {
		snprintf(buf, room, "exit status %d", WEXITSTATUS(wait_status));
	}
}
