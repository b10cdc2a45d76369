/*
 * The sockets in RUN_DIR: one listening SOCK_SEQPACKET per edge, and one notify socket per service.
 */
#ifndef POSTERN_SUPERVISOR_LISTENER_H
#define POSTERN_SUPERVISOR_LISTENER_H

#include <sys/types.h>

#include "base/err.h"
#include "service/settings.h"
#include "supervisor/table.h"

enum { NOTIFY_FDS_MAX = 8 };

/* Makes and binds; the file belongs to root and to the group that may connect, 0660, or is root's alone,
 * 0600. */
int listener_open(const struct settings *s, const struct unit_socket *sock, int *ret_fd, struct err_text *e);

/* "RUN_DIR/notify.NAME", root's alone: a service connects before it drops its privileges. */
int listener_open_notify(const struct settings *s, const char *unit, int *ret_fd, struct err_text *e);
/* Its file name into buf. */
const char *listener_notify_name(const char *unit, char buf[32]);

struct listener_packet {
	pid_t pid;               /* who sent it, by the kernel's word; 0 unknown */
	int fds[NOTIFY_FDS_MAX]; /* owned by the caller */
	size_t n_fds;
	bool cut; /* longer than the buffer, or too many descriptors */
};

/* One datagram. Its length; -EAGAIN; -errno. On failure there are no descriptors. */
ssize_t listener_receive(int fd, void *buf, size_t room, struct listener_packet *ret);

#endif
