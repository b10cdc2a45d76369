/*
 * Log lines that strangers cause: some, then one a period however many come, and all again when they stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "keyd/core/core.h"

static struct clock_fake clock_;
static struct rng_seeded rng;
static struct core *core;
static unsigned n_lines, n_summaries;
static unsigned long long n_told;

static void port_log(void *arg, int level, const char *event, const char *text)
{
	unsigned long long n;

	n_lines++;
	if (sscanf(text, "%llu lines that strangers caused", &n) != 1)
		return;
	n_summaries++;
	n_told += n;
}

static int begin(void **state)
{
	const struct core_def def = {.clock = &clock_.clock, .rng = &rng.rng, .ports = {.log = port_log}};

	clock_fake_init(&clock_, 5000);
	rng_seeded_init(&rng, 1);
	core = core_new(&def);
	n_lines = n_summaries = 0;
	n_told = 0;
	return 0;
}

static int end(void **state)
{
	core_free(core);
	return 0;
}

static void pass(uint64_t ms)
{
	for (uint64_t until = clock_.ms + ms; clock_.ms < until;) {
		clock_.ms++;
		core_step(core);
	}
}

static void note(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		core_note(core, CORE_WARNING, "test", "a stranger");
}

static void test_notes_few_are_all_written(void **state)
{
	for (int i = 0; i < 10; i++) {
		note(NOTES_A_PERIOD);
		pass(2 * NOTES_PERIOD_MS);
	}
	assert_int_equal(n_lines, 10 * NOTES_A_PERIOD);
	assert_int_equal(n_summaries, 0);
	assert_int_equal(core_next_ms(core), UINT64_MAX); /* and nothing is left to do */
}

/* Ten times a millisecond for a minute: some lines, then one for every ten seconds. Nothing goes uncounted.
 */
static void test_notes_under_a_flood(void **state)
{
	enum { A_MS = 10, PERIODS = 6 };

	for (int i = 0; i < PERIODS * NOTES_PERIOD_MS; i++) {
		note(A_MS);
		pass(1);
	}
	assert_int_equal(n_summaries, PERIODS);
	assert_int_equal(n_lines, NOTES_A_PERIOD + PERIODS);
	pass(3 * NOTES_PERIOD_MS);
	assert_int_equal(n_told + NOTES_A_PERIOD, (uint64_t)A_MS * PERIODS * NOTES_PERIOD_MS);
	/* It is over: lines are written again. */
	n_lines = 0;
	note(1);
	assert_int_equal(n_lines, 1);
}

/* What is no stranger's doing is never held back. */
static void test_notes_hold_nothing_else_back(void **state)
{
	note(1000);
	n_lines = 0;
	for (int i = 0; i < 100; i++)
		core_log(core, CORE_INFO, "test", "ours");
	assert_int_equal(n_lines, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_notes_few_are_all_written, begin, end),
	    cmocka_unit_test_setup_teardown(test_notes_under_a_flood, begin, end),
	    cmocka_unit_test_setup_teardown(test_notes_hold_nothing_else_back, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
