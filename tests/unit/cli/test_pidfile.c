/*
 * racoon's pid file: where it lies, what it replaces, and that it goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <errno.h>

#include "cli/racoon/pidfile.h"

static long number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	char text[32] = "";

	if (!f)
		return 0;
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	return strtol(text, NULL, 10);
}

static void test_pidfile(void **state)
{
	char dir[] = "/tmp/postern-pid-XXXXXX", usual[64], other[64];
	struct settings s = {{0}};
	struct pidfile p = {{0}};
	struct err_text e;
	FILE *stale;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(s.run_dir, sizeof(s.run_dir), "%s", dir);
	snprintf(usual, sizeof(usual), "%s/racoon.pid", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	stale = fopen(usual, "we");
	assert_non_null(stale);
	fputs("1\n", stale);
	fclose(stale);
	assert_int_equal(pidfile_put(&p, &s, NULL, &e), 0);
	assert_int_equal(number_in(usual), getpid());
	/* A configuration that is loaded again may name another; and what cannot be written leaves it. */
	assert_int_equal(pidfile_put(&p, &s, other, &e), 0);
	assert_int_equal(number_in(other), getpid());
	assert_int_equal(number_in(usual), 0);
	assert_int_equal(pidfile_put(&p, &s, "no/such/folder", &e), -ENOENT);
	assert_int_equal(number_in(other), getpid());
	assert_int_equal(pidfile_put(&p, &s, "racoon.pid", &e), 0);
	assert_int_equal(number_in(usual), getpid());
	pidfile_remove(&p);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pidfile)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
