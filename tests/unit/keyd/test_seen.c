/*
 * Message ids that were used: against a list, with ids that fall into one place, and up to the bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "keyd/core/seen.h"

enum { STEPS = 4000 };

static bool listed(const uint32_t *list, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

/* `step` apart: 1 << 20 makes ids whose hashes share their low bits in every table that there is. */
static void like_a_list(uint32_t step)
{
	static uint32_t list[STEPS];
	struct rng_seeded dice;
	struct seen s = {0};
	size_t n = 0;

	rng_seeded_init(&dice, step);
	assert_false(seen_has(&s, 1));
	for (int i = 0; i < STEPS; i++) {
		uint32_t id = (1 + rng_below(&dice.rng, 3000)) * step;
		bool there = listed(list, n, id);

		assert_int_equal(seen_has(&s, id), there);
		if (rng_below(&dice.rng, 2))
			continue;
		assert_int_equal(seen_add(&s, id), !there);
		assert_true(seen_has(&s, id));
		if (!there)
			list[n++] = id;
		assert_int_equal(s.n, n);
		assert_true(s.n < s.room); /* a search ends */
	}
	seen_fini(&s);
	assert_false(seen_has(&s, step));
}

static void test_seen_like_a_list(void **state)
{
	like_a_list(1);
	like_a_list(7919);
}

static void test_seen_like_a_list_when_ids_collide(void **state)
{
	like_a_list(1 << 20);
}

static void test_seen_bound(void **state)
{
	struct seen s = {0};

	for (uint32_t id = 1; id <= SEEN_MAX; id++)
		assert_true(seen_add(&s, id));
	/* Full: nothing new is heard, and what was heard is still known. */
	assert_false(seen_add(&s, SEEN_MAX + 1));
	assert_false(seen_has(&s, SEEN_MAX + 1));
	assert_false(seen_add(&s, UINT32_MAX));
	for (uint32_t id = 1; id <= SEEN_MAX; id++) {
		assert_true(seen_has(&s, id));
		assert_false(seen_add(&s, id));
	}
	assert_int_equal(s.n, SEEN_MAX);
	assert_true(s.room <= 4 * SEEN_MAX);
	seen_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seen_like_a_list),
	    cmocka_unit_test(test_seen_like_a_list_when_ids_collide),
	    cmocka_unit_test(test_seen_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
