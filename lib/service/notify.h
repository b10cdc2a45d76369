/*
 * The service's voice towards its launcher (the notify protocol): ready, alive, what it is doing, and
 * descriptors to keep.
 */
#ifndef POSTERN_SERVICE_NOTIFY_H
#define POSTERN_SERVICE_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

struct notify {
	int fd;               /* connected to NOTIFY_SOCKET; -1: no launcher listens */
	uint64_t watchdog_ms; /* the launcher wants a sign of life this often; 0: it does not */
};

/*
 * Connects to NOTIFY_SOCKET and reads WATCHDOG_USEC, WATCHDOG_PID, removing all three. Call it as root: the
 * connection outlives the privilege drop. No variable: 0 and fd -1.
 */
int notify_open(struct notify *n, struct err_text *e);
void notify_close(struct notify *n);

/* Sends lines of the protocol, and a copy of `fd` unless it is negative. 0; -ENOTCONN without a launcher;
 * -errno. */
int notify_send(const struct notify *n, int fd, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
