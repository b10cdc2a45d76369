/*
 * When a peer closes with octets of ours unread, Linux reports ECONNRESET once, ahead of what the peer had
 * still sent to us. The last words of a peer (usually the IPC_ERROR that says why it hangs up) must not be
 * lost to that, so the receive is tried once more.
 */
#include "ipc/sock.h"

#include <errno.h>
#include <stdbool.h>
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

int ipc_sock_recv(int fd, void *buf, size_t room)
{
	struct iovec iov = {.iov_base = buf, .iov_len = room};
	/* Without room for control messages the kernel closes passed descriptors itself. */
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
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
	return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)n;
}

int ipc_sock_send(int fd, const void *buf, size_t n)
{
	ssize_t r;

	do
		r = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r >= 0 ? 0 : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}
