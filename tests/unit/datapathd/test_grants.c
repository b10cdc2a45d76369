/*
 * The table of grants against an array that is walked.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "datapathd/grants.h"

enum { IDS = 300, OPERATIONS = 60000 };

static struct grants g;

/* The model: a grant's out_id and end by its number; 0: not there. */
static struct {
	uint32_t out_id;
	uint64_t expires_ms;
} model[IDS];

static int setup(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	return grants_init(&g);
}

static int teardown(void **state)
{
	(void)state;
	grants_fini(&g);
	return 0;
}

static int put(uint64_t id, uint32_t out_id, uint64_t expires_ms, uint64_t now_ms)
{
	const struct grant x = {.id = id,
	    .out_id = out_id,
	    .expires_ms = expires_ms,
	    .n_requests = 1,
	    .req[0] = {.proto = IPSEC_ESP, .mode = IPSEC_TUNNEL, .reqid_in = out_id + 1}};

	return grants_put(&g, &x, now_ms);
}

/* Neighbours, and numbers that differ in their upper half alone. */
static uint64_t id_of(unsigned i)
{
	return i % 2 ? i + 1 : (uint64_t)(i + 1) << 40;
}

static void compare(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < IDS; i++) {
		const struct grant *got = grants_find(&g, id_of(i));

		n += model[i].out_id != 0;
		assert_int_equal(got != NULL, model[i].out_id != 0);
		if (!got)
			continue;
		assert_int_equal(got->id, id_of(i));
		assert_int_equal(got->out_id, model[i].out_id);
		assert_int_equal(got->expires_ms, model[i].expires_ms);
		assert_int_equal(got->req[0].reqid_in, model[i].out_id + 1);
	}
	assert_int_equal(g.n, n);
}

static void age_model(uint64_t now)
{
	for (unsigned i = 0; i < IDS; i++)
		if (model[i].expires_ms <= now)
			model[i].out_id = 0;
}

static void test_grants_agree_with_an_array(void **state)
{
	struct rng_seeded rng;
	uint64_t now = 1000;

	(void)state;
	rng_seeded_init(&rng, 3);
	for (int op = 0; op < OPERATIONS; op++) {
		unsigned i = rng_below(&rng.rng, IDS), what = rng_below(&rng.rng, 1000);
		uint32_t out_id = 1 + rng_below(&rng.rng, 1000000);
		uint64_t end = now + 1 + rng_below(&rng.rng, 5000);

		now += rng_below(&rng.rng, 4);
		if (what == 0) {
			grants_clear(&g);
			memset(model, 0, sizeof(model));
		} else if (what < 20) {
			grants_age(&g, now);
			age_model(now);
		} else if (what < 300) {
			assert_int_equal(grants_remove(&g, id_of(i)), model[i].out_id != 0);
			model[i].out_id = 0;
		} else {
			assert_int_equal(put(id_of(i), out_id, end, now), 0);
			model[i].out_id = out_id;
			model[i].expires_ms = end;
		}
		if (op % 37 == 0)
			compare();
	}
	compare();
}

/* What is in force is not forgotten for something newer; what has expired makes room. */
static void test_grants_are_bounded_and_the_expired_make_room(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= GRANTS_MAX; id++)
		assert_int_equal(put(id, 7, id == 55 ? 2000 : 9000, 1000), 0);
	assert_int_equal(put(GRANTS_MAX + 1, 7, 9000, 1999), -ENOSPC);
	assert_int_equal(g.n, GRANTS_MAX);
	assert_int_equal(put(77, 8, 9000, 1999), 0); /* told again */
	assert_int_equal(grants_find(&g, 77)->out_id, 8);
	assert_int_equal(put(GRANTS_MAX + 1, 7, 9000, 2000), 0);
	assert_null(grants_find(&g, 55));
	assert_int_equal(g.n, GRANTS_MAX);
	assert_int_equal(put(GRANTS_MAX + 2, 7, 9000, 2000), -ENOSPC);
	grants_clear(&g);
	assert_int_equal(g.n, 0);
	assert_null(grants_find(&g, 77));
}

/* All of a full table expires at once, the neighbours in the newcomer's chain among them. */
static void test_grants_newcomer_takes_the_place_of_all(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 20; round++) {
		uint64_t newcomer = GRANTS_MAX + 1 + round;

		for (uint64_t id = 1; id <= GRANTS_MAX; id++)
			assert_int_equal(put(id * 7919, 7, 2000, 1000), 0);
		assert_int_equal(put(newcomer, 9, 9000, 2000), 0);
		assert_int_equal(g.n, 1);
		assert_int_equal(grants_find(&g, newcomer)->out_id, 9);
		grants_clear(&g);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_grants_agree_with_an_array),
	    T(test_grants_are_bounded_and_the_expired_make_room),
	    T(test_grants_newcomer_takes_the_place_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
