#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/ip/ecn.h"

enum { DROPPED = -1, N = ECN_NOT_ECT, E0 = ECN_ECT0, E1 = ECN_ECT1, C = ECN_CE };

/* RFC 6040 figure 4, row by row: inner, outer, result. */
static const struct {
	int n, inner, outer, want;
} figure4[] = {
    {1, N, N, N},
    {2, N, E0, N},
    {3, N, E1, N},
    {4, N, C, DROPPED},
    {5, E0, N, E0},
    {6, E0, E0, E0},
    {7, E0, E1, E1},
    {8, E0, C, C},
    {9, E1, N, E1},
    {10, E1, E0, E1},
    {11, E1, E1, E1},
    {12, E1, C, C},
    {13, C, N, C},
    {14, C, E0, C},
    {15, C, E1, C},
    {16, C, C, C},
};

static void test_ecn_decapsulate_figure_4_row_by_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(figure4); i++) {
		/* Different DSCPs: the inner one must survive. */
		uint8_t outer = (uint8_t)(0xb8 | figure4[i].outer),
		        inner = (uint8_t)(0x28 | figure4[i].inner), tos = 0x77;
		int r = ecn_decapsulate(outer, inner, ECN_NORMAL, &tos);

		if (figure4[i].want == DROPPED) {
			assert_int_equal(r, ECN_DROP);
			assert_int_equal(tos, 0x77);
		} else if (r != ECN_OK || tos != (0x28 | figure4[i].want)) {
			fail_msg("row %d: %d, %x", figure4[i].n, r, tos);
		}
	}
}

static void test_ecn_encapsulate_copies_or_clears(void **state)
{
	(void)state;
	for (unsigned tos = 0; tos < 256; tos++) {
		assert_int_equal(ecn_encapsulate((uint8_t)tos, ECN_NORMAL), tos);
		assert_int_equal(ecn_encapsulate((uint8_t)tos, ECN_FORBIDDEN), tos & 0xfc);
	}
}

static void test_tos_encapsulate_both_modes_are_independent(void **state)
{
	(void)state;
	for (unsigned tos = 0; tos < 256; tos++) {
		assert_int_equal(tos_encapsulate((uint8_t)tos, ECN_NORMAL, DSCP_COPY), tos);
		assert_int_equal(tos_encapsulate((uint8_t)tos, ECN_NORMAL, DSCP_ZERO), tos & 3);
		assert_int_equal(tos_encapsulate((uint8_t)tos, ECN_FORBIDDEN, DSCP_COPY), tos & 0xfc);
		assert_int_equal(tos_encapsulate((uint8_t)tos, ECN_FORBIDDEN, DSCP_ZERO), 0);
	}
}

/* RFC 4301 section 5.1.2.1: whatever class the outer header was given, the inner one stays. */
static void test_ecn_decapsulate_keeps_the_inner_dscp(void **state)
{
	(void)state;
	for (unsigned inner = 0; inner < 256; inner++)
		for (unsigned outer = 0; outer < 256; outer++) {
			uint8_t tos = 0;

			if (ecn_decapsulate((uint8_t)outer, (uint8_t)inner, ECN_NORMAL, &tos) == ECN_OK)
				assert_int_equal(tos & 0xfc, inner & 0xfc);
		}
}

static void test_ecn_forbidden_leaves_the_inner_class_alone(void **state)
{
	uint8_t tos = 0;

	(void)state;
	assert_int_equal(ecn_decapsulate(C, 0x28 | N, ECN_FORBIDDEN, &tos), ECN_OK);
	assert_int_equal(tos, 0x28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ecn_decapsulate_figure_4_row_by_row),
	    cmocka_unit_test(test_ecn_encapsulate_copies_or_clears),
	    cmocka_unit_test(test_tos_encapsulate_both_modes_are_independent),
	    cmocka_unit_test(test_ecn_decapsulate_keeps_the_inner_dscp),
	    cmocka_unit_test(test_ecn_forbidden_leaves_the_inner_class_alone),
	};

	return cmocka_run_group_tests_name("wire/ecn", tests, NULL, NULL);
}
