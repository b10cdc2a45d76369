/*
 * A socket file is born with no permissions for anybody but root and gets its group afterwards: at no moment
 * can a stranger connect.
 */
#include "supervisor/listener.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"

enum { BACKLOG = 128 };

static int bind_fresh(int fd, const char *path, struct err_text *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	mode_t old;
	int r;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	/* Left behind by a supervisor that was killed; the lock says that it is gone. */
	unlink(path);
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	umask(old);
	return r ? err_set(e, r, "cannot make the socket %s: %s", path, err_name(r)) : 0;
}

/* The group that may connect; false: nobody but root. */
static bool connecting_group(const struct settings *s, const struct unit_socket *sock, gid_t *ret)
{
	struct group gr, *found = NULL;
	char buf[16384];
	uid_t uid;

	if (sock->connector)
		return settings_peer_ids(s, sock->connector, &uid, ret);
	if (getgrnam_r(s->admin_group, &gr, buf, sizeof(buf), &found) || !found)
		return false;
	*ret = found->gr_gid;
	return true;
}

int listener_open(const struct settings *s, const struct unit_socket *sock, int *ret_fd, struct err_text *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char path[108];
	gid_t gid;
	int r;

	settings_socket_path(s, sock->name, path);
	if (fd < 0)
		return err_set(e, -errno, "cannot make the socket %s: %s", path, err_name(errno));
	r = bind_fresh(fd, path, e);
	if (r)
		return r;
	if (connecting_group(s, sock, &gid) && (chown(path, 0, gid) || chmod(path, 0660)))
		return err_set(
		    e, -errno, "cannot give the socket %s to group %u: %s", path, gid, err_name(errno));
	if (listen(fd, BACKLOG))
		return err_set(e, -errno, "cannot listen on %s: %s", path, err_name(errno));
	*ret_fd = take_fd(&fd);
	return 0;
}

const char *listener_notify_name(const char *unit, char buf[32])
{
	snprintf(buf, 32, "notify.%s", unit);
	return buf;
}

int listener_open_notify(const struct settings *s, const char *unit, int *ret_fd, struct err_text *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char path[108], name[32];
	const int on = 1;
	int r;

	settings_socket_path(s, listener_notify_name(unit, name), path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return err_set(e, -errno, "cannot make the socket %s: %s", path, err_name(errno));
	r = bind_fresh(fd, path, e);
	if (r)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

static void read_control(struct msghdr *msg, struct listener_packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS && n >= sizeof(struct ucred)) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			p->pid = u.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t k = n / sizeof(int);

			if (k > NOTIFY_FDS_MAX - p->n_fds)
				k = NOTIFY_FDS_MAX - p->n_fds;
			memcpy(&p->fds[p->n_fds], CMSG_DATA(c), k * sizeof(int));
			p->n_fds += k;
		}
	}
}

ssize_t listener_receive(int fd, void *buf, size_t room, struct listener_packet *ret)
{
	/* Room for exactly what is accepted: the kernel keeps the descriptors beyond it to itself and says
	 * MSG_CTRUNC. */
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(NOTIFY_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = room};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	*ret = (struct listener_packet){.cut = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0};
	read_control(&msg, ret);
	return n;
}
