/*
 * A wrong word gets the suggestion a person would make, and none where a person would make none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/nearest.h"

static const char *const words[] = {
    "setkey", "sad", "spd", "stats", "status", "monitor", "enable", "disable", "log", NULL};

static void test_nearest_slips_find_what_was_meant(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
	    {"statsu", "status"},
	    {"stat", "stats"},
	    {"sats", "stats"},
	    {"monitr", "monitor"},
	    {"enabel", "enable"},
	    {"disabled", "disable"},
	    {"sda", "sad"},
	    {"lgo", "log"},
	    {"setkye", "setkey"},
	    {"moniotr", "monitor"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(nearest_word(cases[i].typed, words), cases[i].meant);
}

static void test_nearest_other_words_find_nothing(void **state)
{
	static const char *const cases[] = {"racoon", "x", "", "restart", "zzzzzz", "configuration",
	    "a-word-far-longer-than-any-word-that-the-table-of-distances-has-room-for"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_null(nearest_word(cases[i], words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nearest_slips_find_what_was_meant),
	    cmocka_unit_test(test_nearest_other_words_find_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
