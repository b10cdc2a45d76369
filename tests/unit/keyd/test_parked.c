/*
 * Waiting for answers: each number is answered once, to the one who waits under it, and to nobody who has
 * gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "keyd/core/parked.h"

enum { WAITERS = 600, STEPS = 20000 };

struct waiter {
	struct parked parked;
	uint64_t token; /* 0: does not wait */
	unsigned answers;
	struct waiter *leaves; /* taken out when this one is answered */
};

static struct rng_seeded dice;
static struct parking lot;
static struct waiter all[WAITERS];
static struct core_reply reply;

static void on_answer(struct parked *p, struct core_reply *r)
{
	struct waiter *w = container_of(p, struct waiter, parked);

	assert_ptr_equal(r, &reply);
	assert_false(parked_is(p)); /* it may enter again at once */
	w->answers++;
	if (w->leaves)
		parking_leave(&lot, &w->leaves->parked);
}

static void begin(void)
{
	memset(all, 0, sizeof(all));
	parking_init(&lot);
	rng_seeded_init(&dice, 1);
}

static void answer(uint64_t token)
{
	struct waiter *who = NULL;
	unsigned before = 0;

	for (size_t i = 0; i < WAITERS; i++)
		if (all[i].token == token)
			who = &all[i];
	before = who ? who->answers : 0;
	assert_int_equal(parking_answer(&lot, token, &reply), who != NULL);
	if (who) {
		assert_int_equal(who->answers, before + 1);
		who->token = 0;
	}
}

static void test_parked_like_a_list(void **state)
{
	uint64_t last = 0;

	begin();
	for (int step = 0; step < STEPS; step++) {
		struct waiter *w = &all[rng_below(&dice.rng, WAITERS)];
		uint32_t n = 0;

		switch (rng_below(&dice.rng, 4)) {
		case 0:
			parking_leave(&lot, &w->parked);
			w->token = 0;
			break;
		case 1:
			/* Old numbers, numbers never given, and those in use. */
			if (last)
				answer(1 + rng_below(&dice.rng, (uint32_t)last + 10));
			break;
		default:
			if (w->token)
				break;
			w->token = parking_enter(&lot, &w->parked, on_answer);
			assert_true(w->token > last);
			last = w->token;
			break;
		}
		for (size_t i = 0; i < WAITERS; i++) {
			assert_int_equal(all[i].token, all[i].parked.token);
			n += all[i].token != 0;
		}
		assert_int_equal(lot.n, n);
	}
}

static void test_parked_zero_is_nobody(void **state)
{
	begin();
	parking_leave(&lot, &all[0].parked);
	assert_false(parking_answer(&lot, 0, &reply));
	assert_int_equal(lot.n, 0);
}

static void test_parked_one_takes_out_another(void **state)
{
	uint64_t token, other;

	begin();
	token = parking_enter(&lot, &all[0].parked, on_answer);
	/* Into the same bucket. */
	for (size_t i = 1; i < PARKED_BUCKETS; i++)
		(void)parking_enter(&lot, &all[i].parked, on_answer);
	other = parking_enter(&lot, &all[PARKED_BUCKETS].parked, on_answer);
	assert_int_equal(token % PARKED_BUCKETS, other % PARKED_BUCKETS);
	all[0].leaves = &all[PARKED_BUCKETS];
	assert_true(parking_answer(&lot, token, &reply));
	assert_false(parking_answer(&lot, other, &reply));
	assert_int_equal(lot.n, PARKED_BUCKETS - 1);
	assert_int_equal(all[PARKED_BUCKETS].answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parked_like_a_list),
	    cmocka_unit_test(test_parked_zero_is_nobody),
	    cmocka_unit_test(test_parked_one_takes_out_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
