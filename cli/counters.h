/*
 * Counters by name, summed over services in the order they were first seen.
 */
#ifndef POSTERN_CLI_COUNTERS_H
#define POSTERN_CLI_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/sync.h"

enum { COUNTER_NAME_MAX = 64, COUNTERS_MAX = 2048 };

struct counter {
	char name[COUNTER_NAME_MAX];
	uint64_t value;
};

struct counters {
	struct counter *v;
	size_t n, room;
};

void counters_init(struct counters *c);
void counters_fini(struct counters *c);
#define AUTO_COUNTERS __attribute__((cleanup(counters_fini)))

/* Adds `value` to the counter `name`. 0; -ENOMEM; -E2BIG for a name too long or a counter too many. */
int counters_add(struct counters *c, const char *name, uint64_t value);
/* 0 for a counter nobody reported. */
uint64_t counters_get(const struct counters *c, const char *name);

/* Adds what one service counts (admin_msg.c). */
int counters_fetch(struct counters *c, struct ipc_sync *service, struct err_text *e);

#endif
