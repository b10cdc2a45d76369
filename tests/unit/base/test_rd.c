#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rd.h"
#include "base/wr.h"

static void test_rd_reads_in_order_and_ends_done(void **state)
{
	const uint8_t b[] = {1, 2, 3, 4, 5, 6, 7, 0xaa, 0xbb};
	struct rd r = rd_init(b, sizeof(b));

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u32(&r), 0x04050607);
	assert_false(rd_done(&r));
	assert_ptr_equal(rd_bytes(&r, 2), b + 7);
	assert_true(rd_done(&r));
}

static void test_rd_past_end_is_sticky_and_zero(void **state)
{
	const uint8_t b[] = {1, 2, 3};
	struct rd r = rd_init(b, sizeof(b));
	uint8_t out[4] = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(rd_u32(&r), 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0);
	assert_null(rd_bytes(&r, 0));
	rd_copy(&r, out, sizeof(out));
	assert_int_equal(out[0] | out[1] | out[2] | out[3], 0);
	assert_false(rd_done(&r));
}

static void test_rd_sub_confines_the_child(void **state)
{
	const uint8_t b[] = {0, 1, 2, 3, 4};
	struct rd r = rd_init(b, sizeof(b)), sub = rd_sub(&r, 2);

	(void)state;
	assert_int_equal(rd_u16(&sub), 0x0001);
	assert_true(rd_done(&sub));
	rd_u8(&sub);
	assert_false(rd_ok(&sub));
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 3);
}

static void test_rd_sub_incl_shorter_than_header_fails_both(void **state)
{
	const uint8_t b[] = {0, 1, 2, 3, 4};
	struct rd r = rd_init(b, sizeof(b)), sub = rd_sub_incl(&r, 3, 4);

	(void)state;
	assert_false(rd_ok(&r));
	assert_false(rd_ok(&sub));
}

static void test_wr_never_passes_the_end(void **state)
{
	uint8_t b[5] = {0, 0, 0, 0, 0x77};
	struct wr w = wr_init(b, 4);

	(void)state;
	wr_u16(&w, 0x0102);
	wr_u32(&w, 0xffffffff);
	assert_false(wr_ok(&w));
	assert_int_equal(b[4], 0x77);
	assert_int_equal(b[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rd_reads_in_order_and_ends_done),
	    cmocka_unit_test(test_rd_past_end_is_sticky_and_zero),
	    cmocka_unit_test(test_rd_sub_confines_the_child),
	    cmocka_unit_test(test_rd_sub_incl_shorter_than_header_fails_both),
	    cmocka_unit_test(test_wr_never_passes_the_end),
	};

	return cmocka_run_group_tests_name("base/rd", tests, NULL, NULL);
}
