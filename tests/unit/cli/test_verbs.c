/*
 * The command line around the verbs: the table, its help, wrong words, and what is said while no suite runs.
 * setkey's language has its own tests; here a recorder stands in its place and shows what reaches it.
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
#include <jansson.h>

#include "base/auto.h"
#include "cli/verbs.h"

static char recorded[256];

int setkey_main(struct cli *cli, int argc, char **argv, bool compat)
{
	size_t n =
	    (size_t)snprintf(recorded, sizeof(recorded), "%s:%s", cli->prog, compat ? "compat" : "native");

	for (int i = 1; i < argc; i++)
		n += (size_t)snprintf(recorded + n, sizeof(recorded) - n, " %s", argv[i]);
	return 7;
}

struct ran {
	int code;
	char *out, *err;
};

static void ran_fini(struct ran *r)
{
	free(r->out);
	free(r->err);
}
#define AUTO_RAN __attribute__((cleanup(ran_fini)))

/* Runs `line`, whose first word is the program's name. */
static struct ran run(const char *line)
{
	char copy[512], *argv[20] = {0};
	struct ran r = {0};
	size_t n_out = 0, n_err = 0;
	struct cli cli = {.out = open_memstream(&r.out, &n_out), .err = open_memstream(&r.err, &n_err)};
	int argc = 0;

