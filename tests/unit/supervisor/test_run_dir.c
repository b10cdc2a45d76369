/*
 * The folder's guard and its lock. Parts that need root's ownership are left out without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "supervisor/run_dir.h"

static void make_settings(struct settings *s)
{
	char dir[] = "/tmp/postern-run-XXXXXX";

	settings_init(s);
	assert_non_null(mkdtemp(dir));
	snprintf(s->run_dir, sizeof(s->run_dir), "%s", dir);
}

static void test_run_dir_write_replaces_whole_files(void **state)
{
	struct settings s;
	char text[32];

	(void)state;
	make_settings(&s);
	assert_int_equal(run_dir_write(&s, "ids", 0640, "a longer text", 13), 0);
	assert_int_equal(run_dir_write(&s, "ids", 0640, "short", 5), 0);
	run_dir_read(&s, "ids", text, sizeof(text));
	assert_string_equal(text, "short");
	run_dir_read(&s, "ids", text, 3);
	assert_string_equal(text, "sh");
	run_dir_read(&s, "nothing", text, sizeof(text));
	assert_string_equal(text, "");
	run_dir_remove(&s);
	assert_int_equal(access(s.run_dir, F_OK), -1);
}

static void test_run_dir_lock_keeps_a_second_one_out_until_closed(void **state)
{
	struct err_text e = {{0}};
	struct settings s;
	int a = -1, b = -1;

	(void)state;
	if (geteuid())
		skip();
	make_settings(&s);
	assert_int_equal(run_dir_open(&s, &a, &e), 0);
	assert_int_equal(run_dir_open(&s, &b, &e), -EBUSY);
	assert_int_equal(b, -1);
	assert_non_null(strstr(e.s, "another postern-supervisor"));
	run_dir_remove(&s);
	close(a);
	assert_int_equal(run_dir_open(&s, &b, &e), 0);
	run_dir_remove(&s);
	close(b);
}

static void test_run_dir_that_others_can_write_is_refused(void **state)
{
	struct err_text e = {{0}};
	struct settings s;
	int fd = -1;

	(void)state;
	make_settings(&s);
	assert_int_equal(chmod(s.run_dir, 0777), 0);
	assert_int_equal(run_dir_open(&s, &fd, &e), -EPERM);
	assert_non_null(strstr(e.s, "nobody else can write"));
	assert_int_equal(rmdir(s.run_dir), 0);
}

static void test_run_dir_that_is_a_link_is_refused(void **state)
{
	struct err_text e = {{0}};
	struct settings s;
	char target[SETTINGS_PATH_MAX];
	int fd = -1;

	(void)state;
	make_settings(&s);
	snprintf(target, sizeof(target), "%s", s.run_dir);
	snprintf(s.run_dir + strlen(s.run_dir), 8, "-link");
	assert_int_equal(symlink(target, s.run_dir), 0);
	assert_int_equal(run_dir_open(&s, &fd, &e), -EPERM);
	unlink(s.run_dir);
	rmdir(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_run_dir_write_replaces_whole_files),
	    cmocka_unit_test(test_run_dir_lock_keeps_a_second_one_out_until_closed),
	    cmocka_unit_test(test_run_dir_that_others_can_write_is_refused),
	    cmocka_unit_test(test_run_dir_that_is_a_link_is_refused),
	};

	return cmocka_run_group_tests_name("supervisor/run_dir", tests, NULL, NULL);
}
