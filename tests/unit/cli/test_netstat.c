/*
 * netstat's words in every order and cluster people have in their notes (S30), and `stats`' own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "cli/stats.h"

/* Splits at blanks; returns argc. */
static int split(char *line, char *argv[10])
{
	int n = 0;

	for (char *w = strtok(line, " "); w && n < 9; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n] = NULL;
	return n;
}

struct accepted {
	const char *line;
	bool v4, v6, skip_zero, drops;
};

static void check(
    const struct accepted *a, int (*parse)(int, char **, struct stats_options *, struct err_text *))
{
	struct stats_options o;
	struct err_text e = {""};
	char line[128], *argv[10];
	int argc, r;

	snprintf(line, sizeof(line), "%s", a->line);
	argc = split(line, argv);
	r = parse(argc, argv, &o, &e);
	if (r != 0)
		fail_msg("`%s` refused: %s", a->line, e.s);
	assert_int_equal(o.v4, a->v4);
	assert_int_equal(o.v6, a->v6);
	assert_int_equal(o.skip_zero, a->skip_zero);
	assert_int_equal(o.drops, a->drops);
}

static void test_netstat_clusters_are_understood(void **state)
{
	static const struct accepted cases[] = {
	    {"netstat -nsp ipsec", true, false, false, false},
	    {"netstat -s -p ipsec", true, false, false, false},
	    {"netstat -sp ipsec", true, false, false, false},
	    {"netstat -p ipsec -s", true, false, false, false},
	    {"netstat -snp ipsec", true, false, false, false},
	    {"netstat -n -s -p ipsec", true, false, false, false},
	    {"netstat -p ipsec", true, false, false, false},
	    {"netstat -spipsec", true, false, false, false},
	    {"netstat -nsp ipsec6", false, true, false, false},
	    {"netstat -ssp ipsec", true, false, true, false},
	    {"netstat -ss -p ipsec6", false, true, true, false},
	    {"netstat -s -s -p ipsec", true, false, true, false},
	    {"netstat -p ipsec -ns", true, false, false, false},
	    {"netstat -s", true, true, false, false},
	    {"netstat -ss", true, true, true, false},
	    {"netstat -sp ipsec -p ipsec6", true, true, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&cases[i], netstat_parse);
}

static void test_stats_words_are_understood(void **state)
{
	static const struct accepted cases[] = {
	    {"stats", true, false, false, false},
	    {"stats -6", false, true, false, false},
	    {"stats ipsec6", false, true, false, false},
	    {"stats -4 -6", true, true, false, false},
	    {"stats -ss", true, false, true, false},
	    {"stats -6 -ss -d", false, true, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&cases[i], stats_parse);
}

static void test_netstat_other_words_are_refused_by_name(void **state)
{
	static const struct {
		const char *line, *named;
	} cases[] = {
	    {"netstat", "netstat -nsp ipsec"},
	    {"netstat -n", "netstat -nsp ipsec"},
	    {"netstat -sp", "-p needs"},
	    {"netstat -sp tcp", "`tcp`"},
	    {"netstat -sp pfkey", "PF_KEY"},
	    {"netstat -rn", "-r"},
	    {"netstat -nsx ipsec", "-x"},
	    {"netstat ipsec", "`ipsec`"},
	    {"netstat -nsp ipsec more", "`more`"},
	    {"netstat -", "`-`"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stats_options o;
		struct err_text e = {""};
		char line[128], *argv[10];
		int argc;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		argc = split(line, argv);
		assert_int_equal(netstat_parse(argc, argv, &o, &e), -EINVAL);
		if (!strstr(e.s, cases[i].named))
			fail_msg("`%s`: \"%s\" does not name %s", cases[i].line, e.s, cases[i].named);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_netstat_clusters_are_understood),
	    cmocka_unit_test(test_stats_words_are_understood),
	    cmocka_unit_test(test_netstat_other_words_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
