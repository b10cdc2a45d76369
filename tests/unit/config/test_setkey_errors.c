/*
 * The table of malformed statements (errors.txt): what is told, where, and what is read all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/setkey_rig.h"

enum { CASES_MIN = 380 };

static const char *table_path;
static struct setkey_rig rig;

struct one_case {
	unsigned number;
	char text[8192], want[8192], read[256];
};

/* Lines are collected until an empty one; a case is whole when it has text. */
static bool next_case(FILE *f, struct one_case *c)
{
	char line[2048];

	c->text[0] = c->want[0] = c->read[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '\n' && c->text[0])
			break;
		if (line[0] == '>')
			strcat(c->text, line[1] == ' ' ? line + 2 : line + 1);
		else if (line[0] == '=')
			strcat(c->want, line + 2);
		else if (line[0] == '!')
			strcpy(c->read, line + 1);
	}
	c->number++;
	return c->text[0] != '\0';
}

/* " flush spdadd\n", as the table has it. */
static void verbs_read(char *buf, size_t room)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < rig.n; i++)
		at += (size_t)snprintf(buf + at, room - at, " %s%s", setkey_verb_name(rig.stmts[i].verb),
		    i + 1 == rig.n ? "\n" : "");
}

static void test_errors_each_row_is_told_word_for_word(void **state)
{
	FILE *f = fopen(table_path, "r");
	struct one_case c = {0};
	unsigned n_bad = 0;
	char verbs[256];

	(void)state;
	assert_non_null(f);
	while (next_case(f, &c)) {
		setkey_rig_read(&rig, c.text);
		verbs_read(verbs, sizeof(verbs));
		if (rig.code == SETKEY_FAULTY && strcmp(rig.messages, c.want) == 0 &&
		    strcmp(verbs, c.read) == 0)
			continue;
		n_bad++;
		print_error("case %u, outcome %d:\n%swant: %s%sgot:  %s%s\n", c.number, rig.code, c.text,
		    c.want, c.read, rig.messages, verbs);
	}
	fclose(f);
	assert_int_equal(n_bad, 0);
	assert_true(c.number > CASES_MIN);
}

/* Whatever stands between quotes, and every run of more than 16 hex digits, may be a key. */
static bool shows_a_key(const char *text, const char *messages)
{
	char part[128];

	for (const char *p = strchr(text, '"'); p; p = strchr(p + 1, '"')) {
		size_t n = strcspn(p + 1, "\"\n");

		if (n < 5 || n >= sizeof(part))
			continue;
		memcpy(part, p + 1, n);
		part[n] = '\0';
		if (strstr(messages, part))
			return true;
	}
	return false;
}

static void test_errors_no_message_shows_a_key(void **state)
{
	FILE *f = fopen(table_path, "r");
	struct one_case c = {0};

	(void)state;
	assert_non_null(f);
	while (next_case(f, &c)) {
		setkey_rig_read(&rig, c.text);
		if (shows_a_key(c.text, rig.messages))
			fail_msg("case %u: %s", c.number, rig.messages);
	}
	fclose(f);
}

/* In strict mode the first error ends the reading. */
static void test_errors_strict_stops_at_the_first(void **state)
{
	(void)state;
	rig.strict = true;
	setkey_rig_read(&rig, "flush;\nfoo; spdflush;\nbar;");
	rig.strict = false;
	assert_int_equal(rig.code, SETKEY_FAULTY);
	assert_int_equal(rig.n, 1);
	assert_non_null(strstr(rig.messages, "f:2:1: Syntax error at [foo]"));
	assert_non_null(strstr(rig.messages, "\nparse failed, line 2.\n"));
	assert_null(strstr(rig.messages, "bar"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors_each_row_is_told_word_for_word),
	    cmocka_unit_test(test_errors_no_message_shows_a_key),
	    cmocka_unit_test(test_errors_strict_stops_at_the_first),
	};
	int r;

	if (argc != 2)
		return 2;
	table_path = argv[1];
	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey errors", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
