/*
 * ipsec_set_policy(3) and its inverse, through the public header alone: the acceptance table of the
 * original's own tests, the errors, and how much of a text is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <libipsec/libpfkey.h>
#include <netdb.h>
#include <netinet/ipsec.h>
#include <netinet6/ipsec.h>
#include <netipsec/ipsec.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char *set(const char *text)
{
	return ipsec_set_policy(text, (int)strlen(text));
}

/* What the library writes for a text; checks that it stands for the same bytes. For free(3). */
static char *there_and_back(const char *text)
{
	char *policy = set(text), *dumped, *again;
	int len;

	if (!policy)
		fail_msg("%s: %s", text, ipsec_strerror());
	assert_string_equal(ipsec_strerror(), "Success");
	len = ipsec_get_policylen(policy);
	dumped = ipsec_dump_policy_withports(policy, NULL);
	assert_non_null(dumped);
	again = set(dumped);
	assert_non_null(again);
	assert_int_equal(ipsec_get_policylen(again), len);
	assert_memory_equal(again, policy, (size_t)len);
	free(again);
	free(dumped);
	dumped = ipsec_dump_policy(policy, NULL);
	assert_non_null(dumped);
	free(policy);
	return dumped;
}

static void test_policy_acceptance_table(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"out ipsec", "out ipsec"}, {"in entrust", "in entrust"}, {"out entrust", "out entrust"},
	    {"in bypass", "in bypass"}, {"out bypass", "out bypass"}, {"out discard", "out discard"},
	    {"out none", "out none"}, {"in discard", "in discard"}, {"fwd none", "fwd none"},
	    {"in", "in discard"}, /* a direction alone: the action is code 0 */
	    {"out", "out discard"}, {"in ipsec ah/transport", "in ipsec ah/transport//default"},
	    {"out ipsec ah/transport/", "out ipsec ah/transport//default"},
	    {"out ipsec ah/transport//", "out ipsec ah/transport//default"},
	    {"out ipsec ah/transport//use", "out ipsec ah/transport//use"},
	    {"out ipsec esp/transport/fec0::10-fec0::11/use",
	        "out ipsec esp/transport/fec0::10-fec0::11/use"},
	    {"in ipsec esp / transport / 10.0.0.1-10.0.0.2",
	        "in ipsec esp/transport/10.0.0.1-10.0.0.2/default"},
	    {"in ipsec esp/tunnel/::1-::2", "in ipsec esp/tunnel/::1-::2/default"},
	    {"in ipsec esp/tunnel/::1-::2/require", "in ipsec esp/tunnel/::1-::2/require"},
	    {"in ipsec ah/transport esp/tunnel/::1-::1",
	        "in ipsec ah/transport//default esp/tunnel/::1-::1/default"},
	    {"in ipsec\n\tah/transport\n\tesp/tunnel/::1-::1\n",
	        "in ipsec ah/transport//default esp/tunnel/::1-::1/default"},
	    {"in ipsec ah/transport esp/transport ah/transport/ esp/tunnel/::1-::1/ ah/transport//use "
	     "esp/transport "
	     "ah/tunnel/::1-::2/require ipcomp/transport//use esp/transport//unique:9",
	        "in ipsec ah/transport//default esp/transport//default ah/transport//default "
	        "esp/tunnel/::1-::1/default ah/transport//use esp/transport//default "
	        "ah/tunnel/::1-::2/require "
	        "ipcomp/transport//use esp/transport//unique:9"},
	    {"out ipsec esp/tunnel/10.1.1.2-10.1.1.1/use", "out ipsec esp/tunnel/10.1.1.2-10.1.1.1/use"},
	    {"in ipsec ipcomp/transport//use\nesp/transport//use",
	        "in ipsec ipcomp/transport//use esp/transport//use"},
	    {"out ipsec esp/transport/me-any/require", "out ipsec esp/transport//require"},
	    {"in ipsec esp/transport/any-me/require", "in ipsec esp/transport//require"},
	    {"out ipsec esp/transport//unique", "out ipsec esp/transport//unique"},
	    {"out ipsec esp/transport//unique:32767", "out ipsec esp/transport//unique:32767"},
	    {"out ipsec esp/tunnel/10.0.0.1[4500]-10.0.0.2[500]/use",
	        "out ipsec esp/tunnel/10.0.0.1-10.0.0.2/use"},
	    {"out none esp/transport//use", "out none"}, /* requests behind it are read and left out */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = there_and_back(cases[i].text);

		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static void test_policy_priorities(void **state)
{
	static const struct {
		const char *text, *want;
		uint32_t stored;
	} cases[] = {
	    {"out none", "out none", 0x80000000},
	    {"out", "out discard", 0x80000000},
	    {"out prio def none", "out none", 0x80000000},
	    {"out prio 0 none", "out none", 0x80000000},
	    {"out prio low none", "out prio low none", 0xC0000000},
	    {"out priority high none", "out prio high none", 0x40000000},
	    {"out prio 5 none", "out prio def + 5 none", 0x7ffffffb},
	    {"out prio -5 none", "out prio def - 5 none", 0x80000005},
	    {"out prio high-5 none", "out prio high - 5 none", 0x40000005},
	    {"out prio low + 7 none", "out prio low + 7 none", 0xBffffff9},
	    {"out prio low - 1073741823 none", "out prio low - 1073741823 none", 0xffffffff},
	    {"out prio 2147483647 none", "out prio high + 1073741823 none", 1},
	    {"out prio high + 1073741824 none", "out prio high + 1073741823 none", 1},
	    {"out prio 536870912 none", "out prio def + 536870912 none", 0x60000000},
	    {"out prio 536870913 none", "out prio high - 536870911 none", 0x5fffffff},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *policy = set(cases[i].text), *got = there_and_back(cases[i].text);
		struct sadb_x_policy h;

		memcpy(&h, policy, sizeof(h));
		assert_int_equal(h.sadb_x_policy_priority, cases[i].stored);
		assert_string_equal(got, cases[i].want);
		free(policy);
		free(got);
	}
}

