/*
 * The delays are checked as ranges: jitter is the point of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/auto.h"
#include "supervisor/backoff.h"

static void assert_around(uint32_t delay, uint32_t middle)
{
	assert_in_range(delay, middle - middle / 4, middle + middle / 4 + 1);
}

static void test_backoff_failures_in_a_row_double_up_to_the_limit(void **state)
{
	static const uint32_t middle[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
	struct rng_seeded rng;
	struct backoff b = {0};

	(void)state;
	rng_seeded_init(&rng, 1);
	for (size_t i = 0; i < ARRAY_SIZE(middle); i++)
		assert_around(backoff_next_ms(&b, i % 2 ? BACKOFF_HEALTHY_MS - 1 : 0, &rng.rng), middle[i]);
}

static void test_backoff_healthy_life_starts_over(void **state)
{
	struct rng_seeded rng;
	struct backoff b = {.failures = 50};

	(void)state;
	rng_seeded_init(&rng, 2);
	assert_around(backoff_next_ms(&b, BACKOFF_HEALTHY_MS, &rng.rng), 100);
	assert_around(backoff_next_ms(&b, 0, &rng.rng), 200);
}

static void test_backoff_jitter_uses_its_whole_range(void **state)
{
	struct rng_seeded rng;
	uint32_t low = UINT32_MAX, high = 0;

	(void)state;
	rng_seeded_init(&rng, 3);
	for (int i = 0; i < 2000; i++) {
		struct backoff b = {0};
		uint32_t d = backoff_next_ms(&b, 0, &rng.rng);

		low = d < low ? d : low;
		high = d > high ? d : high;
	}
	assert_int_equal(low, 75);
	assert_int_equal(high, 125);
}

static void test_backoff_count_does_not_wrap(void **state)
{
	struct rng_seeded rng;
	struct backoff b = {.failures = UINT32_MAX};

	(void)state;
	rng_seeded_init(&rng, 4);
	assert_around(backoff_next_ms(&b, 0, &rng.rng), BACKOFF_MAX_MS);
	assert_true(b.failures == UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backoff_failures_in_a_row_double_up_to_the_limit),
	    cmocka_unit_test(test_backoff_healthy_life_starts_over),
	    cmocka_unit_test(test_backoff_jitter_uses_its_whole_range),
	    cmocka_unit_test(test_backoff_count_does_not_wrap),
	};

	return cmocka_run_group_tests_name("supervisor/backoff", tests, NULL, NULL);
}
