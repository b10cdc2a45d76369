/*
 * What `status` makes of what it gathered: the verdict, the words and the JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/proc.h"
#include "cli/status.h"

static struct suite_status *healthy(void)
{
	struct suite_status *s = (struct suite_status *)calloc(1, sizeof(*s));

	assert_non_null(s);
	s->instance = "default";
	s->run_dir = "/run/postern";
	s->n = 2;
	s->svc[0].name = "policyd";
	s->svc[1].name = "datapathd";
	for (size_t i = 0; i < 2; i++) {
		s->svc[i].up = true;
		s->svc[i].st.pid = 100 + (uint32_t)i;
		s->svc[i].st.uptime_ms = 3723000;
		snprintf(s->svc[i].st.log_level, sizeof(s->svc[i].st.log_level), "info");
		snprintf(s->svc[i].st.version, sizeof(s->svc[i].st.version), "%s", POSTERN_VERSION);
	}
	s->enabled_known = s->enabled = true;
	s->spd = (struct status_spd){true, 17, 17, 17};
	return s;
}

static char *printed(const struct suite_status *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	status_print(s, f);
	fclose(f);
	return text;
}

static void test_status_healthy_suite_is_good(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = printed(s);

	assert_true(status_is_good(s));
	assert_non_null(strstr(text, "IPsec is on.\n"));
	assert_non_null(strstr(text, "version 17, is enforced by kernel and datapath.\n"));
	assert_non_null(strstr(text, "policyd    up      pid 100, since 1h 02m, log level info\n"));
	assert_null(strstr(text, "DOWN"));
	assert_null(strstr(text, "worth knowing"));
}

static void test_status_lagging_enforcer_is_not_good(void **state)
{
	static const struct {
		uint64_t kernel, datapath;
		const char *said;
	} cases[] = {
	    {17, 16, "version 17, but the datapath has 16. This passes"},
	    {17, 0, "version 17, but the datapath has none yet. This passes"},
	    {16, 17, "version 17, but the kernel has 16. This passes"},
	    {0, 3, "version 17, but the kernel has none yet and the datapath has 3. This passes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE struct suite_status *s = healthy();
		AUTO_FREE char *text = NULL;

		s->spd.kernel = cases[i].kernel;
		s->spd.datapath = cases[i].datapath;
		text = printed(s);
		assert_false(status_is_good(s));
		assert_non_null(strstr(text, cases[i].said));
	}
}

/* kill -9 leaves the status file behind: a pid that nobody has, or that somebody else has by now. */
static void test_status_file_of_a_dead_supervisor_is_not_believed(void **state)
{
	pid_t dead = fork();
	json_int_t ticks = (json_int_t)proc_start_ticks(getpid());
	const struct {
		pid_t pid;
		json_int_t ticks;
		bool alive;
	} cases[] = {
	    {getpid(), ticks, true}, {getpid(), 0, true}, {getpid(), ticks + 1, false}, {dead, ticks, false}};

	if (!dead)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	assert_true(ticks > 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE struct suite_status *s = healthy();
		AUTO_FREE char *text = NULL;

		s->svc[0].up = false;
		err_set(&s->svc[0].why, 0, "nobody serves it");
		status_take_supervisor(
		    s, json_pack("{si sI s[{ss si ss ss ss}]}", "pid", (int)cases[i].pid, "start_ticks",
		           cases[i].ticks, "services", "name", "policyd", "restarts", 0, "state", "running",
		           "last_exit", "", "status", "2 policies in force"));
		text = printed(s);
		assert_int_equal(strstr(text, "supervisor up") != NULL, cases[i].alive);
		assert_int_equal(strstr(text, "2 policies in force") != NULL, cases[i].alive);
		assert_int_equal(strstr(text, "supervisor GONE") != NULL, !cases[i].alive);
		assert_int_equal(strstr(text, "DOWN    nobody serves it") != NULL, !cases[i].alive);
		json_decref(s->supervisor);
	}
}

static void test_status_lost_policies_are_the_first_word_and_promise_nothing(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = NULL;

	s->spd.lost = "the kernel has no rules; load your configuration again";
	assert_false(status_is_good(s));
	s->spd.kernel = s->spd.datapath = 0;
	text = printed(s);
	assert_non_null(strstr(text,
	    "\nThe saved policies are LOST: the kernel has no rules; load your configuration again.\n"));
	assert_null(strstr(text, "within a second"));
	assert_null(strstr(text, "IPsec is on"));
}