/* The words are what scripts know. */
static void test_policy_errors_are_told_word_for_word(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"must_error", "Invalid direction"},
	    {"", "Invalid direction"},
	    {"inn", "Invalid direction"},
	    {"in must_error", "Invalid security policy"},
	    {"out prio 5", "Invalid security policy"},
	    {"in ipsec must_error", "Invalid ipsec protocol"},
	    {"in ipsec esp/transport must_error", "Invalid ipsec protocol"},
	    {"out ipsec esp/must_error", "Invalid ipsec mode"},
	    {"out ipsec ah/transport esp/use", "Invalid ipsec mode"},
	    {"out ipsec esp/any", "Invalid ipsec mode"},
	    {"out ipsec esp/transport//must", "Invalid ipsec level"},
	    {"out ipsec esp/transport//unique:32768", "Invalid ipsec level"},
	    {"out ipsec esp/transport//unique:", "Invalid ipsec level"},
	    {"out ipsec esp", "Too few arguments"},
	    {"out ipsec esp/", "Too few arguments"},
	    {"out ipsec esp/transport//use ah", "Too few arguments"},
	    {"in ipsec ah/tunnel", "Invalid address specification"},
	    {"out ipsec ah/tunnel/", "Invalid address specification"},
	    {"in ipsec ah/transport esp/tunnel", "Invalid address specification"},
	    {"in ipsec esp/tunnel/10.0.0.1", "Invalid address specification"},
	    {"in ipsec esp/tunnel/10.0.0.1-", "Invalid address specification"},
	    {"in ipsec esp/tunnel/10.0.0.1[5]-10.0.0.2", "Invalid address specification"},
	    {"in ipsec esp/tunnel/10.0.0.1[65536]-10.0.0.2[1]",
	        "invalid port at [65536]; ports are 0 to 65535"},
	    {"in ipsec esp/tunnel/10.0.0.1[0]-10.0.0.2[1]", "Invalid address specification"},
	    {"in ipsec ah/tunnel/10.0.0.1[1]-10.0.0.2[1]", "Invalid address specification"},
	    {"out ipsec esp/tunnel/me-any/require", "Invalid address specification"},
	    {"in ipsec esp/tunnel/10.0.0.1-::2", "Family mismatch"},
	    {"in ipsec esp/transport/::2-10.0.0.1", "Family mismatch"},
	    {"in ipsec esp/transport/me-any/require", "Invalid direction"},
	    {"out ipsec esp/transport/any-me/require", "Invalid direction"},
	    {"fwd ipsec esp/transport/me-any/require", "Invalid direction"},
	    {"out prio hihg none", "Invalid priority"},
	    {"out prio 2147483648 none", "Invalid priority"},
	    {"out prio high + 1073741825 none", "Invalid priority offset"},
	    {"out prio high - 1073741824 none", "Invalid priority offset"},
	    {"out prio", "Syntax error at [end of file]"},
	    {"out none $", "Syntax error at [$]"},
	    {"out none; out none", "Syntax error at [;]"},
	    {"out \"none\"", "Invalid security policy"},
	    {"out none \"", "Syntax error at [\"]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *policy = set(cases[i].text);

		if (policy)
			fail_msg("%s was taken", cases[i].text);
		if (strcmp(ipsec_strerror(), cases[i].want) != 0)
			fail_msg("%s\nwant %s\ngot  %s", cases[i].text, cases[i].want, ipsec_strerror());
	}
}

