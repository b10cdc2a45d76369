#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "policyd/acquires.h"

static int file(struct acquires *q, uint32_t policy_id, uint64_t seq, void *who, uint64_t now_ms)
{
	const struct acquire_ask ask = {.policy_id = policy_id, .seq = seq, .who = who};

	return acquires_file(q, &ask, now_ms, NULL);
}

static void test_acquire_one_per_policy_until_it_expires(void **state)
{
	struct acquires q = {.n = 0};
	struct acquire a;
	int who = 0;

	(void)state;
	assert_int_equal(acquires_next_ms(&q), UINT64_MAX);
	assert_int_equal(file(&q, 7, 1, &who, 100), 0);
	assert_int_equal(file(&q, 7, 2, &who, 101), -EALREADY);
	assert_int_equal(file(&q, 8, 3, &who, 102), 0);
	assert_int_equal(acquires_next_ms(&q), 100 + ACQUIRE_LIFE_MS);
	assert_int_equal(acquires_take_expired(&q, 99 + ACQUIRE_LIFE_MS, &a), 0);
	assert_int_equal(acquires_take_expired(&q, 100 + ACQUIRE_LIFE_MS, &a), 1);
	assert_int_equal(a.ask.policy_id, 7);
	assert_int_equal(a.ask.seq, 1);
	assert_int_equal(acquires_take_expired(&q, 100 + ACQUIRE_LIFE_MS, &a), 0);
	assert_int_equal(file(&q, 7, 4, &who, 200 + ACQUIRE_LIFE_MS), 0);
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
		assert_int_equal(file(&q, i + 1, i, &who, 0), 0);
	assert_int_equal(file(&q, 9999, 1, &who, 0), -ENOSPC);
	assert_int_equal(q.n, ACQUIRES_MAX);
}

static void test_acquire_of_a_lost_connection_is_forgotten(void **state)
{
	struct acquires q = {.n = 0};
	struct acquire a;
	int one = 0, two = 0, n = 0;

	(void)state;
	for (uint32_t i = 1; i <= 6; i++)
		assert_int_equal(file(&q, i, i, i % 2 ? (void *)&one : (void *)&two, i), 0);
	while (acquires_take_of(&q, &one, &a))
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(q.n, 3);
	assert_int_equal(acquires_next_ms(&q), 2 + ACQUIRE_LIFE_MS);
	assert_int_equal(q.n_expired, 0);
}

/* What one subscriber hears from the queue as it is now. */
static unsigned hear(const struct acquires *q, uint64_t *told, uint32_t *ret_policies)
{
	const struct acquire *a;
	unsigned n = 0;

	while ((a = acquires_after(q, *told))) {
		*told = a->id;
		ret_policies[n++] = a->ask.policy_id;
	}
	return n;
}

static void test_acquire_is_told_once_to_each_subscriber(void **state)
{
	struct acquires q = {.last_id = 1000};
	uint64_t early = 0, late = 0;
	uint32_t ids[ACQUIRES_MAX];
	struct acquire a;
	int who = 0;

	(void)state;
	assert_int_equal(file(&q, 7, 1, &who, 100), 0);
	assert_int_equal(hear(&q, &early, ids), 1); /* under way when it subscribed */
	assert_int_equal(hear(&q, &early, ids), 0);
	assert_int_equal(file(&q, 7, 2, &who, 101), -EALREADY);
	assert_int_equal(hear(&q, &early, ids), 0);
	assert_int_equal(file(&q, 8, 3, &who, 102), 0);
	assert_int_equal(hear(&q, &late, ids), 2);
	assert_int_equal(ids[0], 7);
	assert_int_equal(ids[1], 8);
	assert_int_equal(hear(&q, &early, ids), 1);
	assert_int_equal(ids[0], 8);
	/* Over before somebody heard of it: not told any more. The policy may ask again, under a new number.
	 */
	assert_int_equal(file(&q, 9, 4, &who, 103), 0);
	assert_int_equal(acquires_take_expired(&q, 103 + ACQUIRE_LIFE_MS, &a), 1);
	assert_int_equal(acquires_take_expired(&q, 103 + ACQUIRE_LIFE_MS, &a), 1);
	assert_int_equal(acquires_take_expired(&q, 103 + ACQUIRE_LIFE_MS, &a), 1);
	assert_int_equal(hear(&q, &early, ids), 0);
	assert_int_equal(file(&q, 7, 5, &who, 104 + ACQUIRE_LIFE_MS), 0);
	assert_int_equal(hear(&q, &early, ids), 1);
	assert_int_equal(early, 1004);
}

static void test_acquire_ends_by_its_number(void **state)
{
	struct acquires q = {.last_id = 5};
	struct acquire a;
	int who = 0;

	(void)state;
	assert_int_equal(file(&q, 7, 41, &who, 100), 0);
	assert_int_equal(file(&q, 8, 42, &who, 101), 0);
	assert_int_equal(acquires_take_done(&q, 41, true, &a), 0); /* the sender's number is not ours */
	assert_int_equal(acquires_take_done(&q, 6, true, &a), 1);
	assert_int_equal(a.ask.seq, 41);
	assert_int_equal(acquires_take_done(&q, 6, true, &a), 0);
	assert_int_equal(file(&q, 7, 43, &who, 102), 0); /* a later packet may ask again */
	assert_int_equal(acquires_take_done(&q, 8, false, &a), 1);
	assert_ptr_equal(a.ask.who, &who);
	assert_int_equal(q.n_done, 1);
	assert_int_equal(q.n_failed, 1);
	assert_int_equal(q.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_acquire_one_per_policy_until_it_expires),
	    cmocka_unit_test(test_acquire_table_is_bounded),
	    cmocka_unit_test(test_acquire_of_a_lost_connection_is_forgotten),
	    cmocka_unit_test(test_acquire_is_told_once_to_each_subscriber),
	    cmocka_unit_test(test_acquire_ends_by_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