static void test_status_service_down_says_why_and_its_last_end(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = NULL;

	s->svc[1].up = false;
	err_set(&s->svc[1].why, 0, "nobody answers");
	s->supervisor =
	    json_pack("{sis[{ss si ss ss ss}]}", "pid", 1, "services", "name", "datapathd", "restarts", 3,
	        "state", "resting", "last_exit", "killed by signal 9", "status", "cannot lock memory");
	assert_non_null(s->supervisor);
	text = printed(s);
	assert_false(status_is_good(s));
	assert_non_null(strstr(text, "datapathd  DOWN    cannot lock memory\n"));
	assert_non_null(strstr(text, "  resting; restarts: 3; last end: killed by signal 9\n"));
	json_decref(s->supervisor);
}

static void test_status_service_down_without_supervisor_says_what_failed(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = NULL;

	s->svc[0].up = false;
	err_set(&s->svc[0].why, 0, "nobody answers");
	text = printed(s);
	assert_non_null(strstr(text, "policyd    DOWN    nobody answers\n  datapathd  up"));
}

static void test_status_disabled_and_weak_are_said(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = NULL;

	s->enabled = false;
	s->weak.n_sas = 4;
	s->weak.n[1] = 2;
	text = printed(s);
	assert_non_null(strstr(text, "IPsec is OFF"));
	assert_non_null(strstr(text, "version 17, is known to kernel and datapath.\n"));
	assert_non_null(strstr(text, "worth knowing\n  2 of 4 SAs use 3des-cbc"));
}

static void test_status_json_shape(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	json_t *doc, *svc;

	s->svc[0].st.n_fields = 1;
	snprintf(s->svc[0].st.fields[0].key, 48, "policies");
	snprintf(s->svc[0].st.fields[0].value, 256, "2");
	s->svc[1].up = false;
	err_set(&s->svc[1].why, 0, "nobody answers");
	doc = status_json(s);
	svc = json_object_get(doc, "services");
	assert_int_equal(json_integer_value(json_object_get(doc, "schema_version")), 1);
	assert_true(json_is_false(json_object_get(doc, "good")));
	assert_true(json_is_true(json_object_get(doc, "enabled")));
	assert_true(json_is_true(json_object_get(json_object_get(doc, "spd"), "agree")));
	assert_int_equal(json_array_size(svc), 2);
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(json_array_get(svc, 0), "fields"), "policies")),
	    "2");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(svc, 1), "error")), "nobody answers");
	assert_true(json_is_null(json_object_get(doc, "supervisor")));
	assert_int_equal(json_object_size(json_object_get(doc, "weak_sas")), WEAK_KINDS);
	assert_int_equal(json_object_size(json_object_get(doc, "weak_ike_sas")), WEAK_IKE_KINDS);
	json_decref(doc);
}

static void test_status_fields_print_as_words(void **state)
{
	AUTO_FREE struct suite_status *s = healthy();
	AUTO_FREE char *text = NULL;

	s->svc[0].st.n_fields = 1;
	snprintf(s->svc[0].st.fields[0].key, 48, "last_repair_at");
	snprintf(s->svc[0].st.fields[0].value, 256, "never_yet");
	text = printed(s);
	assert_non_null(strstr(text, "\npolicyd\n  last repair at         never_yet\n"));
}

static void test_status_uptime_forms(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {
	    {0, "since 0s,"},
	    {59999, "since 59s,"},
	    {60000, "since 1m 00s,"},
	    {3599000, "since 59m 59s,"},
	    {3600000, "since 1h 00m,"},
	    {86399000, "since 23h 59m,"},
	    {90000000, "since 1d 01h,"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE struct suite_status *s = healthy();
		AUTO_FREE char *text = NULL;

		s->svc[0].st.uptime_ms = cases[i].ms;
		text = printed(s);
		assert_non_null(strstr(text, cases[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status_healthy_suite_is_good),
	    cmocka_unit_test(test_status_lagging_enforcer_is_not_good),
	    cmocka_unit_test(test_status_file_of_a_dead_supervisor_is_not_believed),
	    cmocka_unit_test(test_status_lost_policies_are_the_first_word_and_promise_nothing),
	    cmocka_unit_test(test_status_service_down_says_why_and_its_last_end),
	    cmocka_unit_test(test_status_service_down_without_supervisor_says_what_failed),
	    cmocka_unit_test(test_status_disabled_and_weak_are_said),
	    cmocka_unit_test(test_status_json_shape),
	    cmocka_unit_test(test_status_fields_print_as_words),
	    cmocka_unit_test(test_status_uptime_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
