/*
 * The states of an ISAKMP SA: every cell of the table, written down a second time as the ways through the two
 * modes, and every way reaches its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdbool.h>

#include "base/auto.h"
#include "keyd/ike1/states.h"

/* Each line is one step of one side in one mode. Those that come twice are of several modes. */
static const struct {
	enum isakmp_state from, to;
} steps[] = {
    /* Main mode, who begins. */
    {ISAKMP_NONE, ISAKMP_I_NEW},
    {ISAKMP_I_NEW, ISAKMP_I_SA},
    {ISAKMP_I_SA, ISAKMP_I_KE},
    {ISAKMP_I_KE, ISAKMP_I_SKEYID},
    {ISAKMP_I_SKEYID, ISAKMP_I_PROVE},
    {ISAKMP_I_PROVE, ISAKMP_I_AUTH},
    {ISAKMP_I_AUTH, ISAKMP_I_CHECK},
    {ISAKMP_I_CHECK, ISAKMP_I_AUTH}, /* no proof: whoever it was, the peer may still come */
    {ISAKMP_I_CHECK, ISAKMP_UP},
    /* Main mode, who answers. */
    {ISAKMP_NONE, ISAKMP_R_NEW},
    {ISAKMP_R_NEW, ISAKMP_R_SA},
    {ISAKMP_R_SA, ISAKMP_R_SKEYID},
    {ISAKMP_R_SKEYID, ISAKMP_R_KE},
    {ISAKMP_R_KE, ISAKMP_R_CHECK},
    {ISAKMP_R_CHECK, ISAKMP_R_KE},
    {ISAKMP_R_CHECK, ISAKMP_R_PROVE},
    {ISAKMP_R_PROVE, ISAKMP_UP},
    /* Aggressive mode, who begins: the peer's proof comes before ours. */
    {ISAKMP_I_NEW, ISAKMP_I_OFFERED},
    {ISAKMP_I_OFFERED, ISAKMP_I_SKEYID},
    {ISAKMP_I_SKEYID, ISAKMP_I_CHECK},
    {ISAKMP_I_CHECK, ISAKMP_I_OFFERED},
    {ISAKMP_I_CHECK, ISAKMP_I_PROVE},
    {ISAKMP_I_PROVE, ISAKMP_UP},
    /* Aggressive mode, who answers. */
    {ISAKMP_R_NEW, ISAKMP_R_SKEYID},
    {ISAKMP_R_SKEYID, ISAKMP_R_PROVE},
    {ISAKMP_R_PROVE, ISAKMP_R_ANSWERED},
    {ISAKMP_R_ANSWERED, ISAKMP_R_CHECK},
    {ISAKMP_R_CHECK, ISAKMP_R_ANSWERED},
    {ISAKMP_R_CHECK, ISAKMP_UP},
    /* Base mode, who begins: our proof comes before there are keys. */
    {ISAKMP_I_NEW, ISAKMP_I_HELLO},
    {ISAKMP_I_HELLO, ISAKMP_I_SKEYID},
    {ISAKMP_I_SKEYID, ISAKMP_I_PROVE},
    {ISAKMP_I_PROVE, ISAKMP_I_SHOWN},
    {ISAKMP_I_SHOWN, ISAKMP_I_SKEYID},
    {ISAKMP_I_SKEYID, ISAKMP_I_CHECK},
    {ISAKMP_I_CHECK, ISAKMP_UP},
    /* Base mode, who answers. */
    {ISAKMP_R_NEW, ISAKMP_R_HELLO},
    {ISAKMP_R_HELLO, ISAKMP_R_SKEYID},
    {ISAKMP_R_SKEYID, ISAKMP_R_CHECK},
    {ISAKMP_R_CHECK, ISAKMP_R_PROVE},
    {ISAKMP_R_PROVE, ISAKMP_UP},
    /* Remote access, behind each end of phase 1. */
    {ISAKMP_I_CHECK, ISAKMP_XAUTH},
    {ISAKMP_I_PROVE, ISAKMP_XAUTH},
    {ISAKMP_R_CHECK, ISAKMP_XAUTH},
    {ISAKMP_R_PROVE, ISAKMP_XAUTH},
    {ISAKMP_I_CHECK, ISAKMP_CONFIG},
    {ISAKMP_I_PROVE, ISAKMP_CONFIG},
    {ISAKMP_R_CHECK, ISAKMP_CONFIG},
    {ISAKMP_R_PROVE, ISAKMP_CONFIG},
    {ISAKMP_XAUTH, ISAKMP_CONFIG},
    {ISAKMP_XAUTH, ISAKMP_UP},
    {ISAKMP_CONFIG, ISAKMP_UP},
};

static bool is_step(enum isakmp_state from, enum isakmp_state to)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].from == from && steps[i].to == to)
			return true;
	return false;
}

/* Everything that lives may end, and what has ended stays so. */
static void test_states_every_cell(void **state)
{
	for (enum isakmp_state from = ISAKMP_NONE; from < ISAKMP_STATES; from++)
		for (enum isakmp_state to = ISAKMP_NONE; to < ISAKMP_STATES; to++) {
			bool want = from != ISAKMP_GONE && (to == ISAKMP_GONE || is_step(from, to));

			if (isakmp_may_follow(from, to) != want)
				fail_msg("'%s' to '%s'", isakmp_state_name(from), isakmp_state_name(to));
		}
}

static void test_states_out_of_range(void **state)
{
	for (unsigned i = 0; i < ISAKMP_STATES; i++) {
		assert_false(isakmp_may_follow((enum isakmp_state)i, ISAKMP_STATES));
		assert_false(isakmp_may_follow(ISAKMP_STATES, (enum isakmp_state)i));
	}
	assert_false(isakmp_may_follow((enum isakmp_state)1000, (enum isakmp_state)1000));
	assert_string_equal(isakmp_state_name(ISAKMP_STATES), "?");
}

/* No state but the first is without a way in, none but the last two without a way on. */
static void test_states_have_no_dead_end(void **state)
{
	for (enum isakmp_state s = ISAKMP_I_NEW; s < ISAKMP_STATES; s++) {
		unsigned in = 0, on = 0;

		for (enum isakmp_state other = ISAKMP_NONE; other < ISAKMP_STATES; other++) {
			in += isakmp_may_follow(other, s);
			on += other != ISAKMP_GONE && isakmp_may_follow(s, other);
		}
		assert_true(in > 0);
		assert_int_equal(on > 0, s != ISAKMP_UP && s != ISAKMP_GONE);
		assert_true(isakmp_state_name(s) && isakmp_state_name(s)[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_states_every_cell),
	    cmocka_unit_test(test_states_out_of_range),
	    cmocka_unit_test(test_states_have_no_dead_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
