/*
 * setkey as a program: options, exit codes, what is sent in which order, and what is said on which stream,
 * against a suite that only keeps lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/sbuf.h"
#include "support/setkey_ran.h"

#define ADD1 "add 192.0.2.1 192.0.2.2 esp 0x101 -E 3des-cbc \"0123456789abcdef01234567\";\n"
#define ADD2 "add 192.0.2.2 192.0.2.1 ah 0x102 -A hmac-md5 \"secretsecretkey!\";\n"
#define POL1 "spdadd 192.0.2.1 192.0.2.2 any -P out ipsec esp/transport//require;\n"
#define POL2 "spdadd 192.0.2.2 192.0.2.1 any -P in none;\n"

static void test_compat_runs_statement_by_statement(void **state)
{
	AUTO_RAN r = RUN(true, "flush; spdflush;\n" ADD1 POL1 ADD2 POL2, "-f", "-");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said, "d.flush p.flush d.add p.put d.add p.put p.barrier");
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "");
}

/* setkey.md 12.4: told and forgotten, the rest is applied, exit 0 (D2). */
static void test_compat_refusal_is_told_and_forgotten(void **state)
{
	AUTO_RAN r = RUN(true,
	    POL1 POL1 ADD1 ADD1
	    "delete 192.0.2.1 192.0.2.9 esp\n 0x500; spddelete 1.1.1.1 2.2.2.2 any -P in; " POL2,
	    "-f", "-");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said, "p.put p.put d.add d.add d.delete p.delete p.put p.barrier");
	assert_string_equal(r.err,
	    "The result of line 2: File exists.\n"
	    "The result of line 4: File exists.\n"
	    "stdin:4:1: an SA with this destination, protocol and SPI is there already\n"
	    "The result of line 6: No entry.\n");
}

/* setkey.md 12.5 with D3: what can be read is applied, exit 1. */
static void test_compat_syntax_error_in_the_middle(void **state)
{
	AUTO_RAN r = RUN(true, ADD1 ADD2 "add oops;\n" POL1 POL2, "-f", "-");
	AUTO_RAN strict = RUN(true, "flush; spdflush;\n" ADD1 "add oops;\n" POL1, "-f", "-", "--strict");

	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.said, "d.add d.add p.put p.put p.barrier");
	assert_string_equal(r.err, "stdin:3:9: Syntax error at [;]; expected the destination address\n");
	assert_int_equal(strict.code, 1);
	assert_string_equal(strict.said, "d.flush p.flush d.add p.barrier");
}

/* More statements than may be under way: each refusal is told with its own line, before whatever stands
 * behind it. */
static void test_compat_many_statements_keep_their_order(void **state)
{
	AUTO_SBUF struct sbuf text = {0};
	AUTO_SBUF struct sbuf want = {0};
	AUTO_RAN r = {0};
	unsigned line = 0;

	(void)state;
	for (unsigned i = 1; i <= 60; i++) {
		bool again = i % 7 == 0;

		for (int n = 0; n <= again; n++, line++)
			sbuf_add(&text, "spdadd 10.0.0.%u 192.0.2.1 any -P in none;\n", i);
		if (again)
			sbuf_add(&want, "The result of line %u: File exists.\n", line);
		if (i % 30)
			continue;
		sbuf_add(&text, "add oops;\n");
		sbuf_add(
		    &want, "stdin:%u:9: Syntax error at [;]; expected the destination address\n", ++line);
	}
	sbuf_add(&text, "spddump;\n");
	r = RUN(true, sbuf_str(&text), "-f", "-");
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err, sbuf_str(&want));
	assert_non_null(strstr(r.out, "10.0.0.60[any] 192.0.2.1[any] any\n"));
}

static void test_compat_barrier_that_fails_is_an_error(void **state)
{
	AUTO_RAN r = {0};

	ran_suite->refuse_barrier = true;
	ran_suite_restart();
	r = RUN(true, POL1, "-f", "-");
	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err, "setkey: the policies are in the SPD, but they are not in force yet: the "
	                           "kernel does not take the rules\n");
}

