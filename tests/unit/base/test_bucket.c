#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/auto.h"
#include "base/bucket.h"
#include "base/rng.h"

static void test_bucket_starts_full_and_empties(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 10, 3, 5000);
	assert_true(bucket_take(&b, 1, 5000));
	assert_true(bucket_take(&b, 2, 5000));
	assert_false(bucket_take(&b, 1, 5000));
	assert_int_equal(bucket_wait_ms(&b, 1, 5000), 100);
}

static void test_bucket_table(void **state)
{
	/* An emptied bucket of `rate` and `burst`: after `elapsed` ms it has exactly `tokens`. */
	static const struct {
		uint32_t rate, burst;
		uint64_t elapsed;
		uint32_t tokens;
	} cases[] = {
	    {10, 5, 0, 0},
	    {10, 5, 99, 0},
	    {10, 5, 100, 1},
	    {10, 5, 499, 4},
	    {10, 5, 500, 5},
	    {10, 5, 100000, 5},
	    {1, 1, 999, 0},
	    {1, 1, 1000, 1},
	    {0, 4, 3600000, 0},
	    {1000, 1000000, 1000, 1000},
	    {UINT32_MAX, UINT32_MAX, 1, 4294967},
	    {UINT32_MAX, UINT32_MAX, UINT64_MAX / 2, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bucket b;
		uint64_t now = 1000 + cases[i].elapsed;

		bucket_init(&b, cases[i].rate, cases[i].burst, 1000);
		assert_true(bucket_take(&b, cases[i].burst, 1000));
		if (cases[i].tokens)
			assert_int_equal(bucket_wait_ms(&b, cases[i].tokens, now), 0);
		if (cases[i].tokens < UINT32_MAX)
			assert_false(bucket_take(&b, cases[i].tokens + 1, now));
		assert_true(bucket_take(&b, cases[i].tokens, now));
	}
}

static void test_bucket_slow_rate_polled_often_still_refills(void **state)
{
	struct bucket b;
	unsigned n = 0;

	(void)state;
	bucket_init(&b, 1, 1, 0);
	assert_true(bucket_take(&b, 1, 0));
	for (uint64_t now = 1; now <= 10000; now++)
		n += bucket_take(&b, 1, now);
	assert_int_equal(n, 10);
}

static void test_bucket_time_that_goes_back_gives_nothing(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 10, 5, 10000);
	assert_true(bucket_take(&b, 5, 10000));
	assert_false(bucket_take(&b, 1, 5000));
	assert_false(bucket_take(&b, 1, 10000));
	assert_true(bucket_take(&b, 1, 10100));
}

static void test_bucket_wait_without_rate_or_above_burst(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 0, 2, 0);
	assert_int_equal(bucket_wait_ms(&b, 2, 0), 0);
	/* More than it can ever hold counts as all it can hold. */
	assert_int_equal(bucket_wait_ms(&b, 1000, 0), 0);
	assert_true(bucket_take(&b, 2, 0));
	assert_true(bucket_wait_ms(&b, 1, 0) == UINT64_MAX);
}

/* Whatever is asked, when: never more than burst + rate * time, and a wait that is told is enough but not too
 * much. */
static void test_bucket_random_never_gives_too_much(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	rng_seeded_init(&seeded, 7);
	for (int round = 0; round < 200; round++) {
		uint32_t rate = 1 + rng_below(&seeded.rng, 2000), burst = 1 + rng_below(&seeded.rng, 500);
		uint64_t now = 1000, given = 0;
		struct bucket b;

		bucket_init(&b, rate, burst, now);
		for (int i = 0; i < 500; i++) {
			uint32_t cost = 1 + rng_below(&seeded.rng, burst);
			uint64_t wait = bucket_wait_ms(&b, cost, now);

			if (wait) {
				assert_false(bucket_take(&b, cost, now + wait - 1));
				assert_int_equal(bucket_wait_ms(&b, cost, now + wait), 0);
				now += wait;
			}
			assert_true(bucket_take(&b, cost, now));
			given += cost;
			assert_true(given * 1000 <= (uint64_t)burst * 1000 + (now - 1000) * rate);
			now += rng_below(&seeded.rng, 20);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bucket_starts_full_and_empties),
	    cmocka_unit_test(test_bucket_table),
	    cmocka_unit_test(test_bucket_slow_rate_polled_often_still_refills),
	    cmocka_unit_test(test_bucket_time_that_goes_back_gives_nothing),
	    cmocka_unit_test(test_bucket_wait_without_rate_or_above_burst),
	    cmocka_unit_test(test_bucket_random_never_gives_too_much),
	};

	return cmocka_run_group_tests_name("base/bucket", tests, NULL, NULL);
}
