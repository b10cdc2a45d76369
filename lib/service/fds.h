/*
 * What the launcher handed over by the socket-activation protocol (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES): a
 * table of named descriptors, each taken once.
 */
#ifndef POSTERN_SERVICE_FDS_H
#define POSTERN_SERVICE_FDS_H

#include <stddef.h>

#include "base/err.h"

enum {
	FDS_FIRST = 3, /* where the protocol starts counting */
	FDS_MAX = 320, /* 256 SAD segments and room for the rest */
	FDS_NAME_MAX = 48,
};

struct fds_entry {
	char name[FDS_NAME_MAX];
	int fd; /* -1 once taken */
};

struct fds {
	struct fds_entry e[FDS_MAX];
	size_t n;
};

/*
 * Reads the three variables and removes them, so that nothing this process starts takes them for its own.
 * Every descriptor becomes close-on-exec. No launcher: 0 and an empty table. -EINVAL with `e` when they
 * contradict each other.
 */
int fds_receive(struct fds *f, struct err_text *e);

/* The descriptor (now the caller's), or -1. */
int fds_take(struct fds *f, const char *name);
/* The name that follows `after` (NULL: the first) among those not yet taken that begin with `prefix`, or
 * NULL. */
const char *fds_next(const struct fds *f, const char *prefix, const char *after);
/* Closes what nobody took. */
void fds_fini(struct fds *f);

/* 0 when `fd` is a listening SOCK_SEQPACKET Unix socket whose file is called `name`; else -errno and `e`. */
int fds_check_listener(int fd, const char *name, struct err_text *e);

#endif
