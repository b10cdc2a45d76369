/*
 * The few system calls that a seqpacket edge needs, with the rules of this project in one place: never block,
 * never raise SIGPIPE, never accept a cut record, never keep a descriptor that a peer passes along.
 */
#ifndef POSTERN_IPC_SOCK_H
#define POSTERN_IPC_SOCK_H

#include <stddef.h>
#include <sys/socket.h>

/* A non-blocking connection to the socket at `path`. 0 or -errno; -EAGAIN: the listener's backlog is full. */
int ipc_sock_connect(const char *path, int *ret_fd);

/* Who is at the other end: of an accepted connection the connector, of a connected one whoever called
 * listen(). */
int ipc_sock_peer(int fd, struct ucred *ret);

/* The peer's supplementary groups into `ret`: how many, or -errno (-ERANGE: more than `max`). */
int ipc_sock_peer_groups(int fd, gid_t *ret, unsigned max);

/* One datagram. Its length; 0 at the end of the connection; -EAGAIN; -EMSGSIZE when it was longer than
 * `room`; -errno. */
int ipc_sock_recv(int fd, void *buf, size_t room);

/* The same with a descriptor that came beside it in *ret_fd, -1 if none did; of several all are closed, and
 * the datagram is -EPROTO. `ret_fd` NULL: the kernel closes what comes. */
int ipc_sock_recv_fd(int fd, void *buf, size_t room, int *ret_fd);

/* One datagram with a descriptor beside it (borrowed). Results as ipc_sock_send(). */
int ipc_sock_send_fd(int fd, const void *buf, size_t n, int passed);

/* One datagram, whole or not at all. 0, -EAGAIN or another -errno. */
int ipc_sock_send(int fd, const void *buf, size_t n);

#endif
