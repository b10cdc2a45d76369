/*
 * `set`: what reaches which service, and the sentence that confirms it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "support/setkey_ran.h"

static void test_set_each_value_is_sent_and_confirmed(void **state)
{
	static const struct {
		const char *name, *value, *said, *sentence;
	} cases[] = {
	    {"ipsec_enable", "1", "p.enable:1", "IPsec is on"},
	    {"ipsec_enable", "0", "p.enable:0", "IPsec is off"},
	    {"key_preferred_oldsa", "0", "d.set:key_preferred_oldsa=0", "the newest one is used"},
	    {"key_preferred_oldsa", "1", "d.set:key_preferred_oldsa=1", "the oldest one is used"},
	    {"dfbit", "0", "d.set:dfbit=0", "never have the don't-fragment bit"},
	    {"dfbit", "1", "d.set:dfbit=1", "always have the don't-fragment bit"},
	    {"dfbit", "2", "d.set:dfbit=2", "have the inner header's don't-fragment bit"},
	    {"ecn", "0", "d.set:ecn=0", "do not pass"},
	    {"ecn", "1", "d.set:ecn=1", "Congestion marks pass"},
	    {"dscp", "0", "d.set:dscp=0", "a traffic class of zero"},
	    {"dscp", "1", "d.set:dscp=1", "the inner header's traffic class"},
	    {"esp_trans_deflev", "1", "p.set:esp_trans_deflev=1", "esp in transport mode means `use`"},
	    {"esp_net_deflev", "2", "p.set:esp_net_deflev=2", "esp in tunnel mode means `require`"},
	    {"ah_trans_deflev", "2", "p.set:ah_trans_deflev=2", "ah in transport mode means `require`"},
	    {"ah_net_deflev", "1", "p.set:ah_net_deflev=1", "ah in tunnel mode means `use`"},
	    {"dummy", "0", "d.set:dummy=0", "No dummy packets"},
	    {"dummy", "30", "d.set:dummy=30", "after 30 quiet seconds"},
	    {"keepalive", "0", "d.set:keepalive=0", "No NAT keepalives"},
	    {"keepalive", "1", "d.set:keepalive=1", "after 1 quiet seconds"},
	    {"keepalive", "255", "d.set:keepalive=255", "after 255 quiet seconds"},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_RAN r = RUN_VERB(false, "set", cases[i].name, cases[i].value);

		assert_int_equal(r.code, 0);
		assert_string_equal(r.said, cases[i].said);
		assert_non_null(strstr(r.out, cases[i].sentence));
		assert_string_equal(r.err, "");
	}
}

static void test_set_refusal_is_told(void **state)
{
	AUTO_RAN r = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	ran_suite->refuse_settings = true;
	ran_suite_restart();
	r = RUN_VERB(false, "set", "dfbit", "2");
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "ipsecctl: dfbit: there is no such setting\n");
}

static void test_set_nonsense_reaches_nobody(void **state)
{
	static const char *const values[] = {"3", "-1", "", "00", "2x", "copy"};
	static const char *const levels[] = {"0", "3", "use", ""};
	static const char *const intervals[] = {"256", "20s", "", "-1", "020", "4294967297"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		AUTO_RAN r = RUN_VERB(false, "set", "dfbit", values[i]);

		assert_int_equal(r.code, 2);
		assert_string_equal(r.said, "");
		assert_non_null(strstr(r.err, "dfbit is 0, 1 or 2, not `"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		AUTO_RAN r = RUN_VERB(false, "set", "esp_net_deflev", levels[i]);

		assert_int_equal(r.code, 2);
		assert_string_equal(r.said, "");
		assert_non_null(strstr(r.err, "esp_net_deflev is 1 (use) or 2 (require), not `"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		AUTO_RAN r = RUN_VERB(false, "set", "keepalive", intervals[i]);

		assert_int_equal(r.code, 2);
		assert_string_equal(r.said, "");
		assert_non_null(strstr(r.err, "keepalive is a number of seconds from 0 to 255, not `"));
	}
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, ran_suite_start, ran_suite_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVED(test_set_each_value_is_sent_and_confirmed),
	    SERVED(test_set_refusal_is_told),
	    SERVED(test_set_nonsense_reaches_nobody),
	};

	return cmocka_run_group_tests_name("cli/set", tests, NULL, NULL);
}
