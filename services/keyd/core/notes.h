/*
 * Log lines that strangers can cause: some in a period, then a count. While more come than are written, one
 * line a period says how many.
 */
#ifndef POSTERN_KEYD_CORE_NOTES_H
#define POSTERN_KEYD_CORE_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "keyd/core/timers.h"

enum { NOTES_PERIOD_MS = 10000, NOTES_A_PERIOD = 20 };

struct notes {
	struct timer period; /* set while one is under way */
	uint32_t written;
	uint64_t held;
	bool flooded; /* the period before was too short for all of them: this one has none */
};

/* Whether one more may be written; counts it otherwise. `over` is called with timers_run()'s argument when
 * the period ends, and asks notes_over(). */
bool notes_take(struct notes *n, struct timers *ts, uint64_t now_ms, timer_fn over);
/* Ends a period: how many lines it held back. */
uint64_t notes_over(struct notes *n, struct timers *ts, uint64_t now_ms, timer_fn over);

#endif
