/*
 * Without a look into the other process: /proc/PID/stat may be hidden from us (hidepid), kill() says even
 * then whether the number is in use.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

enum { START_FIELD = 22 };

uint64_t proc_start_ticks(pid_t pid)
{
	AUTO_CLOSE int fd = -1;
	char path[40], text[1024];
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name, the second field, may hold blanks and brackets. */
	at = strrchr(text, ')');
	for (int i = 2; at && i < START_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

bool proc_is_there(pid_t pid, uint64_t start_ticks)
{
	uint64_t now;

	if (pid <= 0 || (kill(pid, 0) && errno == ESRCH))
		return false;
	now = proc_start_ticks(pid);
	return !now || !start_ticks || now == start_ticks;
}
