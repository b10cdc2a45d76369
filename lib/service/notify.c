/*
 * The socket is connected while the process is still root, because the supervisor's notify sockets are root's
 * alone: a stranger cannot even send to them. Afterwards sending needs no permission, and no path that the
 * sandbox would have to leave open.
 */
#include "service/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"

static int connect_notify(int fd, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, n);
	/* A leading @ stands for the abstract name space. */
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	if (connect(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)))
		return -errno;
	return 0;
}

static void read_watchdog(struct notify *n)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (usec && (!pid || strtol(pid, NULL, 10) == (long)getpid()))
		n->watchdog_ms = strtoull(usec, NULL, 10) / 1000;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int notify_open(struct notify *n, struct err_text *e)
{
	/* A launcher that is stopped must not stop its services for longer. */
	const struct timeval patience = {.tv_sec = 5};
	const char *path = getenv("NOTIFY_SOCKET");
	int r;

	*n = (struct notify){.fd = -1};
	read_watchdog(n);
	if (!path || !*path)
		return 0;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return err_set(e, -errno, "cannot make the notify socket: %s", err_name(errno));
	setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = connect_notify(n->fd, path);
	if (r) {
		notify_close(n);
		return err_set(e, r, "cannot reach the launcher at NOTIFY_SOCKET=%s: %s", path, err_name(r));
	}
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static bool comes_again(const char *text)
{
	return !strncmp(text, "STATUS=", 7) || !strncmp(text, "WATCHDOG=", 9);
}

int notify_send(const struct notify *n, int fd, const char *fmt, ...)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char text[1024];
	struct iovec iov = {.iov_base = text};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	va_list ap;
	int len;

	if (n->fd < 0)
		return -ENOTCONN;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -EMSGSIZE;
	iov.iov_len = (size_t)len;
	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* A queue holds ten messages by default, and a start sends about as many. What comes again may be
	 * lost; READY=1, or a descriptor, comes once and waits for room. */
	return sendmsg(n->fd, &msg, MSG_NOSIGNAL | (comes_again(text) ? MSG_DONTWAIT : 0)) < 0 ? -errno : 0;
}