	assert_non_null(cli.out);
	assert_non_null(cli.err);
	recorded[0] = '\0';
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w && argc < 19; w = strtok(NULL, " "))
		argv[argc++] = w;
	r.code = cli_run(&cli, argv[0], argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	return r;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void test_verbs_table_is_complete_and_in_help(void **state)
{
	static const char *const needed[] = {"setkey", "sad", "spd", "stats", "netstat", "status", "log",
	    "monitor", "enable", "disable", "set", "help", "version"};
	struct ran r AUTO_RAN = run("ipsecctl help");

	assert_int_equal(r.code, CLI_OK);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_non_null(cli_verb_find(needed[i]));
	for (const struct cli_verb *v = cli_verbs; v->name; v++) {
		assert_non_null(v->run);
		assert_ptr_equal(cli_verb_find(v->name), v); /* no name twice */
		assert_has(r.out, v->summary);
	}
	assert_has(r.out, "--run-dir");
}

static void test_verbs_help_describes_each(void **state)
{
	for (const struct cli_verb *v = cli_verbs; v->name; v++) {
		char line[64];
		struct ran r AUTO_RAN = {0};

		snprintf(line, sizeof(line), "ipsecctl help %s", v->name);
		r = run(line);
		assert_int_equal(r.code, CLI_OK);
		assert_has(r.out, v->summary);
		if (v->detail)
			assert_has(r.out, v->detail);
	}
}

static void test_verbs_wrong_words_say_what_helps(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
	    {"ipsecctl", "ipsecctl VERB"},
	    {"ipsecctl statsu", "Did you mean `status`?"},
	    {"ipsecctl restart", "there is no verb `restart`."},
	    {"ipsecctl help statis", "there is no verb `statis`"},
	    {"ipsecctl stats -x", "option -x"},
	    {"ipsecctl stats tcp", "`tcp`"},
	    {"ipsecctl netstat -rn", "netstat -nsp ipsec"},
	    {"ipsecctl sad -P", "`-P`"},
	    {"ipsecctl spd -a", "`-a`"},
	    {"ipsecctl status now", "no further words"},
	    {"ipsecctl enable it", "no further words"},
	    {"ipsecctl disable it", "no further words"},
	    {"ipsecctl set", "which setting"},
	    {"ipsecctl set ipsec_enabel 1", "Did you mean `ipsec_enable`?"},
	    {"ipsecctl set ipsec_enable yes", "0 or 1, not `yes`"},
	    {"ipsecctl set something 1",
	        "there are ipsec_enable, key_preferred_oldsa, dfbit, ecn, dscp, dummy, keepalive, "
	        "esp_trans_deflev, esp_net_deflev, ah_trans_deflev and ah_net_deflev."},
	    {"ipsecctl set ipsec_enable 2", "0 or 1, not `2`"},
	    {"ipsecctl set dfbit", "which setting"},
	    {"ipsecctl set dfbit 3", "dfbit is 0, 1 or 2, not `3`"},
	    {"ipsecctl set dfbit 01", "not `01`"},
	    {"ipsecctl set ecn 2", "ecn is 0 or 1, not `2`"},
	    {"ipsecctl set ecn -1", "not `-1`"},
	    {"ipsecctl set dscp copy", "dscp is 0 or 1, not `copy`"},
	    {"ipsecctl set dscpp 1", "Did you mean `dscp`?"},
	    {"ipsecctl log loud", "error, warning, notice, info, debug"},
	    {"ipsecctl log debgu", "perhaps debug"},
	    {"ipsecctl log debug racoon",
	        "there are policyd, datapathd, keyd, certd, certd-verify and hooks."},
	    {"ipsecctl monitor -n", "`-n`"},
	    {"ipsecctl monitor -n none", "not `none`"},
	    {"ipsecctl monitor -n 0", "not `0`"},
	    {"ipsecctl monitor -n 5x", "not `5x`"},
	    {"ipsecctl --json setkey -D", "`ipsecctl --json sad`"},
	    {"ipsecctl --json enable", "enable has no JSON form"},
	    {"ipsecctl set ipsec_enable 1 --json", "set has no JSON form"},
	    {"ipsecctl --json help", "help has no JSON form"},
	    {"ipsecctl --jsn status", "no option `--jsn`. Did you mean `--json`?"},
	    {"ipsecctl -x", "no option `-x`"},
	    {"ipsecctl --run-dir relative status", "--run-dir"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ran r AUTO_RAN = run(cases[i].line);

		if (r.code != CLI_USAGE)
			fail_msg("`%s` ended with %d: %s", cases[i].line, r.code, r.err);
		assert_memory_equal(r.err, "ipsecctl: ", 10);
		assert_has(r.err, cases[i].said);
		assert_string_equal(r.out, "");
	}
}

static void test_verbs_program_names_choose_the_language(void **state)
{
	static const struct {
		const char *line, *reached;
	} cases[] = {
	    {"setkey -f file", "setkey:compat -f file"},
	    {"ipseckey -FP", "ipseckey:compat -FP"},
	    {"setkey", "setkey:compat"},
	    {"setkey --run-dir /nowhere -D", "setkey:compat -D"},
	    {"ipsecctl setkey -f file", "ipsecctl:native -f file"},
	    {"ipsecctl --instance=x setkey -DP", "ipsecctl:native -DP"},
	    {"ipsecctl sad", "ipsecctl:native -D"},
	    {"ipsecctl sad -a -p", "ipsecctl:native -D -a -p"},
	    {"ipsecctl spd", "ipsecctl:native -D -P"},
	    {"ipsecctl spd -p", "ipsecctl:native -D -P -p"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ran r AUTO_RAN = run(cases[i].line);

		assert_int_equal(r.code, 7);
		assert_string_equal(recorded, cases[i].reached);
	}
}

static void test_verbs_wrong_settings_under_old_names_exit_1(void **state)
{
	struct ran r AUTO_RAN = run("setkey --run-dir relative -D");

	assert_int_equal(r.code, CLI_FAILED);
	assert_memory_equal(r.err, "setkey: ", 8);
}

/* Exit 1, the path that was tried, both commands that start the suite, once. */
static void check_stopped(const char *dir, const char *words)
{
	char line[256];
	struct ran r AUTO_RAN = {0};
	const char *first;

	snprintf(line, sizeof(line), "ipsecctl --run-dir %s %s", dir, words);
	r = run(line);
	if (r.code != CLI_FAILED)
		fail_msg("`%s` ended with %d: %s", line, r.code, r.err);
	assert_has(r.err, "the suite is not running");
	assert_has(r.err, dir);
	assert_has(r.err, "systemctl start postern.target");
	assert_has(r.err, "postern-supervisor");
	assert_string_equal(r.out, "");
	first = strstr(r.err, "not running");
	assert_null(strstr(first + 1, "not running"));
}

static void test_verbs_stopped_suite_is_said_with_the_remedy(void **state)
{
	static const char *const verbs[] = {"--json sad", "--json spd", "stats", "--json stats",
	    "netstat -nsp ipsec", "status", "--json status", "monitor", "log", "--json log"};
	static const char *const root_verbs[] = {"log debug", "log debug datapathd", "enable", "disable",
	    "set ipsec_enable 0", "set key_preferred_oldsa 1", "set dfbit 2", "set ecn 0", "set dscp 1"};
	char dir[] = "/tmp/postern-test-XXXXXX";

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		check_stopped(dir, verbs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(root_verbs) && geteuid() == 0; i++)
		check_stopped(dir, root_verbs[i]);
	rmdir(dir);
}

static void test_verbs_version_as_text_and_json(void **state)
{
	struct ran text AUTO_RAN = run("ipsecctl --version"), json AUTO_RAN = run("ipsecctl --json version");
	json_t *doc = json_loads(json.out, 0, NULL);

	assert_has(text.out, POSTERN_VERSION);
	assert_int_equal(json_integer_value(json_object_get(doc, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(doc, "version")), POSTERN_VERSION);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verbs_table_is_complete_and_in_help),
	    cmocka_unit_test(test_verbs_help_describes_each),
	    cmocka_unit_test(test_verbs_wrong_words_say_what_helps),
	    cmocka_unit_test(test_verbs_program_names_choose_the_language),
	    cmocka_unit_test(test_verbs_wrong_settings_under_old_names_exit_1),
	    cmocka_unit_test(test_verbs_stopped_suite_is_said_with_the_remedy),
	    cmocka_unit_test(test_verbs_version_as_text_and_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
