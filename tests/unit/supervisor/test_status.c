/*
 * The status file read back by a JSON library that did not write it; and what exit states are called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/auto.h"
#include "base/proc.h"
#include "supervisor/exit_text.h"
#include "supervisor/run_dir.h"
#include "supervisor/status.h"

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void test_status_file_is_json_with_everything_in_it(void **state)
{
	struct fdstore store = {.n = 2, .e = {{.name = "tun"}, {.name = "sad-0"}}}, empty = {.n = 0};
	struct status_row rows[] = {
	    {.name = "datapathd",
	        .state = "running",
	        .pid = 17,
	        .uid = 61200,
	        .gid = 61201,
	        .restarts = 3,
	        .refused = 5,
	        .last_exit = "killed by SIGKILL",
	        .status = "say \"hello\" \\ and go",
	        .ready_ms = 1234567890123,
	        .store = &store},
	    {.name = "policyd", .state = "resting", .last_exit = "", .status = "", .store = &empty},
	};
	char dir[] = "/tmp/postern-status-XXXXXX", path[128];
	struct settings s;
	json_t *doc, *row;

	(void)state;
	settings_init(&s);
	assert_non_null(mkdtemp(dir));
	snprintf(s.run_dir, sizeof(s.run_dir), "%s", dir);
	assert_int_equal(status_write(&s, true, rows, 2), 0);
	snprintf(path, sizeof(path), "%s/supervisor.status", dir);
	doc = json_load_file(path, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(number_of(doc, "schema_version"), 1);
	assert_int_equal(number_of(doc, "pid"), getpid());
	assert_true(number_of(doc, "start_ticks") == (long long)proc_start_ticks(getpid()));
	assert_true(number_of(doc, "start_ticks") > 0);
	assert_string_equal(text_of(doc, "state"), "stopping");
	assert_string_equal(text_of(doc, "instance"), "default");
	row = json_array_get(json_object_get(doc, "services"), 0);
	assert_string_equal(text_of(row, "status"), rows[0].status);
	assert_string_equal(text_of(row, "last_exit"), "killed by SIGKILL");
	assert_int_equal(number_of(row, "uid"), 61200);
	assert_int_equal(number_of(row, "gid"), 61201);
	assert_int_equal(number_of(row, "restarts"), 3);
	assert_int_equal(number_of(row, "refused_notifications"), 5);
	assert_true(number_of(row, "ready_ms") == 1234567890123);
	assert_int_equal(json_array_size(json_object_get(row, "stored")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "stored"), 1)), "sad-0");
	row = json_array_get(json_object_get(doc, "services"), 1);
	assert_string_equal(text_of(row, "state"), "resting");
	assert_int_equal(number_of(row, "pid"), 0);
	json_decref(doc);
	run_dir_remove(&s);
}

static void test_exit_text_says_what_happened(void **state)
{
	static const struct {
		int status;
		const char *want;
	} cases[] = {
	    /* 1 */ {0, "exit status 0"},
	    /* 2 */ {3 << 8, "exit status 3"},
	    /* 3 */ {203 << 8, "could not be executed; check --bin-dir"},
	    /* 4 */ {9, "killed by SIGKILL"},
	    /* 5 */ {6, "killed by SIGABRT"},
	    /* 6 */
	    {31, "killed by SIGSYS (a system call outside its list; the kernel's log has its number, "
	         "type=1326)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[128];

		exit_text(cases[i].status, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status_file_is_json_with_everything_in_it),
	    cmocka_unit_test(test_exit_text_says_what_happened),
	};

	return cmocka_run_group_tests_name("supervisor/status", tests, NULL, NULL);
}
