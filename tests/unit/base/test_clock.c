#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void test_clock_fake_moves_when_told(void **state)
{
	struct clock_fake f;
	const struct clock *c = &f.clock;

	(void)state;
	clock_fake_init(&f, 41);
	assert_int_equal(clock_now_ms(c), 41);
	assert_int_equal(clock_now_ms(c), 41);
	f.ms += 1000;
	assert_int_equal(clock_now_ms(c), 1041);
}

/* Between two readings of the kernel's clock. */
static void test_clock_boottime_is_the_kernels(void **state)
{
	struct timespec a, b;
	uint64_t now;

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &a);
	now = clock_now_ms(&clock_boottime);
	clock_gettime(CLOCK_BOOTTIME, &b);
	assert_true(now >= (uint64_t)a.tv_sec * 1000 + (uint64_t)a.tv_nsec / 1000000);
	assert_true(now <= (uint64_t)b.tv_sec * 1000 + (uint64_t)b.tv_nsec / 1000000);
	/* After 2020 and before 2200: milliseconds of the wall clock. */
	assert_in_range(clock_wall_ms(), 1577836800000u, 7258118400000u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clock_fake_moves_when_told),
	    cmocka_unit_test(test_clock_boottime_is_the_kernels),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