static void test_native_is_one_transaction_on_both(void **state)
{
	AUTO_RAN r = RUN(false, "flush;\n" ADD1 POL1 ADD2 POL2, "-f", "-");
	AUTO_RAN sas_only = RUN(false, "flush;\n" ADD1, "-f", "-");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(
	    r.said, "d.begin d.flush d.add p.begin p.put d.add p.put p.prepare d.commit p.commit p.barrier");
	assert_string_equal(sas_only.said, "d.begin d.flush d.add d.commit");
}

static void test_native_sends_nothing_of_a_file_with_an_error(void **state)
{
	AUTO_RAN r = RUN(false, ADD1 "spdadd oops;\n", "-f", "-");

	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.said, "");
	assert_string_equal(r.err, "stdin:2:12: Syntax error at [;]; expected the destination address\n"
	                           "ipsecctl: nothing of stdin was applied; repair the lines above first.\n");
}

static void test_native_refusal_restores_what_was_before(void **state)
{
	AUTO_RAN before = RUN(true, ADD1 POL1, "-f", "-");
	AUTO_RAN r = RUN(false, ADD2 POL2 POL1 ADD1 "flush;", "-f", "-");
	AUTO_RAN sad = RUN(true, "", "-D"), spd = RUN(true, "", "-DP");

	(void)state;
	assert_int_equal(before.code, 0);
	assert_int_equal(r.code, 1);
	assert_string_equal(r.said,
	    "d.begin d.add p.begin p.put p.put p.abort d.abort " /* quickly, up to a refusal; then to tell all
	                                                          */
	    "d.begin d.add p.begin p.put p.put d.add d.flush p.abort d.abort");
	assert_string_equal(r.err,
	    "stdin:3:1: spdadd was refused: File exists.\n"
	    "stdin:4:1: add was refused: File exists: an SA with this destination, protocol and SPI is there "
	    "already\n"
	    "ipsecctl: nothing of stdin was applied; everything is as it was before.\n");
	assert_non_null(strstr(sad.out, "spi=257(0x00000101)"));
	assert_non_null(strstr(sad.out, "sadb_seq=0"));
	assert_null(strstr(sad.out, "spi=258(0x00000102)"));
	assert_non_null(strstr(spd.out, "192.0.2.1[any] 192.0.2.2[any] any\n\tout ipsec\n"));
	assert_null(strstr(spd.out, "in none"));
}

static void test_native_reads_come_after_the_commit(void **state)
{
	AUTO_RAN r = RUN(false,
	    "dump;\n" ADD1 "spddump; get 192.0.2.1 192.0.2.2 esp 0x101; get 192.0.2.1 192.0.2.2 ah 0x999;",
	    "-f", "-");

	(void)state;
	assert_string_equal(r.said, "d.begin d.add d.commit d.dump p.dump d.get d.get");
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err, "stdin:3:45: get was refused: No entry.\n");
	assert_non_null(strstr(r.out, "No SPD entries.\n"));
}

static void test_native_commit_that_fails_is_told(void **state)
{
	AUTO_RAN r = {0};

	ran_suite->refuse_policy_commit = true;
	ran_suite_restart();
	r = RUN(false, ADD1 POL1, "-f", "-");
	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err,
	    "ipsecctl: policyd did not take the policies of stdin over; they are sent once more.\n"
	    "ipsecctl: no room for all of it\n"
	    "ipsecctl: the SAs of stdin are in force, its policies are not: the SPD is as it was before. "
	    "Once "
	    "`ipsecctl status` shows policyd up, run the same command again: that finishes it.\n");
}

static void test_full_sad_is_said_once_by_native_and_per_statement_by_compat(void **state)
{
	AUTO_RAN native = {0}, compat = {0};

	ran_suite->sad_full = true;
	ran_suite_restart();
	native = RUN(false, ADD1 ADD2, "-f", "-");
	compat = RUN(true, ADD1 ADD2, "-f", "-");
	(void)state;
	assert_string_equal(native.said, "d.begin d.add d.add d.abort d.begin d.add d.abort");
	assert_non_null(strstr(native.err, "stdin:1:1: add was refused: "));
	assert_non_null(strstr(native.err, "the SAD is full"));
	assert_null(strstr(native.err, "stdin:2"));
	assert_string_equal(compat.said, "d.add d.add");
	assert_non_null(strstr(compat.err, "The result of line 2"));
}

