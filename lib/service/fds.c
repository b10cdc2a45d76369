/*
 * The launcher is trusted to say which descriptor is which, but not to be free of mistakes: a unit file with
 * its names swapped is found here, by kind and by file name, and not by a client that talks to the wrong
 * service.
 */
#include "service/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A variable as a number, taken out of the environment's strings; -1 when absent or not a number. */
static long env_number(const char *name)
{
	const char *v = getenv(name);
	char *end;
	long n;

	if (!v || !*v)
		return -1;
	n = strtol(v, &end, 10);
	return *end || n < 0 ? -1 : n;
}

static int name_one(struct fds *f, size_t i, const char *name, size_t len, struct err_text *e)
{
	int fd = FDS_FIRST + (int)i;

	if (!len || len >= FDS_NAME_MAX)
		return err_set(e, -EINVAL, "LISTEN_FDNAMES: name %zu is empty or longer than %d characters",
		    i + 1, FDS_NAME_MAX - 1);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(e, -errno, "LISTEN_FDS promises descriptor %d, but it is not open", fd);
	memcpy(f->e[i].name, name, len);
	f->e[i].name[len] = '\0';
	f->e[i].fd = fd;
	f->n = i + 1;
	return 0;
}

static int name_all(struct fds *f, size_t n, const char *names, struct err_text *e)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(names, ":");
		int r = name_one(f, i, names, len, e);

		if (r)
			return r;
		names += len;
		if (i + 1 < n && *names != ':')
			return err_set(e, -EINVAL,
			    "LISTEN_FDS is %zu, but LISTEN_FDNAMES has only %zu names: every descriptor "
			    "needs its "
			    "FileDescriptorName=",
			    n, i + 1);
		if (*names == ':')
			names++;
	}
	return *names ? err_set(e, -EINVAL, "LISTEN_FDNAMES has more names than the %zu of LISTEN_FDS", n)
	              : 0;
}

int fds_receive(struct fds *f, struct err_text *e)
{
	long pid = env_number("LISTEN_PID"), n = env_number("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int r = 0;

	memset(f, 0, sizeof(*f));
	if (pid == (long)getpid() && n > 0) {
		if (n > FDS_MAX)
			r = err_set(e, -EINVAL, "LISTEN_FDS is %ld: at most %d descriptors", n, FDS_MAX);
		else if (!names)
			r = err_set(e, -EINVAL, "the launcher passed descriptors without LISTEN_FDNAMES");
		else
			r = name_all(f, (size_t)n, names, e);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return r;
}

int fds_take(struct fds *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		int fd = f->e[i].fd;

		if (fd < 0 || strcmp(f->e[i].name, name))
			continue;
		f->e[i].fd = -1;
		return fd;
	}
	return -1;
}

/* Where the walk stands: by identity when the name is one of ours, so that two descriptors of one name do not
 * make it go round. */
static size_t index_behind(const struct fds *f, const char *after)
{
	size_t behind = f->n;

	for (size_t i = 0; i < f->n; i++) {
		if (f->e[i].name == after)
			return i + 1;
		if (!strcmp(f->e[i].name, after))
			behind = i + 1;
	}
	return behind;
}

const char *fds_next(const struct fds *f, const char *prefix, const char *after)
{
	/* `after` may have been taken meanwhile; its place still counts. */
	for (size_t i = after ? index_behind(f, after) : 0; i < f->n; i++) {
		if (f->e[i].fd >= 0 && !strncmp(f->e[i].name, prefix, strlen(prefix)))
			return f->e[i].name;
	}
	return NULL;
}

void fds_fini(struct fds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->e[i].fd >= 0)
			close(f->e[i].fd);
	}
	f->n = 0;
}

static int option_of(int fd, int name)
{
	int v = -1;
	socklen_t n = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &n) ? -1 : v;
}

int fds_check_listener(int fd, const char *name, struct err_text *e)
{
	struct sockaddr_un sa = {0};
	socklen_t n = sizeof(sa) - 1;
	const char *base;

	if (option_of(fd, SO_DOMAIN) != AF_UNIX || option_of(fd, SO_TYPE) != SOCK_SEQPACKET ||
	    option_of(fd, SO_ACCEPTCONN) != 1)
		return err_set(e, -EPROTOTYPE,
		    "descriptor \"%s\" is not a listening SOCK_SEQPACKET Unix socket: check the launcher's "
		    "socket list",
		    name);
	if (getsockname(fd, (struct sockaddr *)&sa, &n))
		return err_set(e, -errno, "socket \"%s\": %s", name, err_name(errno));
	base = strrchr(sa.sun_path, '/');
	if (!base || strcmp(base + 1, name))
		return err_set(e, -EPROTOTYPE,
		    "the socket passed as \"%s\" is the file \"%s\": the launcher's names are mixed up", name,
		    sa.sun_path);
	return 0;
}
