/*
 * A binary heap of pointers. Thousands of SAs have a few timers each, and most are moved more often than they
 * fire.
 */
#include "keyd/core/timers.h"

#include <errno.h>
#include <stdbool.h>

void timers_fini(struct timers *ts)
{
	free(ts->heap);
	*ts = (struct timers){0};
}

static void put(struct timers *ts, uint32_t at, struct timer *t)
{
	ts->heap[at] = t;
	t->place = at + 1;
}

static void rise(struct timers *ts, uint32_t at, struct timer *t)
{
	while (at) {
		uint32_t up = (at - 1) / 2;

		if (ts->heap[up]->due_ms <= t->due_ms)
			break;
		put(ts, at, ts->heap[up]);
		at = up;
	}
	put(ts, at, t);
}

static void sink(struct timers *ts, uint32_t at, struct timer *t)
{
	for (;;) {
		uint32_t down = 2 * at + 1;

		if (down >= ts->n)
			break;
		if (down + 1 < ts->n && ts->heap[down + 1]->due_ms < ts->heap[down]->due_ms)
			down++;
		if (t->due_ms <= ts->heap[down]->due_ms)
			break;
		put(ts, at, ts->heap[down]);
		at = down;
	}
	put(ts, at, t);
}

static bool grow(struct timers *ts)
{
	enum { FIRST = 64 };
	uint32_t room = ts->room ? ts->room * 2 : FIRST;
	struct timer **heap = reallocarray(ts->heap, room, sizeof(struct timer *));

	if (!heap)
		return false;
	ts->heap = heap;
	ts->room = room;
	return true;
}

int timer_set(struct timers *ts, struct timer *t, uint64_t due_ms, timer_fn fn)
{
	if (!t->place && ts->n == ts->room && !grow(ts))
		return -ENOMEM;
	timer_stop(ts, t);
	t->due_ms = due_ms;
	t->fn = fn;
	rise(ts, ts->n++, t);
	return 0;
}

void timer_stop(struct timers *ts, struct timer *t)
{
	uint32_t at = t->place - 1;
	struct timer *last;

	if (!t->place)
		return;
	t->place = 0;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	if (last->due_ms < t->due_ms)
		rise(ts, at, last);
	else
		sink(ts, at, last);
}

uint64_t timers_next_ms(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->due_ms : UINT64_MAX;
}

void timers_run(struct timers *ts, uint64_t now_ms, void *arg)
{
	/* At most as many as there are now, so that one that sets itself anew at once cannot hold the loop.
	 */
	for (uint32_t n = ts->n; n && ts->n && ts->heap[0]->due_ms <= now_ms; n--) {
		struct timer *t = ts->heap[0];

		timer_stop(ts, t);
		t->fn(t, arg);
	}
}
