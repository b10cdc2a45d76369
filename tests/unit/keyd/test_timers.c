/*
 * Timers: random operations against a list that is searched from end to end. Which of two with the same
 * moment comes first is nobody's business, so what is compared is who has fired by when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "keyd/core/timers.h"

enum { TIMERS = 200, STEPS = 20000, SPAN_MS = 500 };

struct model {
	struct timer timer;
	uint64_t due_ms; /* 0: not set */
	unsigned fired;
};

static struct rng_seeded dice;
static struct timers timers;
static struct model all[TIMERS];
static uint64_t now_ms;

static uint32_t below(uint32_t n)
{
	return rng_below(&dice.rng, n);
}

static void on_timer(struct timer *t, void *arg)
{
	struct model *m = container_of(t, struct model, timer);

	assert_ptr_equal(arg, &timers);
	assert_int_equal(t->place, 0);
	assert_int_equal(t->due_ms, m->due_ms);
	assert_true(m->due_ms && m->due_ms <= now_ms);
	m->due_ms = 0;
	m->fired++;
}

static void set(struct model *m, uint64_t due_ms)
{
	assert_int_equal(timer_set(&timers, &m->timer, due_ms, on_timer), 0);
	m->due_ms = due_ms;
}

static uint64_t earliest(void)
{
	uint64_t ms = UINT64_MAX;

	for (size_t i = 0; i < TIMERS; i++)
		if (all[i].due_ms && all[i].due_ms < ms)
			ms = all[i].due_ms;
	return ms;
}

static void assert_same(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(all[i].timer.place != 0, all[i].due_ms != 0);
		n += all[i].due_ms != 0;
	}
	assert_int_equal(timers.n, n);
	assert_int_equal(timers_next_ms(&timers), earliest());
}

static void begin(void)
{
	memset(all, 0, sizeof(all));
	timers = (struct timers){0};
	now_ms = 1000;
	rng_seeded_init(&dice, 1);
}

static void test_timers_like_a_list(void **state)
{
	begin();
	for (int step = 0; step < STEPS; step++) {
		struct model *m = &all[below(TIMERS)];

		switch (below(4)) {
		case 0:
			timer_stop(&timers, &m->timer);
			m->due_ms = 0;
			break;
		case 1:
			now_ms += below(SPAN_MS / 10);
			timers_run(&timers, now_ms, &timers);
			assert_true(earliest() > now_ms);
			break;
		default:
			/* Often the same moment as another's. */
			set(m, now_ms + 1 + below(2) * below(SPAN_MS));
			break;
		}
		assert_same();
	}
	timers_fini(&timers);
}

/* One that sets itself for now waits for the next call, and the loop ends. */
static void on_again(struct timer *t, void *arg)
{
	struct model *m = container_of(t, struct model, timer);

	m->fired++;
	assert_int_equal(timer_set(arg, t, now_ms, on_again), 0);
}

static void test_timers_that_set_themselves_anew(void **state)
{
	begin();
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(timer_set(&timers, &all[i].timer, now_ms, on_again), 0);
	for (unsigned round = 1; round <= 5; round++) {
		unsigned fired = 0;

		timers_run(&timers, now_ms, &timers);
		for (size_t i = 0; i < 3; i++)
			fired += all[i].fired;
		assert_int_equal(fired, 3 * round);
	}
	timers_fini(&timers);
}

/* One that stops another which is due at the same moment: that one does not fire any more. */
static void on_stop_others(struct timer *t, void *arg)
{
	container_of(t, struct model, timer)->fired++;
	for (size_t i = 0; i < TIMERS; i++)
		timer_stop(arg, &all[i].timer);
}

static void test_timers_that_stop_each_other(void **state)
{
	unsigned fired = 0;

	begin();
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(timer_set(&timers, &all[i].timer, now_ms, on_stop_others), 0);
	timers_run(&timers, now_ms, &timers);
	for (size_t i = 0; i < TIMERS; i++)
		fired += all[i].fired;
	assert_int_equal(fired, 1);
	assert_int_equal(timers_next_ms(&timers), UINT64_MAX);
	timers_fini(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_timers_like_a_list),
	    cmocka_unit_test(test_timers_that_set_themselves_anew),
	    cmocka_unit_test(test_timers_that_stop_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
