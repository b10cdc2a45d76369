/*
 * Words in, settings out, and back into words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "service/settings.h"

enum { WORDS_MAX = 24 };

/* All but the padding behind the last member, which may be anything. */
enum { SETTINGS_BYTES = offsetof(struct settings, n_peers) + 1 };

/* Parses "a|b|c"; the words that were left come back in the same form. */
static int parse(const char *words, struct settings *s, char *ret_left, struct err_text *e)
{
	char copy[512], *argv[WORDS_MAX + 2] = {(char *)"program"}, *save = NULL;
	int argc = 1, r;

	strcpy(copy, words);
	for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
		argv[argc++] = w;
	settings_init(s);
	r = settings_parse(s, &argc, argv, e);
	ret_left[0] = '\0';
	for (int i = 1; i < argc && !r; i++) {
		strcat(ret_left, i > 1 ? "|" : "");
		strcat(ret_left, argv[i]);
	}
	if (!r)
		assert_null(argv[argc]);
	return r;
}

static const struct {
	const char *words, *left;
} accepted[] = {
    /*  1 */ {"", ""},
    /*  2 */ {"--table|77", ""},
    /*  3 */ {"--table=77|setkey|-f|file", "setkey|-f|file"},
    /*  4 */ {"-c|--table|77|--unknown|x", "-c|--unknown|x"},
    /*  5 */ {"status|--|--table|77", "status|--|--table|77"},
    /*  6 */ {"--mark-mask|0xf000", ""},
    /*  7 */ {"--mark-mask|0x78", ""},
    /*  8 */ {"--log|file:/var/log/postern.log", ""},
    /*  9 */ {"--run-dir|/run/x///", ""},
    /* 10 */ {"--peer|policyd=1:2|--peer=datapathd=3:4", ""},
    /* 11 */ {"--tablet=77", "--tablet=77"},
    /* 12 */ {"--instance=a-b_1", ""},
    /* 13 */ {"--tun-mtu=576|--rule-base=1", ""},
};

static const struct {
	const char *words, *why;
} refused[] = {
    /*  1 */ {"--table", "value is missing"},
    /*  2 */ {"--table=", "give a number"},
    /*  3 */ {"--table=0", "give a number"},
    /*  4 */ {"--table=-1", "give a number"},
    /*  5 */ {"--table=12x", "give a number"},
    /*  6 */ {"--table=254", "belong to the system"},
    /*  7 */ {"--table=252", "belong to the system"},
    /*  8 */ {"--table=99999999999999999999", "give a number"},
    /*  9 */ {"--mark-mask=0x1f", "four neighbouring bits"},
    /* 10 */ {"--mark-mask=0x17", "four neighbouring bits"},
    /* 11 */ {"--mark-mask=0", "give a number"},
    /* 12 */ {"--device=a/b", "letters, digits"},
    /* 13 */ {"--device=..", "not a device name"},
    /* 14 */ {"--device=sixteencharacters", "at most 15"},
    /* 15 */ {"--device=", "letters, digits"},
    /* 16 */ {"--run-dir=relative", "absolute path"},
    /* 17 */ {"--run-dir=/", "absolute path"},
    /* 18 */
    {"--run-dir=/a/folder/with/a/name/that/is/so/long/that/no/socket/below/it/would/fit/into/an/address",
        "at most 80"},
    /* 19 */ {"--run-dir=/tmp/a\nb", "control character"},
    /* 20 */ {"--log=remote", "give auto"},
    /* 21 */ {"--log=file:relative", "absolute path"},
    /* 22 */ {"--log-level=loud", "give error"},
    /* 23 */ {"--log-level=none", "give error"},
    /* 24 */ {"--peer=policyd", "NAME=UID:GID"},
    /* 25 */ {"--peer=policyd=0:5", "must not run as root"},
    /* 26 */ {"--peer=policyd=5:0", "must not run as root"},
    /* 27 */ {"--peer=policyd=5:5x", "NAME=UID:GID"},
    /* 28 */ {"--instance=a b", "letters, digits"},
    /* 29 */ {"--instance=../x", "letters, digits"},
    /* 30 */ {"--tun-mtu=100", "from 576"},
    /* 31 */ {"--rule-base=0", "from 1"},
    /* 32 */
    {"--peer=a=1:1|--peer=b=1:1|--peer=c=1:1|--peer=d=1:1|--peer=e=1:1|--peer=f=1:1|--peer=g=1:1|--peer=h=1:"
     "1|--peer=i=1:1",
        "at most 8"},
};

