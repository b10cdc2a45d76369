/*
 * `script` in `remote`: where the file is looked for, who is asked about it, and what is told where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/racoon/racoon.h"

#define OFFER                                                                                                \
	"proposal { encryption_algorithm aes; hash_algorithm sha256; authentication_method pre_shared_key; " \
	"dh_group 14; }"

static char heard[2048], asked[2048];

static void hear(void *arg, bool is_error, const char *text)
{
	(void)arg;
	strcat(heard, is_error ? "E " : "W ");
	strcat(heard, text);
	strcat(heard, "\n");
}

static int judge(void *arg, const char *path, struct err_text *e)
{
	(void)arg;
	strcat(asked, path);
	strcat(asked, " ");
	return strstr(path, "bad") ? err_set(e, -EPERM, "%s is bad", path) : 0;
}

static struct ike_conf *read_with(const char *before, const char *scripts, bool judged)
{
	const struct racoon_options o = {.say = hear, .check_script = judged ? judge : NULL};
	struct ike_conf *conf = NULL;
	char text[4096];
	int n = snprintf(text, sizeof(text),
	    "%s\nremote 10.0.0.1 {\n exchange_mode main;\n %s\n " OFFER "\n}\n", before, scripts);

	heard[0] = asked[0] = '\0';
	(void)!racoon_read_text("f", text, (size_t)n, &o, &conf);
	return conf;
}

static void test_script_each_event_has_its_file(void **state)
{
	struct ike_conf *c = read_with("path script \"/etc/s\";",
	    "script \"up\" phase1_up;\n script \"/usr/down\" phase1_down;\n script \"a/dead\" phase1_dead;",
	    true);

	(void)state;
	assert_non_null(c);
	assert_string_equal(heard, "");
	assert_string_equal(asked, "/etc/s/up /usr/down /etc/s/a/dead ");
	assert_null(c->peer[0].script[IKE_HOOK_NONE]);
	assert_string_equal(c->peer[0].script[IKE_HOOK_UP], "/etc/s/up");
	assert_string_equal(c->peer[0].script[IKE_HOOK_DOWN], "/usr/down");
	assert_string_equal(c->peer[0].script[IKE_HOOK_DEAD], "/etc/s/a/dead");
	ike_conf_free(c);
}

static void test_script_the_last_one_counts_and_is_inherited(void **state)
{
	struct ike_conf *c = read_with("remote 10.0.0.2 { exchange_mode main; script \"/a\" phase1_up;"
	                               " script \"/b\" phase1_up; script \"/c\" phase1_dead; " OFFER "}",
	    "", false);

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->peer[0].script[IKE_HOOK_UP], "/b");
	assert_null(c->peer[1].script[IKE_HOOK_UP]);
	ike_conf_free(c);
	c = read_with(
	    "remote 10.0.0.2 { exchange_mode main; script \"/b\" phase1_up; script \"/c\" phase1_dead; " OFFER
	    "}\nremote 10.0.0.3 inherit 10.0.0.2 { script \"/d\" phase1_dead; }",
	    "", false);
	assert_non_null(c);
	assert_string_equal(c->peer[1].script[IKE_HOOK_UP], "/b");
	assert_string_equal(c->peer[1].script[IKE_HOOK_DEAD], "/d");
	assert_string_equal(c->peer[0].script[IKE_HOOK_DEAD], "/c");
	ike_conf_free(c);
}

static void test_script_faults_have_their_place(void **state)
{
	static const struct {
		const char *before, *script, *error;
	} cases[] = {
	    {"", "script \"up\" phase1_up;", "is relative, and no `path script` that begins with /"},
	    {"path script \"s\";", "script \"up\" phase1_up;", "is relative, and no `path script`"},
	    {"", "script \"/bad\" phase1_up;", "cannot be a script that root executes: /bad is bad"},
	    {"", "script \"/up\" phase1_over;", "phase1_up, phase1_down or phase1_dead"},
	    {"", "script \"/up\";", "an event: phase1_up, phase1_down or phase1_dead"},
	    {"", "script up phase1_up;", "belongs in quotes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(read_with(cases[i].before, cases[i].script, true));
		if (strncmp(heard, "E f:4:", 6) != 0 || !strstr(heard, cases[i].error))
			fail_msg("not '%s' but '%s'", cases[i].error, heard);
	}
}

static void test_script_path_that_is_too_long(void **state)
{
	char folder[1100] = "path script \"/", name[1000] = "script \"";

	(void)state;
	memset(folder + strlen(folder), 'd', 500);
	strcat(folder, "\";");
	memset(name + strlen(name), 'n', 600);
	strcat(name, "\" phase1_up;");
	assert_null(read_with(folder, name, true));
	assert_non_null(strstr(heard, "is longer than 1024 octets"));
	assert_string_equal(asked, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_script_each_event_has_its_file),
	    cmocka_unit_test(test_script_the_last_one_counts_and_is_inherited),
	    cmocka_unit_test(test_script_faults_have_their_place),
	    cmocka_unit_test(test_script_path_that_is_too_long),
	};

	return cmocka_run_group_tests_name("config/racoon_script", tests, NULL, NULL);
}
