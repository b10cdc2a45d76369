/*
 * `ipsecctl check`: told apart by content, all of it said at once, exit codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "base/auto.h"
#include "cli/check/check.h"

static char path[] = "/tmp/postern-check-XXXXXX";

struct ran {
	int code;
	char *out, *err;
	size_t n_out, n_err;
};

static void ran_fini(struct ran *r)
{
	free(r->out);
	free(r->err);
}
#define AUTO_RAN AUTO(ran_fini)

/* Runs `check` with these words, up to three, and the file behind them. */
static void run(const char *text, const char *option, const char *word, struct ran *ret)
{
	FILE *f = fopen(path, "we");
	char *argv[6] = {(char *)"ipsecctl", (char *)"check"};
	struct cli cli = {0};
	int argc = 2;

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	*ret = (struct ran){0};
	cli.out = open_memstream(&ret->out, &ret->n_out);
	cli.err = open_memstream(&ret->err, &ret->n_err);
	if (option)
		argv[argc++] = (char *)(uintptr_t)option;
	if (word)
		argv[argc++] = (char *)(uintptr_t)word;
	argv[argc++] = path;
	ret->code = cli_run(&cli, "ipsecctl", argc, argv);
	fclose(cli.out);
	fclose(cli.err);
}

static void expect(const struct ran *r, int code, const char *out, const char *err)
{
	char text[2048];

	if (r->code != code)
		fail_msg("%d: %s%s", r->code, r->out, r->err);
	snprintf(text, sizeof(text), "%s%s", *out ? path : "", out);
	assert_string_equal(r->out, text);
	if (!strstr(r->err, err))
		fail_msg("%s", r->err);
}

static const char tunnel[] = "connection office {\n"
                             "    version 1\n"
                             "    remote 192.0.2.2\n"
                             "    secret \"a long shared secret\"\n"
                             "    child 10.1.0.0/24 = 10.2.0.0/24\n"
                             "}\n";

static void test_check_a_right_file(void **state)
{
	AUTO_RAN struct ran r;

	(void)state;
	run(tunnel, NULL, NULL, &r);
	expect(&r, CLI_OK, ": no errors (connections: 1, children: 1, policies: 0).\n", "");
	assert_string_equal(r.err, "");
}

static void test_check_says_the_place_the_line_and_what_was_meant(void **state)
{
	AUTO_RAN struct ran r;
	char expected[512];

	(void)state;
	run("connection x {\n\tremot any\n}\n", NULL, NULL, &r);
	snprintf(expected, sizeof(expected),
	    "%s:2:2: error: \"remot\" is no statement here; did you mean `remote`?\n"
	    "     remot any\n"
	    "     ^\n"
	    "ipsecctl: %s has 1 error; nothing of it could be loaded.\n",
	    path, path);
	expect(&r, CLI_FAILED, "", "");
	assert_string_equal(r.err, expected);
}

/* Two names have two addresses. */
static void test_check_looks_up_no_name(void **state)
{
	AUTO_RAN struct ran r;

	(void)state;
	run("connection x { version 1; remote a.invalid; secret-file /; child any = any }\n"
	    "connection y { version 1; remote b.invalid; secret-file /; child ::/0 = any }\n",
	    NULL, NULL, &r);
	expect(&r, CLI_OK, ": no errors (connections: 2, children: 2, policies: 0).\n", "");
	assert_string_equal(r.err, "");
}

static void test_check_weak_algorithms_and_why(void **state)
{
	static const char *const warnings[] = {
	    ":1:68: warning: connection x would negotiate with 3des, whose blocks are too small",
	    ":1:68: warning: connection x would negotiate with md5 (RFC 8247: must not)",
	    ":1:68: warning: connection x would negotiate with a group that can be broken",
	    ":1:25: warning: aggressive mode lets anybody guess at the secret of connection x offline",
	    ":2:23: warning: SAs of connection x would use des-cbc, whose keys can be found",
	    ":2:35: warning: SAs of connection x would use null encryption",
	    ":2:1: warning: `pfs no`: whoever gets at the keys of connection x",
	    ":3:1: warning: a child of connection x would negotiate with a group that is too small",
	    ":4:1: warning: connection x names /nowhere/at/all, which is not there",
	};
	AUTO_RAN struct ran r;

	(void)state;
	run("connection x {version 1;exchange aggressive; remote 192.0.2.2; ike 3des-md5-modp1024\n"
	    "child any = any { esp des-sha256, null-sha256; pfs no }\n"
	    "child any[tcp] = any { pfs modp1536 }\n"
	    "secret-file /nowhere/at/all }\n",
	    NULL, NULL, &r);
	assert_int_equal(r.code, CLI_OK);
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++)
		if (!strstr(r.err, warnings[i]))
			fail_msg("%s not in %s", warnings[i], r.err);
}