static void test_native_policyd_that_ends_between_the_commits_gets_its_policies_again(void **state)
{
	AUTO_RAN r = {0};
	AUTO_RAN spd = {0};

	ran_suite->end_policy_commits = 1;
	ran_suite_restart();
	r = RUN(false, ADD1 POL1, "-f", "-");
	spd = RUN(true, "", "-DP");
	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said,
	    "d.begin d.add p.begin p.put p.prepare d.commit p.commit p.begin p.put p.commit "
	    "p.barrier");
	assert_non_null(strstr(spd.out, "192.0.2.1[any] 192.0.2.2[any] any\n\tout ipsec\n"));
}

/* The message promises it: the same file again finishes what the first run left. */
static void test_native_half_applied_is_finished_by_the_same_command(void **state)
{
	AUTO_RAN first = {0}, other = {0}, again = {0}, third = {0}, spd = {0};

	ran_suite->refuse_policy_commits = 2;
	ran_suite_restart();
	first = RUN(false, ADD1 ADD2 POL1, "-f", "-");
	/* Not this file: one of its SAs has another key. */
	other = RUN(false, ADD1 "add 192.0.2.2 192.0.2.1 ah 0x102 -A hmac-md5 \"secretsecretkey?\";\n" POL1,
	    "-f", "-");
	again = RUN(false, ADD1 ADD2 POL1, "-f", "-");
	third = RUN(false, ADD1 ADD2 POL1, "-f", "-");
	spd = RUN(true, "", "-DP");
	(void)state;
	assert_int_equal(first.code, 1);
	assert_int_equal(other.code, 1);
	assert_non_null(strstr(other.err, "stdin:1:1: add was refused: File exists"));
	assert_int_equal(again.code, 0);
	assert_string_equal(again.err, "");
	assert_string_equal(again.said,
	    "d.begin d.add d.add d.abort d.begin d.add d.get d.get d.abort p.begin p.put p.commit p.barrier");
	assert_non_null(strstr(spd.out, "192.0.2.1[any] 192.0.2.2[any] any\n\tout ipsec\n"));
	assert_int_equal(third.code, 1); /* all of it is there */
}

/* The answer to the second policy is the end of the connection; the barrier finds nobody. */
static void test_connection_that_ends_is_an_error(void **state)
{
	AUTO_RAN r = {0};

	ran_suite->end_after = 2;
	ran_suite_restart();
	r = RUN(true, POL1 POL2 ADD1, "-f", "-");
	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.said, "p.put p.put d.add");
	assert_int_equal(strncmp(r.err, "The result of line 2: ", 22), 0);
	assert_non_null(strstr(r.err, "\nsetkey: policyd ended the connection"));
}

static void test_interactive_goes_on_after_errors_and_ends_with_0(void **state)
{
	AUTO_RAN r = RUN(true,
	    "flush; add 192.0.2.1 192.0.2.2\n esp 0x101 # half ;\n -E null;\nfoo;\nspdflush\n;" POL1
	    "quit;\nflush;",
	    "-c");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said, "d.flush d.add p.flush p.put p.barrier");
	assert_string_equal(r.err,
	    "stdin:4:1: Syntax error at [foo]; a statement begins with add, spdadd, flush or the like\n");
}

static void test_interactive_runs_what_the_end_of_input_leaves(void **state)
{
	AUTO_RAN r = RUN(true, "flush;\nspdflush", "-c");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said, "d.flush");
	assert_non_null(strstr(r.err, "has no `;`"));
}

static void test_dumps_of_empty_databases(void **state)
{
	AUTO_RAN sad = RUN(true, "", "-D"), spd = RUN(true, "", "-DP"),
	         script = RUN(true, "dump; spddump;", "-f", "-");

	(void)state;
	assert_int_equal(sad.code | spd.code | script.code, 0);
	assert_string_equal(sad.out, "No SAD entries.\n");
	assert_string_equal(spd.out, "No SPD entries.\n");
	assert_string_equal(script.out, "No SAD entries.\nNo SPD entries.\n");
}

