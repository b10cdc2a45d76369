#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void test_err_set_gives_its_code_and_replaces_the_text(void **state)
{
	struct err_text e = {0};

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "line %d: %s", 3, "no"), -EINVAL);
	assert_string_equal(e.s, "line 3: no");
	assert_int_equal(err_set(&e, 0, "fine"), 0);
	assert_string_equal(e.s, "fine");
	assert_int_equal(err_set(NULL, -EIO, "nobody hears"), -EIO);
	assert_int_equal(err_prefix(NULL, -EIO, "nobody hears"), -EIO);
}

static void test_err_prefix_puts_where_in_front_of_what(void **state)
{
	struct err_text e = {0};

	(void)state;
	err_set(&e, -EINVAL, "no such name");
	assert_int_equal(err_prefix(&e, -ENOENT, "%s:%d", "ipsec.conf", 7), -ENOENT);
	err_prefix(&e, 0, "load");
	assert_string_equal(e.s, "load: ipsec.conf:7: no such name");
}

static void test_err_long_texts_are_cut(void **state)
{
	struct err_text e = {0};
	char text[2 * sizeof(e.s)];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -1, "%s", text);
	assert_int_equal(strlen(e.s), sizeof(e.s) - 1);
	err_prefix(&e, -1, "where");
	assert_int_equal(strlen(e.s), sizeof(e.s) - 1);
	assert_memory_equal(e.s, "where: xxx", 10);
	err_prefix(&e, -1, "%s", text);
	assert_int_equal(strlen(e.s), sizeof(e.s) - 1);
}

static void test_err_name_knows_both_signs_and_strangers(void **state)
{
	(void)state;
	assert_string_equal(err_name(-ENOENT), err_name(ENOENT));
	assert_string_equal(err_name(-EACCES), "Permission denied");
	assert_string_equal(err_name(-100000), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_err_set_gives_its_code_and_replaces_the_text),
	    cmocka_unit_test(test_err_prefix_puts_where_in_front_of_what),
	    cmocka_unit_test(test_err_long_texts_are_cut),
	    cmocka_unit_test(test_err_name_knows_both_signs_and_strangers),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