static void test_settings_known_words_are_taken_and_others_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		struct err_text e = {{0}};
		struct settings s;
		char left[512];

		if (parse(accepted[i].words, &s, left, &e))
			fail_msg("case %zu: %s", i + 1, e.s);
		assert_string_equal(left, accepted[i].left);
	}
}

static void test_settings_bad_values_are_refused_with_a_reason_and_touch_nothing(void **state)
{
	struct settings fresh;

	(void)state;
	settings_init(&fresh);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct err_text e = {{0}};
		struct settings s;
		char left[512];

		if (!parse(refused[i].words, &s, left, &e))
			fail_msg("case %zu accepted", i + 1);
		if (!strstr(e.s, refused[i].why))
			fail_msg("case %zu: %s", i + 1, e.s);
		assert_memory_equal(&s, &fresh, SETTINGS_BYTES);
	}
}

static void test_settings_folders_follow_the_instance_unless_chosen(void **state)
{
	struct err_text e;
	struct settings s;
	char left[512];

	(void)state;
	assert_int_equal(parse("--instance=lab", &s, left, &e), 0);
	assert_string_equal(s.run_dir, "/run/postern-lab");
	assert_string_equal(s.state_dir, "/var/lib/postern-lab");
	assert_string_equal(s.config_dir, "/etc/postern");
	assert_int_equal(parse("--run-dir=/run/postern|--instance=lab", &s, left, &e), 0);
	assert_string_equal(s.run_dir, "/run/postern");
	assert_int_equal(parse("", &s, left, &e), 0);
	assert_string_equal(s.run_dir, "/run/postern");
	assert_string_equal(s.state_dir, "/var/lib/postern");
}

static void free_words(char ***words)
{
	for (char **w = *words; w && *w; w++)
		free(*w);
	free(*words);
}

static void test_settings_words_give_a_child_the_same_settings(void **state)
{
	static const char *const lines[] = {
	    "",
	    "--instance=lab|--device=vpn0|--table=77|--rule-base=5|--tun-mtu=9000|--mark-mask=0xf0|--log="
	    "file:/x/y|--log-level=debug",
	    "--instance=lab|--run-dir=/run/postern|--state-dir=/srv/p|--config-dir=/srv/"
	    "c|--admin-group=wheel",
	    "--peer=policyd=61200:61201|--peer=datapathd=61300:61301|--peer=policyd=61400:61401",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		AUTO(free_words) char **words = NULL;
		char joined[512] = "", left[512];
		struct settings a, b;
		struct err_text e;

		assert_int_equal(parse(lines[i], &a, left, &e), 0);
		words = settings_to_argv(&a);
		assert_non_null(words);
		for (char **w = words; *w; w++) {
			strcat(joined, w > words ? "|" : "");
			strcat(joined, *w);
		}
		assert_int_equal(parse(joined, &b, left, &e), 0);
		assert_string_equal(left, "");
		assert_memory_equal(&a, &b, SETTINGS_BYTES);
	}
}

static void test_settings_later_peer_replaces_the_earlier(void **state)
{
	struct err_text e;
	struct settings s;
	char left[512];
	uid_t uid = 0;
	gid_t gid = 0;

	(void)state;
	assert_int_equal(parse("--peer=policyd=1:2|--peer=policyd=3:4", &s, left, &e), 0);
	assert_int_equal(s.n_peers, 1);
	assert_true(settings_peer_ids(&s, "policyd", &uid, &gid));
	assert_int_equal(uid, 3);
	assert_int_equal(gid, 4);
	assert_false(settings_peer_ids(&s, "nobody-of-that-name", &uid, &gid));
	assert_int_equal(uid, 3);
}

static void test_settings_every_socket_path_fits(void **state)
{
	struct settings s;
	char path[108];

	(void)state;
	settings_init(&s);
	memset(s.run_dir, 'x', 80);
	s.run_dir[80] = '\0';
	assert_int_equal(strlen(settings_socket_path(&s, "notify.certd-verify", path)), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_settings_known_words_are_taken_and_others_left),
	    cmocka_unit_test(test_settings_bad_values_are_refused_with_a_reason_and_touch_nothing),
	    cmocka_unit_test(test_settings_folders_follow_the_instance_unless_chosen),
	    cmocka_unit_test(test_settings_words_give_a_child_the_same_settings),
	    cmocka_unit_test(test_settings_later_peer_replaces_the_earlier),
	    cmocka_unit_test(test_settings_every_socket_path_fits),
	};

	return cmocka_run_group_tests_name("service/settings", tests, NULL, NULL);
}
