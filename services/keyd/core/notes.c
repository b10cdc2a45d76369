#include "keyd/core/notes.h"

bool notes_take(struct notes *n, struct timers *ts, uint64_t now_ms, timer_fn over)
{
	/* Without memory for the timer nothing would end the period. */
	if (!n->period.place && timer_set(ts, &n->period, now_ms + NOTES_PERIOD_MS, over) < 0)
		return false;
	if (n->flooded || n->written == NOTES_A_PERIOD) {
		n->held++;
		return false;
	}
	n->written++;
	return true;
}

uint64_t notes_over(struct notes *n, struct timers *ts, uint64_t now_ms, timer_fn over)
{
	uint64_t held = n->held;

	n->written = 0;
	n->held = 0;
	n->flooded = held && timer_set(ts, &n->period, now_ms + NOTES_PERIOD_MS, over) == 0;
	return held;
}
