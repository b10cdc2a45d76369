/*
 * The services of the suite: what each listens on, who connects there, and what it may leave in the
 * descriptor store.
 */
#ifndef POSTERN_SUPERVISOR_TABLE_H
#define POSTERN_SUPERVISOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { UNITS = 6, UNIT_SOCKETS_MAX = 4, UNIT_STORED_MAX = 16 };

struct unit_socket {
	const char *name;      /* file in RUN_DIR, and its name in LISTEN_FDNAMES */
	const char *connector; /* the service whose group may connect; NULL: the admin group */
};

/* A name a service may store, or a numbered family of names. */
struct unit_stored {
	const char *name;  /* "tun"; "sad-" when numbered */
	uint16_t numbered; /* how many of "sad-0", "sad-1", ...; 0: the name alone */
	mode_t type;       /* what fstat() must say: S_IFSOCK, S_IFCHR, S_IFREG */
};

struct unit_def {
	const char *name;
	struct unit_socket sockets[UNIT_SOCKETS_MAX];
	struct unit_stored stored[UNIT_STORED_MAX];
	bool root;            /* it has no user of its own */
	const char *withdraw; /* option of the program that takes its kernel state back; NULL: it has none */
};

/* In the order in which they are stopped; started the other way round. */
extern const struct unit_def unit_table[UNITS];

#endif
