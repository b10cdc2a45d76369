/*
 * Named moments: each object keeps its timers inside itself, a heap orders them. What each is for is said
 * where it is set.
 */
#ifndef POSTERN_KEYD_CORE_TIMERS_H
#define POSTERN_KEYD_CORE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct timer;
/* The timer is not set any more; it may be set again, and what it lies in may be freed. */
typedef void (*timer_fn)(struct timer *t, void *arg);

struct timer {
	uint64_t due_ms;
	timer_fn fn;
	uint32_t place; /* in the heap, from 1; 0: not set */
};

struct timers {
	struct timer **heap; /* [0] is the earliest */
	uint32_t n, room;
};

void timers_fini(struct timers *ts);
/* Sets it, or moves it. 0 or -ENOMEM, then as it was. */
must_check int timer_set(struct timers *ts, struct timer *t, uint64_t due_ms, timer_fn fn);
/* One that is not set is fine. */
void timer_stop(struct timers *ts, struct timer *t);
/* UINT64_MAX: none is set. */
uint64_t timers_next_ms(const struct timers *ts);
/* Calls all that are due; those set meanwhile for the same moment wait for the next call. */
void timers_run(struct timers *ts, uint64_t now_ms, void *arg);

#endif