/* S25, S26 and the clusters seen in the wild; the last mode wins. */
static void test_S25_S26_flush_and_other_clusters(void **state)
{
	static const struct {
		const char *words[4];
		const char *said;
	} cases[] = {
	    {{"-F"}, "d.flush"},
	    {{"-FP"}, "p.flush p.barrier"},
	    {{"-PF"}, "p.flush p.barrier"},
	    {{"-P", "-F"}, "p.flush p.barrier"},
	    {{"-F", "-D"}, "d.dump"},
	    {{"-DF"}, "d.flush"},
	    {{"-PD"}, "p.dump"},
	    {{"-DP"}, "p.dump"},
	    {{"-aD"}, "d.dump"},
	    {{"-apD"}, "d.dump"},
	    {{"-DPg"}, "p.dump"},
	    {{"-c", "-F"}, "d.flush"},
	    {{"-f", "/nonexistent", "-F"}, "d.flush"},
	    {{"-f/nonexistent", "-FP"}, "p.flush p.barrier"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_RAN r = ran_setkey(true, "", cases[i].words);

		assert_int_equal(r.code, 0);
		assert_string_equal(r.said, cases[i].said);
	}
}

static void test_keys_are_shown_to_root_only(void **state)
{
	AUTO_RAN first = RUN(true, ADD1 ADD2, "-f", "-"), open = RUN(true, "", "-D"), hidden = {0};

	(void)state;
	assert_int_equal(first.code, 0);
	assert_non_null(
	    strstr(open.out, "\tE: 3des-cbc  30313233 34353637 38396162 63646566 30313233 34353637\n"));
	assert_non_null(strstr(open.out, "\tA: hmac-md5  73656372 65747365 63726574 6b657921\n"));
	ran_suite->hide_keys = true;
	ran_suite_restart();
	first = (ran_fini(&first), RUN(true, ADD1, "-f", "-"));
	hidden = RUN(true, "", "-D");
	assert_non_null(
	    strstr(hidden.out, "\tE: 3des-cbc  -------- -------- -------- -------- -------- --------\n"));
	assert_null(strstr(hidden.out, "30313233"));
}

static void test_verbose_shows_messages_and_no_keys(void **state)
{
	AUTO_RAN r = RUN(true, ADD1 ADD1 POL1, "-vH", "-f", "-");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.err, "> datapathd add 192.0.2.1 192.0.2.2 esp spi=257(0x00000101)"));
	assert_non_null(strstr(r.err, "E: 3des-cbc (key of 24 bytes)"));
	assert_non_null(strstr(r.err, "< datapathd refused (File exists)"));
	assert_non_null(strstr(r.err, "> policyd spdadd 192.0.2.1[any] 192.0.2.2[any] any -P out ipsec "
	                              "esp/transport//require\n00000000: "));
	assert_non_null(strstr(r.err, "< policyd done version=9"));
	/* The only bytes shown are those of the policy: the two requests with a key are left out. */
	assert_ptr_equal(
	    strstr(r.err, "00000000: "), strstr(r.err, "require\n00000000: ") + strlen("require\n"));
	assert_null(strstr(strstr(r.err, "00000000: ") + 1, "00000000: "));
	assert_null(strstr(r.err, "0123456789abcdef01234567"));
}

static void test_parse_only_says_and_sends_nothing(void **state)
{
	AUTO_RAN compat = RUN(true, ADD1 POL1, "-n", "-f", "-"), native = RUN(false, ADD1 POL1, "-nf", "-");
	AUTO_RAN tokens = RUN(true, POL1, "-d", "-f", "-"), bad = RUN(true, "foo;", "-nc");

	(void)state;
	assert_int_equal(compat.code | native.code | bad.code, 0);
	assert_string_equal(compat.said, "");
	assert_string_equal(native.said, "");
	assert_non_null(strstr(tokens.err, "> policyd spdadd "));
	assert_non_null(strstr(bad.err, "Syntax error at [foo]"));
}