static void test_policy_names_are_told_in_the_resolver_s_words(void **state)
{
	(void)state;
	assert_null(set("out ipsec esp/tunnel/host.example-10.0.0.1/use"));
	assert_string_equal(ipsec_strerror(), gai_strerror(EAI_NONAME));
	assert_null(set("out ipsec esp/tunnel/10.0.0.1-10.0.0.256/use"));
	assert_string_equal(ipsec_strerror(), gai_strerror(EAI_NONAME));
}

static void test_policy_bad_arguments(void **state)
{
	(void)state;
	assert_null(ipsec_set_policy(NULL, 4));
	assert_string_equal(ipsec_strerror(), "Invalid argument");
	assert_null(ipsec_set_policy("out none", -1));
	assert_string_equal(ipsec_strerror(), "Invalid argument");
	assert_true(ipsec_get_policylen(NULL) < 0);
	assert_null(ipsec_dump_policy(NULL, NULL));
	assert_string_equal(ipsec_strerror(), "Invalid argument");
}

/* The text ends at its NUL or after `len` bytes; memory behind either is not touched. */
static void test_policy_stops_at_the_nul_or_the_length(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const char text[] = "out none";
	char *edge, *policy;

	(void)state;
	assert_ptr_not_equal(two, MAP_FAILED);
	assert_int_equal(mprotect(two + page, (size_t)page, PROT_NONE), 0);
	edge = two + page - (sizeof(text) - 1); /* no NUL before the forbidden page */
	memcpy(edge, text, sizeof(text) - 1);
	policy = ipsec_set_policy(edge, (int)sizeof(text) - 1);
	assert_non_null(policy);
	free(policy);
	edge--;
	memcpy(edge, text, sizeof(text)); /* a NUL, and a length that goes far beyond */
	policy = ipsec_set_policy(edge, 1 << 20);
	assert_non_null(policy);
	free(policy);
	munmap(two, 2 * (size_t)page);
	assert_null(ipsec_set_policy("out ipsec nonsense", 0));
	policy = ipsec_set_policy("out ipsec nonsense", 9);
	assert_non_null(policy);
	free(policy);
}

static void test_policy_long_texts(void **state)
{
	enum { BLANKS = 60000, WORD = 1 << 20 };
	char *text = malloc(WORD + 1), *policy;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', BLANKS);
	memcpy(text, "out", 3);
	strcpy(text + BLANKS - 4, "none");
	policy = ipsec_set_policy(text, BLANKS);
	assert_non_null(policy);
	free(policy);
	memset(text, 'a', WORD);
	text[WORD] = '\0';
	assert_null(ipsec_set_policy(text, WORD));
	assert_string_equal(ipsec_strerror(), "this policy is too long; at most 65536 bytes are possible");
	assert_null(ipsec_set_policy(text, 60000));
	assert_string_equal(ipsec_strerror(), "Invalid direction");
	strcpy(text, "out ipsec");
	for (int i = 0; i < 10; i++)
		strcat(text, " esp/transport//use");
	policy = set(text);
	assert_int_equal(ipsec_get_policylen(policy), 16 + 10 * 16);
	free(policy);
	strcat(text, " ah/transport//use");
	assert_null(set(text));
	assert_string_equal(
	    ipsec_strerror(), "too many requests in one policy at [ah]; at most 10 are possible");
	for (int i = 0; i < 200; i++)
		strcat(text, " esp/transport//use");
	assert_null(set(text));
	free(text);
}

static void test_policy_delimiters(void **state)
{
	char *policy = set("out ipsec ah/transport//use esp/tunnel/10.0.0.1[7]-10.0.0.2[8]/require"), *text;

	(void)state;
	text = ipsec_dump_policy(policy, "\n\t");
	assert_string_equal(text, "out ipsec\n\tah/transport//use\n\tesp/tunnel/10.0.0.1-10.0.0.2/require");
	free(text);
	text = ipsec_dump_policy_withports(policy, "; ");
	assert_string_equal(text, "out ipsec; ah/transport//use; esp/tunnel/10.0.0.1[7]-10.0.0.2[8]/require");
	free(text);
	text = ipsec_dump_policy(policy, "%s");
	assert_string_equal(text, "out ipsec%sah/transport//use%sesp/tunnel/10.0.0.1-10.0.0.2/require");
	free(text);
	free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_acceptance_table),
	    cmocka_unit_test(test_policy_priorities),
	    cmocka_unit_test(test_policy_errors_are_told_word_for_word),
	    cmocka_unit_test(test_policy_names_are_told_in_the_resolver_s_words),
	    cmocka_unit_test(test_policy_bad_arguments),
	    cmocka_unit_test(test_policy_stops_at_the_nul_or_the_length),
	    cmocka_unit_test(test_policy_long_texts),
	    cmocka_unit_test(test_policy_delimiters),
	};

	return cmocka_run_group_tests_name("libipsec policies", tests, NULL, NULL);
}
