/*
 * Every number that bounds what scripts may cost.
 */
#ifndef POSTERN_HOOKS_LIMITS_H
#define POSTERN_HOOKS_LIMITS_H

#include <stdint.h>

enum {
	HOOK_LINE_MAX = 200, /* octets of a line that a script prints; what is longer is cut */
	HOOK_TEXT_MAX = 1024 /* octets of an identity or a domain, before they are made harmless */
};

struct hook_limits {
	uint32_t running;        /* scripts at once */
	uint32_t waiting;        /* events that wait for their turn, of all peers */
	uint32_t waiting_of_one; /* of one peer */
	uint32_t run_ms;         /* from start to SIGTERM */
	uint32_t kill_ms;        /* from SIGTERM to SIGKILL */
	uint32_t stop_ms;        /* that the end of the service waits for scripts: less than launchers do */
	uint32_t lines;          /* that one run may put into the log */
};

#define HOOK_LIMITS                                                                                          \
	{                                                                                                    \
		.running = 16, .waiting = 512, .waiting_of_one = 16, .run_ms = 60000, .kill_ms = 5000,       \
		.stop_ms = 10000, .lines = 50                                                                \
	}

#endif
