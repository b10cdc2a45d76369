/*
 * The table against a second telling of it, cell by cell, and then against properties that no cell may break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "base/auto.h"
#include "supervisor/state.h"

/* state, event, action, next: every cell that does something. */
static const struct {
	enum unit_state s;
	enum unit_event e;
	struct unit_step want;
} moves[] = {
    /*  1 */ {UNIT_DOWN, UNIT_EV_START, {UNIT_DO_SPAWN, UNIT_STARTING}},
    /*  2 */ {UNIT_DOWN, UNIT_EV_STOP, {UNIT_DO_GONE, UNIT_DOWN}},
    /*  3 */ {UNIT_STARTING, UNIT_EV_READY, {UNIT_DO_READY, UNIT_RUNNING}},
    /*  4 */ {UNIT_STARTING, UNIT_EV_TIMER, {UNIT_DO_ABORT, UNIT_ABORTING}},
    /*  5 */ {UNIT_STARTING, UNIT_EV_EXIT, {UNIT_DO_REST, UNIT_RESTING}},
    /*  6 */ {UNIT_STARTING, UNIT_EV_STOP, {UNIT_DO_TERM, UNIT_STOPPING}},
    /*  7 */ {UNIT_RUNNING, UNIT_EV_PING, {UNIT_DO_PET, UNIT_RUNNING}},
    /*  8 */ {UNIT_RUNNING, UNIT_EV_TIMER, {UNIT_DO_ABORT, UNIT_ABORTING}},
    /*  9 */ {UNIT_RUNNING, UNIT_EV_EXIT, {UNIT_DO_REST, UNIT_RESTING}},
    /* 10 */ {UNIT_RUNNING, UNIT_EV_STOP, {UNIT_DO_TERM, UNIT_STOPPING}},
    /* 11 */ {UNIT_RESTING, UNIT_EV_TIMER, {UNIT_DO_SPAWN, UNIT_STARTING}},
    /* 12 */ {UNIT_RESTING, UNIT_EV_STOP, {UNIT_DO_GONE, UNIT_DOWN}},
    /* 13 */ {UNIT_ABORTING, UNIT_EV_TIMER, {UNIT_DO_KILL, UNIT_KILLING}},
    /* 14 */ {UNIT_ABORTING, UNIT_EV_EXIT, {UNIT_DO_REST, UNIT_RESTING}},
    /* 15 */ {UNIT_ABORTING, UNIT_EV_STOP, {UNIT_DO_KILL, UNIT_FINISHING}},
    /* 16 */ {UNIT_KILLING, UNIT_EV_TIMER, {UNIT_DO_KILL, UNIT_KILLING}},
    /* 17 */ {UNIT_KILLING, UNIT_EV_EXIT, {UNIT_DO_REST, UNIT_RESTING}},
    /* 18 */ {UNIT_KILLING, UNIT_EV_STOP, {UNIT_DO_KILL, UNIT_FINISHING}},
    /* 19 */ {UNIT_STOPPING, UNIT_EV_TIMER, {UNIT_DO_KILL, UNIT_FINISHING}},
    /* 20 */ {UNIT_STOPPING, UNIT_EV_EXIT, {UNIT_DO_GONE, UNIT_DOWN}},
    /* 21 */ {UNIT_FINISHING, UNIT_EV_TIMER, {UNIT_DO_KILL, UNIT_FINISHING}},
    /* 22 */ {UNIT_FINISHING, UNIT_EV_EXIT, {UNIT_DO_GONE, UNIT_DOWN}},
};

static struct unit_step expected(enum unit_state s, enum unit_event e)
{
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		if (moves[i].s == s && moves[i].e == e)
			return moves[i].want;
	}
	return (struct unit_step){UNIT_DO_NOTHING, s};
}

static void test_state_every_cell_is_as_told(void **state)
{
	(void)state;
	for (int s = 0; s < UNIT_STATES; s++) {
		for (int e = 0; e < UNIT_EVENTS; e++) {
			struct unit_step got = unit_step((enum unit_state)s, (enum unit_event)e);
			struct unit_step want = expected((enum unit_state)s, (enum unit_event)e);

			if (got.action != want.action || got.next != want.next)
				fail_msg("cell %s, event %d", unit_state_name((enum unit_state)s), e);
		}
	}
}

static bool has_process(enum unit_state s)
{
	return s != UNIT_DOWN && s != UNIT_RESTING;
}

static void test_state_processes_come_by_spawn_and_go_by_exit(void **state)
{
	(void)state;
	for (int s = 0; s < UNIT_STATES; s++) {
		for (int e = 0; e < UNIT_EVENTS; e++) {
			struct unit_step t = unit_step((enum unit_state)s, (enum unit_event)e);
			bool before = has_process((enum unit_state)s), after = has_process(t.next);

			if (!before && after)
				assert_int_equal(t.action, UNIT_DO_SPAWN);
			if (before && !after)
				assert_int_equal(e, UNIT_EV_EXIT);
			if (before)
				assert_int_not_equal(t.action, UNIT_DO_SPAWN);
			if (t.action == UNIT_DO_TERM || t.action == UNIT_DO_ABORT || t.action == UNIT_DO_KILL)
				assert_true(before);
		}
	}
}

/* Whatever happened before, STOP followed by the state's timers and an exit leads to DOWN, and nothing starts
 * again. */
static void test_state_stop_leads_down_from_everywhere(void **state)
{
	(void)state;
	for (int s = 0; s < UNIT_STATES; s++) {
		enum unit_state at = unit_step((enum unit_state)s, UNIT_EV_STOP).next;

		for (int i = 0; i < 3; i++) {
			at = unit_step(at, UNIT_EV_TIMER).next;
			at = unit_step(at, UNIT_EV_READY).next;
			at = unit_step(at, UNIT_EV_PING).next;
		}
		at = unit_step(at, UNIT_EV_EXIT).next;
		assert_int_equal(at, UNIT_DOWN);
	}
}

static void test_state_names_are_distinct(void **state)
{
	(void)state;
	for (int a = 0; a < UNIT_STATES; a++) {
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
			    unit_state_name((enum unit_state)a), unit_state_name((enum unit_state)b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_state_every_cell_is_as_told),
	    cmocka_unit_test(test_state_processes_come_by_spawn_and_go_by_exit),
	    cmocka_unit_test(test_state_stop_leads_down_from_everywhere),
	    cmocka_unit_test(test_state_names_are_distinct),
	};

	return cmocka_run_group_tests_name("supervisor/state", tests, NULL, NULL);
}