static void test_monitor_prints_time_and_event(void **state)
{
	AUTO_RAN r = RUN(true, "", "-xx"), hex = RUN(true, "", "-hx");

	(void)state;
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "1741000500.123000\n(3 events were left out: they came too fast)\n"
	                           "policyd spd.add: spid=1?[2J\n");
	assert_int_equal(hex.out[2], ':');
	assert_non_null(strstr(hex.out, ".123000\n"));
	assert_non_null(strstr(hex.out, "\n00000000: "));
}

static void test_stopped_suite_is_said_with_the_remedy(void **state)
{
	AUTO_RAN dump = RUN(true, "", "-D"), load = RUN(true, ADD1, "-f", "-"),
	         native = RUN(false, POL1, "-f", "-");

	(void)state;
	assert_int_equal(dump.code, 1);
	assert_int_equal(load.code, 1);
	assert_int_equal(native.code, 1);
	assert_non_null(strstr(dump.err, "the suite is not running"));
	assert_non_null(strstr(load.err, "postern-supervisor"));
	assert_string_equal(dump.out, "");
}

static void test_command_lines_that_make_no_sense(void **state)
{
	AUTO_RAN none = RUN(true, "", NULL), odd = RUN(true, "", "-z"), more = RUN(true, "", "-D", "extra"),
	         no_file = RUN(true, "", "-f");
	AUTO_RAN operand = RUN(true, "", "saved.pfkey"), missing = RUN(true, "", "-f", "/nonexistent/file");
	AUTO_RAN help = RUN(false, "", "-h"), version = RUN(true, "", "-V"), native = RUN(false, "", "-z");

	(void)state;
	assert_int_equal(none.code, 1);
	assert_int_equal(strncmp(none.out, "usage: setkey ", 14), 0);
	assert_int_equal(odd.code, 1);
	assert_int_equal(strncmp(odd.err, "setkey: there is no option -z\nusage: ", 37), 0);
	assert_int_equal(strncmp(more.err, "setkey: `extra` is one word too many\n", 37), 0);
	assert_int_equal(more.code, 1);
	assert_int_equal(no_file.code | operand.code | missing.code, 1);
	assert_string_equal(
	    missing.err, "setkey: Can't open /nonexistent/file: No such file or directory.\n");
	assert_int_equal(help.code | version.code, 0);
	assert_int_equal(strncmp(version.out, "setkey (Postern) ", 17), 0);
	assert_int_equal(native.code, 2);
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, ran_suite_start, ran_suite_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVED(test_compat_runs_statement_by_statement),
	    SERVED(test_compat_refusal_is_told_and_forgotten),
	    SERVED(test_compat_syntax_error_in_the_middle),
	    SERVED(test_compat_many_statements_keep_their_order),
	    SERVED(test_compat_barrier_that_fails_is_an_error),
	    SERVED(test_native_is_one_transaction_on_both),
	    SERVED(test_native_sends_nothing_of_a_file_with_an_error),
	    SERVED(test_native_refusal_restores_what_was_before),
	    SERVED(test_native_reads_come_after_the_commit),
	    SERVED(test_native_commit_that_fails_is_told),
	    SERVED(test_full_sad_is_said_once_by_native_and_per_statement_by_compat),
	    SERVED(test_native_policyd_that_ends_between_the_commits_gets_its_policies_again),
	    SERVED(test_native_half_applied_is_finished_by_the_same_command),
	    SERVED(test_connection_that_ends_is_an_error),
	    SERVED(test_interactive_goes_on_after_errors_and_ends_with_0),
	    SERVED(test_interactive_runs_what_the_end_of_input_leaves),
	    SERVED(test_dumps_of_empty_databases),
	    SERVED(test_S25_S26_flush_and_other_clusters),
	    SERVED(test_keys_are_shown_to_root_only),
	    SERVED(test_verbose_shows_messages_and_no_keys),
	    SERVED(test_parse_only_says_and_sends_nothing),
	    SERVED(test_monitor_prints_time_and_event),
	    cmocka_unit_test(test_stopped_suite_is_said_with_the_remedy),
	    cmocka_unit_test(test_command_lines_that_make_no_sense),
	};

	return cmocka_run_group_tests_name("cli/setkey", tests, NULL, NULL);
}
