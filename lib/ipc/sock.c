/*
 * When a peer closes with octets of ours unread, Linux reports ECONNRESET once, ahead of what the peer had
 * still sent to us. The last words of a peer (usually the IPC_ERROR that says why it hangs up) must not be
 * lost to that, so the receive is tried once more.
 */
#include "ipc/sock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "base/auto.h"

int ipc_sock_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int ipc_sock_peer(int fd, struct ucred *ret)
{
	socklen_t n = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &n) < 0 ? -errno : 0;
}

int ipc_sock_peer_groups(int fd, gid_t *ret, unsigned max)
{
	socklen_t n = max * (socklen_t)sizeof(*ret);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret, &n) < 0)
		return -errno;
	return (int)(n / sizeof(*ret));
}

/* Room for two descriptors, so that more than one is noticed; the kernel closes what does not fit. */
union passed {
	char buf[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

/* 0 with the one descriptor or -1; -EPROTO: there were more, and they are closed. */
static int take_passed(struct msghdr *m, int *ret_fd)
{
	int fds[2] = {-1, -1};
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = n > 2 ? 2 : n;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	if (n < 2 && !(m->msg_flags & MSG_CTRUNC)) {
		*ret_fd = fds[0];
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return -EPROTO;
}

int ipc_sock_recv(int fd, void *buf, size_t room)
{
	return ipc_sock_recv_fd(fd, buf, room, NULL);
}

int ipc_sock_recv_fd(int fd, void *buf, size_t room, int *ret_fd)
{
	struct iovec iov = {.iov_base = buf, .iov_len = room};
	union passed passed;
	/* Without room for control messages the kernel closes passed descriptors itself. */
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ret_fd ? passed.buf : NULL,
	    .msg_controllen = ret_fd ? sizeof(passed.buf) : 0};
	bool was_reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		if (errno == ECONNRESET && !was_reset)
			was_reset = true;
		else if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
	if (ret_fd && take_passed(&m, ret_fd) < 0)
		return -EPROTO;
	return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)n;
}

int ipc_sock_send_fd(int fd, const void *buf, size_t n, int passed)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = n};
	union passed control = {{0}};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = CMSG_SPACE(sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t r;

	*c = (struct cmsghdr){
	    .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	do
		r = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r >= 0 ? 0 : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

int ipc_sock_send(int fd, const void *buf, size_t n)
{
	ssize_t r;

	do
		r = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r >= 0 ? 0 : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}