/* Groups 22 to 24, which are in no list but one that names them. */
static void test_check_groups_of_rfc_5114(void **state)
{
	static const char *const words[] = {"modp1024s160", "modp2048s224", "modp2048s256"};
	AUTO_RAN struct ran plain;
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		AUTO_RAN struct ran r;

		snprintf(text, sizeof(text),
		    "connection x { remote 192.0.2.1; secret-file /dev/null; child any = any { pfs %s }\n"
		    "ike aes256-sha256-%s }\n",
		    words[i], words[i]);
		run(text, NULL, NULL, &r);
		expect(&r, CLI_OK, ": no errors (connections: 1, children: 1, policies: 0, warnings: 2).\n",
		    i ? ":2:5: warning: connection x would negotiate with a group of an origin that nobody "
		        "knows "
		        "(RFC 8247: should not)"
		      : ":2:5: warning: connection x would negotiate with a group that can be broken, of an "
		        "origin "
		        "that nobody knows (RFC 8247: must not)");
		if (!strstr(r.err, "warning: a child of connection x would negotiate with a group"))
			fail_msg("%s", r.err);
	}
	run("connection x { remote 192.0.2.1; secret-file /dev/null; child any = any }\n", NULL, NULL,
	    &plain);
	expect(&plain, CLI_OK, ": no errors (connections: 1, children: 1, policies: 0).\n", "");
}

static void test_check_racoon_and_setkey_files(void **state)
{
	static const char racoon[] =
	    "# peers\nremote anonymous { exchange_mode main; proposal { encryption_algorithm aes;\n"
	    "hash_algorithm sha256; authentication_method pre_shared_key; dh_group 14; } }\n";
	/* It works where it is named, and is told why it should not be. */
	static const char weak[] =
	    "remote anonymous { exchange_mode main; proposal { encryption_algorithm aes;\n"
	    "hash_algorithm sha256; authentication_method pre_shared_key; dh_group 2; } }\n";
	AUTO_RAN struct ran r1, r2, r3, r4, r5;

	(void)state;
	run(racoon, NULL, NULL, &r1);
	expect(&r1, CLI_OK, ": no errors (remotes: 1, sainfos: 0).\n", "");
	run(weak, NULL, NULL, &r5);
	expect(&r5, CLI_OK, ": no errors (remotes: 1, sainfos: 0, warnings: 1).\n",
	    ":1:1: warning: \"remote\" anonymous is weak: its proposal in line 1 has a group that can be "
	    "broken");
	run("flush;\nspdadd 10.0.0.0/8 10.0.0.0/8 any -P out none;\n"
	    "add 192.0.2.1 192.0.2.2 esp 0x1000 -E 3des-cbc "
	    "0x0123456789abcdeffedcba98765432100011223344556677;\n",
	    NULL, NULL, &r2);
	expect(&r2, CLI_OK, ": no errors (statements: 3, warnings: 3).\n",
	    ": warning: 1 of its 1 SAs use 3des-cbc");
	run("flush;\nspdad 10.0.0.0/8 10.0.0.0/8 any -P out none;\n", NULL, NULL, &r3);
	expect(&r3, CLI_FAILED, "", ":2:1: error: ");
	run("flush;\n", "-t", "racoon", &r4);
	expect(&r4, CLI_FAILED, "", ":1:1: error: \"flush\" is no statement here");
}

static void test_check_a_file_that_others_may_read(void **state)
{
	AUTO_RAN struct ran r;

	(void)state;
	assert_int_equal(chmod(path, 0644), 0);
	run(tunnel, NULL, NULL, &r);
	assert_int_equal(chmod(path, 0600), 0);
	expect(&r, CLI_FAILED, "", "mode 0644: chmod 600 ");
	assert_null(strstr(r.err, "long shared"));
}

static void test_check_command_lines_without_sense(void **state)
{
	AUTO_RAN struct ran r1, r2, r3;

	(void)state;
	run("", "-x", NULL, &r1);
	assert_int_equal(r1.code, CLI_USAGE);
	run("", "-t", "ini", &r2);
	assert_int_equal(r2.code, CLI_USAGE);
	run("", "/a", NULL, &r3);
	assert_int_equal(r3.code, CLI_USAGE);
}

static void test_check_kinds(void **state)
{
	static const struct {
		const char *text;
		enum check_kind kind;
	} cases[] = {
	    {"", CHECK_POSTERN},
	    {"include \"/x\"\n", CHECK_POSTERN},
	    {"# remote\n\n  policy none any = any", CHECK_POSTERN},
	    {"connectio x {\n remote 192.0.2.1\n", CHECK_RACOON},
	    {"include \"/x\";\npath certificate \"/x\";\n", CHECK_RACOON},
	    {"\tsainfo anonymous { }", CHECK_RACOON},
	    {"#!/usr/sbin/setkey -f\nflush;", CHECK_SETKEY},
	    {"spdadd", CHECK_SETKEY},
	    {"spdaddx", CHECK_POSTERN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(check_kind_of(cases[i].text, strlen(cases[i].text)), cases[i].kind);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check_a_right_file),
	    cmocka_unit_test(test_check_says_the_place_the_line_and_what_was_meant),
	    cmocka_unit_test(test_check_looks_up_no_name),
	    cmocka_unit_test(test_check_weak_algorithms_and_why),
	    cmocka_unit_test(test_check_groups_of_rfc_5114),
	    cmocka_unit_test(test_check_racoon_and_setkey_files),
	    cmocka_unit_test(test_check_a_file_that_others_may_read),
	    cmocka_unit_test(test_check_command_lines_without_sense),
	    cmocka_unit_test(test_check_kinds),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 2;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
