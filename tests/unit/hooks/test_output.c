/*
 * What a script prints, in whatever pieces it comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hooks/output.h"

static char heard[4096];
static unsigned n_heard;

static void say(void *arg, const char *line)
{
	assert_ptr_equal(arg, heard);
	strcat(heard, line);
	strcat(heard, "|");
	n_heard++;
}

static void begin(struct output *o, uint32_t lines)
{
	heard[0] = '\0';
	n_heard = 0;
	output_init(o, lines, say, heard);
}

static void test_output_lines_in_any_pieces(void **state)
{
	static const char text[] = "one\n\ntwo \tx\x1b[2J\n\xff\nthe last without its end";
	struct output o;

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		begin(&o, 10);
		for (size_t i = 0; i < strlen(text); i += piece)
			output_take(&o, text + i, strlen(text) - i < piece ? strlen(text) - i : piece);
		output_end(&o);
		assert_string_equal(heard, "one|two  x [2J| |the last without its end|");
		assert_string_equal(o.last, "the last without its end");
		assert_int_equal(o.left_out, 0);
	}
}

static void test_output_long_lines_are_cut(void **state)
{
	char text[3 * HOOK_LINE_MAX];
	struct output o;

	(void)state;
	begin(&o, 10);
	memset(text, 'x', sizeof(text));
	output_take(&o, text, sizeof(text));
	output_take(&o, "\nnext\n", 6);
	output_end(&o);
	assert_int_equal(n_heard, 2);
	assert_int_equal(strlen(heard), HOOK_LINE_MAX + strlen("|next|"));
	assert_string_equal(o.last, "next");
}

static void test_output_many_lines_are_counted(void **state)
{
	struct output o;

	(void)state;
	begin(&o, 3);
	for (int i = 0; i < 10; i++)
		output_take(&o, "a\n", 2);
	output_take(&o, "why it failed", 13);
	output_end(&o);
	assert_int_equal(n_heard, 3);
	assert_int_equal(o.left_out, 8);
	assert_string_equal(o.last, "why it failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_output_lines_in_any_pieces),
	    cmocka_unit_test(test_output_long_lines_are_cut),
	    cmocka_unit_test(test_output_many_lines_are_counted),
	};

	return cmocka_run_group_tests_name("hooks/output", tests, NULL, NULL);
}
