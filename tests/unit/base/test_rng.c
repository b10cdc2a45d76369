#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/rng.h"

static void test_rng_seeded_repeats_itself(void **state)
{
	struct rng_seeded a, b, other;
	uint8_t x[1000], y[1000], z[1000];

	(void)state;
	rng_seeded_init(&a, 5);
	rng_seeded_init(&b, 5);
	rng_seeded_init(&other, 6);
	a.rng.fill(&a.rng, x, sizeof(x));
	b.rng.fill(&b.rng, y, sizeof(y));
	other.rng.fill(&other.rng, z, sizeof(z));
	assert_memory_equal(x, y, sizeof(x));
	assert_memory_not_equal(x, z, sizeof(x));
}

/* SplitMix64 from seed 0, first output of the published generator. */
static void test_rng_seeded_is_splitmix64(void **state)
{
	static const uint64_t want = 0xe220a8397b1dcdafu;
	struct rng_seeded a;
	uint64_t v;

	(void)state;
	rng_seeded_init(&a, 0);
	a.rng.fill(&a.rng, &v, sizeof(v));
	assert_true(v == want);
}

static void test_rng_fill_writes_exactly_n(void **state)
{
	struct rng_seeded a;
	struct rng *const both[] = {&a.rng, &rng_kernel};

	(void)state;
	rng_seeded_init(&a, 1);
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < 40; n++) {
			uint8_t b[48];

			memset(b, 0xa5, sizeof(b));
			both[i]->fill(both[i], b, n);
			for (size_t k = n; k < sizeof(b); k++)
				assert_int_equal(b[k], 0xa5);
		}
}

/* Every value comes, about equally often: 6 standard deviations. */
static void test_rng_below_is_uniform(void **state)
{
	static const uint32_t bounds[] = {1, 2, 3, 7, 10, 100};
	struct rng_seeded a;

	(void)state;
	rng_seeded_init(&a, 9);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		uint32_t n = bounds[i], count[100] = {0}, rounds = 10000 * n;

		for (uint32_t k = 0; k < rounds; k++) {
			uint32_t v = rng_below(&a.rng, n);

			assert_true(v < n);
			count[v]++;
		}
		for (uint32_t v = 0; v < n; v++)
			assert_in_range(count[v], 10000 - 600, 10000 + 600);
	}
	/* The largest bound there is still ends. */
	for (int k = 0; k < 1000; k++)
		assert_true(rng_below(&a.rng, UINT32_MAX) < UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rng_seeded_repeats_itself),
	    cmocka_unit_test(test_rng_seeded_is_splitmix64),
	    cmocka_unit_test(test_rng_fill_writes_exactly_n),
	    cmocka_unit_test(test_rng_below_is_uniform),
	};

	return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
