/*
 * The reader around the statements: places, recovery, limits, odd bytes, and the system's own tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/rng.h"
#include "support/setkey_rig.h"

static struct setkey_rig rig;

static void test_statements_carry_their_places(void **state)
{
	(void)state;
	setkey_rig_read(&rig, "\n  flush ;\r\n\tspdflush\n\n ; dump;");
	assert_int_equal(rig.code, 0);
	assert_int_equal(rig.n, 3);
	assert_int_equal(rig.stmts[0].at.line, 2);
	assert_int_equal(rig.stmts[0].at.column, 3);
	assert_int_equal(rig.stmts[0].end.column, 9);
	assert_int_equal(rig.stmts[1].at.line, 3);
	assert_int_equal(rig.stmts[1].at.column, 2);
	assert_int_equal(rig.stmts[1].end.line, 5);
	assert_int_equal(rig.stmts[2].at.column, 4);
}

static void test_place_of_the_text_can_be_given(void **state)
{
	(void)state;
	rig.first = (struct setkey_loc){7, 10};
	setkey_rig_read(&rig, "flush;\nfoo;");
	rig.first = (struct setkey_loc){0, 0};
	assert_int_equal(rig.stmts[0].at.line, 7);
	assert_int_equal(rig.stmts[0].at.column, 10);
	assert_int_equal(strncmp(rig.messages, "f:8:1: ", 7), 0);
}

static void test_empty_texts_are_fine(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing", ";;;", " \t\f\v\r\n", "\\\n", "#\\\n;"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		setkey_rig_read(&rig, texts[i]);
		assert_int_equal(rig.code, 0);
		assert_int_equal(rig.n, 0);
	}
	setkey_rig_read_bytes(&rig, NULL, 0);
	assert_int_equal(rig.code, 0);
}

static void test_nul_and_high_bytes_are_told_and_skipped(void **state)
{
	static const char text[] = "flush;\0;\xff\xfe; # \0\xff comment\nspdflush;";

	(void)state;
	setkey_rig_read_bytes(&rig, text, sizeof(text) - 1);
	assert_int_equal(rig.n, 2);
	assert_string_equal(rig.messages,
	    "f:1:7: Syntax error at [\\x00]; a statement begins with add, spdadd, flush or the like\n"
	    "f:1:9: Syntax error at [\\xff]; a statement begins with add, spdadd, flush or the like\n");
}

/* D3: after an error, on to the next terminator or the next statement at the start of a line. */
static void test_recovery_goes_on_where_the_next_statement_begins(void **state)
{
	static const struct {
		const char *text;
		size_t read, errors;
	} cases[] = {
	    {"foo; flush;", 1, 1},
	    {"foo bar baz\nflush;", 1, 1},
	    {"foo flush; flush;", 1, 1},
	    {"foo\n  flush;", 1, 1},
	    {"foo \" ; \" flush; spdflush;", 1, 1},
	    {"add 1 2 3\nadd 1 2 3\nflush;", 1, 2},
	    {"spdadd 1.1.1.1 2.2.2.2 any -P in none\n\nspdadd 1.1.1.1 2.2.2.2 any -P in none;", 1, 1},
	    {"spdadd 1.1.1.1 2.2.2.2 any -P foo bar-baz\nadd 1.1.1.1 2.2.2.2 esp 0x100 -m transport -E null;",
	        1, 1},
	    {"flush; flush", 1, 1},
	    {"foo", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setkey_rig_read(&rig, cases[i].text);
		if (rig.n != cases[i].read || rig.n_errors != cases[i].errors)
			fail_msg("%s\nread %zu, %s", cases[i].text, rig.n, rig.messages);
		assert_int_equal(rig.code, SETKEY_FAULTY);
	}
}

static void test_callback_and_exit_end_the_reading(void **state)
{
	static const char *const words[] = {"exit", "quit", "bye"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char text[64];

		snprintf(text, sizeof(text), "flush; %s; spdflush; foo", words[i]);
		setkey_rig_read(&rig, text);
		assert_int_equal(rig.code, SETKEY_STOPPED);
		assert_int_equal(rig.n, 2);
		assert_int_equal(rig.stmts[1].verb, SETKEY_EXIT);
	}
	rig.stop_after = 2;
	setkey_rig_read(&rig, "flush; flush; flush; foo;");
	assert_int_equal(rig.code, SETKEY_STOPPED);
	setkey_rig_read(&rig, "foo; flush; flush; flush; foo;");
	assert_int_equal(rig.code, SETKEY_FAULTY);
	rig.stop_after = 0;
}

static void test_long_statements_are_refused_and_skipped(void **state)
{
	AUTO_FREE char *text = malloc(400000);

	(void)state;
	strcpy(text, "add 1.1.1.1 2.2.2.2 esp 0x100");
	for (size_t i = 0; i < 600; i++)
		strcat(text, " -u 1");
	strcat(text, " -E null; flush;");
	setkey_rig_read(&rig, text);
	assert_int_equal(rig.n, 1);
	assert_int_equal(rig.stmts[0].verb, SETKEY_FLUSH);
	assert_non_null(strstr(rig.messages, "this statement is too long"));

	strcpy(text, "add 1.1.1.1 2.2.2.2 ah 0x100 -A hmac-md5 \"");
	memset(text + strlen(text) + 1, 0, 1);
	memset(text + strlen(text), 'k', 300000);
	strcpy(text + 300042, "\" ; flush;");
	setkey_rig_read(&rig, text);
	assert_int_equal(rig.n, 1);
	assert_non_null(strstr(rig.messages, "this statement is too long"));
	assert_null(strstr(rig.messages, "kkk"));
}

static void test_errors_have_an_end(void **state)
{
	char text[1024] = "";

	(void)state;
	for (size_t i = 0; i < 200; i++)
		strcat(text, "x ;");
	strcat(text, "flush;");
	setkey_rig_read(&rig, text);
	assert_int_equal(rig.code, SETKEY_FAULTY);
	assert_int_equal(rig.n_errors, SETKEY_ERRORS_MAX + 1);
	assert_int_equal(rig.n, 0);
	assert_non_null(strstr(rig.messages, "100 errors: the rest of the file is not read"));
}

/* Thousands of quotes without partner must not take quadratic time: every scan to the end would. */
static void test_many_open_strings_are_read_once(void **state)
{
	static char text[300001];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i += 3)
		memcpy(text + i, "\"\n#", 3);
	setkey_rig_read_bytes(&rig, text, sizeof(text) - 1);
	assert_int_equal(rig.code, SETKEY_FAULTY);
}

