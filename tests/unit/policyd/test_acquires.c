#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "policyd/acquires.h"

static void test_acquire_one_per_policy_until_it_expires(void **state)
{
	struct acquires q = {.n = 0};
	struct acquire a;
	int who = 0;

	(void)state;
	assert_int_equal(acquires_next_ms(&q), UINT64_MAX);
	assert_int_equal(acquires_file(&q, 7, 1, &who, 100, NULL), 0);
	assert_int_equal(acquires_file(&q, 7, 2, &who, 101, NULL), -EALREADY);
	assert_int_equal(acquires_file(&q, 8, 3, &who, 102, NULL), 0);
	assert_int_equal(acquires_next_ms(&q), 100 + ACQUIRE_LIFE_MS);
	assert_int_equal(acquires_take_expired(&q, 99 + ACQUIRE_LIFE_MS, &a), 0);
	assert_int_equal(acquires_take_expired(&q, 100 + ACQUIRE_LIFE_MS, &a), 1);
	assert_int_equal(a.policy_id, 7);
	assert_int_equal(a.seq, 1);
	assert_int_equal(acquires_take_expired(&q, 100 + ACQUIRE_LIFE_MS, &a), 0);
	assert_int_equal(acquires_file(&q, 7, 4, &who, 200 + ACQUIRE_LIFE_MS, NULL), 0);
	assert_int_equal(q.n_received, 4);
	assert_int_equal(q.n_refused, 1);
	assert_int_equal(q.n_expired, 1);
}

static void test_acquire_table_is_bounded(void **state)
{
	struct acquires q = {.n = 0};
	int who = 0;

	(void)state;
	for (uint32_t i = 0; i < ACQUIRES_MAX; i++)
		assert_int_equal(acquires_file(&q, i + 1, i, &who, 0, NULL), 0);
	assert_int_equal(acquires_file(&q, 9999, 1, &who, 0, NULL), -ENOSPC);
	assert_int_equal(q.n, ACQUIRES_MAX);
}

static void test_acquire_of_a_lost_connection_is_forgotten(void **state)
{
	struct acquires q = {.n = 0};
	struct acquire a;
	int one = 0, two = 0, n = 0;

	(void)state;
	for (uint32_t i = 1; i <= 6; i++)
		assert_int_equal(acquires_file(&q, i, i, i % 2 ? (void *)&one : (void *)&two, i, NULL), 0);
	while (acquires_take_of(&q, &one, &a))
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(q.n, 3);
	assert_int_equal(acquires_next_ms(&q), 2 + ACQUIRE_LIFE_MS);
	assert_int_equal(q.n_expired, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_acquire_one_per_policy_until_it_expires),
	    cmocka_unit_test(test_acquire_table_is_bounded),
	    cmocka_unit_test(test_acquire_of_a_lost_connection_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
