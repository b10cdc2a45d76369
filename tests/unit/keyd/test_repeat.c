/*
 * Who asks again: a first message that was turned away is known when it comes a second time, and what a flood
 * invents is not taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/core/repeat.h"

static struct rng_seeded rng;
static struct repeat repeat;

static int begin(void **state)
{
	rng_seeded_init(&rng, 1);
	repeat = (struct repeat){0};
	return 0;
}

static int end(void **state)
{
	repeat_fini(&repeat);
	assert_null(repeat.mark);
	return 0;
}

static bool ask(const void *cookie, const char *from)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(from, &a), 0);
	return repeat_is(&repeat, &rng.rng, cookie, &a);
}

static void test_repeat_knows_its_own(void **state)
{
	assert_false(ask("12345678", "10.0.0.1"));
	assert_true(ask("12345678", "10.0.0.1"));
	assert_true(ask("12345678", "10.0.0.1"));
	/* Neither of the two parts alone. */
	assert_false(ask("12345678", "10.0.0.2"));
	assert_false(ask("12345679", "10.0.0.1"));
	assert_false(ask("12345678", "2001:db8::1"));
	assert_false(ask("12345678", "2001:db8:0:1::1"));
	assert_true(ask("12345678", "2001:db8::1"));
}

/* Of a hundred thousand messages with a cookie each hardly one passes for a repetition, and a peer among them
 * that comes again soon enough is nearly always known. */
static void test_repeat_in_a_flood(void **state)
{
	enum { FLOOD = 100000, EVERY = 1000, LATER = 10000 };
	unsigned wrong = 0, known = 0, peers = 0;
	struct rng_seeded cookies;
	uint64_t peer[FLOOD / EVERY];

	rng_seeded_init(&cookies, 2);
	for (unsigned i = 0; i < FLOOD; i++) {
		uint64_t cookie;

		cookies.rng.fill(&cookies.rng, &cookie, sizeof(cookie));
		wrong += ask(&cookie, "10.0.0.1");
		if (i % EVERY)
			continue;
		peer[i / EVERY] = cookie;
		if (i >= LATER) {
			peers++;
			known += ask(&peer[(i - LATER) / EVERY], "10.0.0.1");
		}
	}
	assert_true(wrong <= 3);
	assert_true(known * 100 >= peers * 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_repeat_knows_its_own, begin, end),
	    cmocka_unit_test_setup_teardown(test_repeat_in_a_flood, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