static void test_complete_len_sees_strings_and_comments(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} cases[] = {
	    {"", 0},
	    {"flush", 0},
	    {"flush;", 6},
	    {"flush; add", 6},
	    {"a;b;c", 4},
	    {"# ;", 0},
	    {"# ;\n;", 5},
	    {"\";\"", 0},
	    {"\"#\";", 4},
	    {"\"\n;", 0},
	    {"; # \" ;\n x", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(setkey_complete_len(cases[i].text, strlen(cases[i].text)), cases[i].want);
}

/* Words of the language in random order: nothing to check but that it ends, and that its messages have a
 * place. */
static void test_random_words_always_end(void **state)
{
	static const char *const words[] = {"add", "spdadd", "flush", "get", "delete", "1.1.1.1", "2.2.2.2",
	    "::1", "esp", "ah", "0x100", "300", "-m", "-E", "-A", "-P", "in", "out", "ipsec", "none",
	    "esp/transport//use", "/", "-", "[", "]", "any", ";", ";", "\n", "\"key\"", "\"", "#", ",",
	    "tunnel", "3des-cbc", "null", "prio", "high", "+", "\\\n", "\xff"};
	struct rng_seeded rng;
	char text[2048];

	(void)state;
	rng_seeded_init(&rng, 4711);
	for (size_t round = 0; round < 3000; round++) {
		text[0] = '\0';
		for (uint32_t n = rng_below(&rng.rng, 40); n; n--) {
			strcat(text, words[rng_below(&rng.rng, ARRAY_SIZE(words))]);
			strcat(text, " ");
		}
		setkey_rig_read(&rig, text);
		assert_true(rig.code == 0 || rig.code == SETKEY_FAULTY);
		assert_true(!rig.n_errors || strncmp(rig.messages, "f:", 2) == 0);
		assert_null(strstr(rig.messages, "key\""));
	}
}

/* S43: every name of the system's table of protocols. The built-in list stands in where there is none. */
static void test_S43_system_names_of_protocols(void **state)
{
	static const struct {
		const char *name;
		uint16_t number;
	} cases[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmp6", 58}, {"ip4", 4}, {"esp", 50}, {"ah", 51},
	    {"gre", 47}};
	char line[256], name[64];
	unsigned number;
	uint16_t got;
	FILE *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(setkey_names_system.proto(cases[i].name, &got), 0);
		assert_int_equal(got, cases[i].number);
	}
	assert_true(setkey_names_system.proto("no-such-protocol", &got) < 0);
	assert_string_equal(setkey_proto_name(6), "tcp");
	assert_string_equal(setkey_proto_name(IPPROTO_ANY_), "any");
	f = fopen("/etc/protocols", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || sscanf(line, "%63s %u", name, &number) != 2 || number > 255)
			continue;
		assert_int_equal(setkey_names_system.proto(name, &got), 0);
		assert_int_equal(got, number);
	}
	if (f)
		fclose(f);
}

static void test_system_resolver_reads_numbers_and_refuses_names_under_n(void **state)
{
	struct inet_addr a[4];
	struct err_text e = {""};
	char text[INET_ADDR_STRLEN];

	(void)state;
	assert_int_equal(setkey_names_system.host("192.0.2.7", true, INET_NONE, a, 4, &e), 1);
	assert_string_equal(inet_addr_format(&a[0], text), "192.0.2.7");
	assert_true(setkey_names_system.host("localhost", true, INET_NONE, a, 4, &e) < 0);
	assert_true(e.s[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statements_carry_their_places),
	    cmocka_unit_test(test_place_of_the_text_can_be_given),
	    cmocka_unit_test(test_empty_texts_are_fine),
	    cmocka_unit_test(test_nul_and_high_bytes_are_told_and_skipped),
	    cmocka_unit_test(test_recovery_goes_on_where_the_next_statement_begins),
	    cmocka_unit_test(test_callback_and_exit_end_the_reading),
	    cmocka_unit_test(test_long_statements_are_refused_and_skipped),
	    cmocka_unit_test(test_errors_have_an_end),
	    cmocka_unit_test(test_many_open_strings_are_read_once),
	    cmocka_unit_test(test_complete_len_sees_strings_and_comments),
	    cmocka_unit_test(test_random_words_always_end),
	    cmocka_unit_test(test_S43_system_names_of_protocols),
	    cmocka_unit_test(test_system_resolver_reads_numbers_and_refuses_names_under_n),
	};
	int r;

	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey reader", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
