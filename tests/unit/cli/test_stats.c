/*
 * The statistics are an interface of text: the guide's own numbers must come out as the guide prints them
 * (S79 to S83), octet for octet, and our own lines only behind them.
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
#include "cli/stats.h"

static const char guide_text[] = "ipsec:\n"
                                 "\t406 inbound packets processed successfully\n"
                                 "\t0 inbound packets violated process security policy\n"
                                 "\t351 inbound packets with no SA available\n"
                                 "\t0 invalid inbound packets\n"
                                 "\t0 inbound packets failed due to insufficient memory\n"
                                 "\t0 inbound packets failed getting SPI\n"
                                 "\t0 inbound packets failed on AH replay check\n"
                                 "\t0 inbound packets failed on ESP replay check\n"
                                 "\t0 inbound packets considered authentic\n"
                                 "\t0 inbound packets failed on authentication\n"
                                 "\tESP input histogram:\n"
                                 "\t\t3des-cbc: 406\n"
                                 "\t582 outbound packets processed successfully\n"
                                 "\t0 outbound packets violated process security policy\n"
                                 "\t0 outbound packets with no SA available\n"
                                 "\t0 invalid outbound packets\n"
                                 "\t0 outbound packets failed due to insufficient memory\n"
                                 "\t0 outbound packets with no route\n"
                                 "\tESP output histogram:\n"
                                 "\t\t3des-cbc: 582\n"
                                 "\t0 inbound packets authenticated by ESP\n"
                                 "\t0 inbound packets failed on ESP authentication\n";

static void add_guide_numbers(struct counters *c)
{
	/* two services report; one of them knows the clear packets only */
	assert_int_equal(counters_add(c, "in_polvio", 0), 0);
	assert_int_equal(counters_add(c, "in_success", 400), 0);
	assert_int_equal(counters_add(c, "in_nosa", 351), 0);
	assert_int_equal(counters_add(c, "in_hist.esp.3des-cbc", 406), 0);
	assert_int_equal(counters_add(c, "in_hist.esp.rijndael-cbc", 0), 0);
	assert_int_equal(counters_add(c, "out_success", 582), 0);
	assert_int_equal(counters_add(c, "out_hist.esp.3des-cbc", 582), 0);
	assert_int_equal(counters_add(c, "in_success", 6), 0);
}

/* What stats_print() writes; malloc'd. */
static char *printed(const struct counters *c, struct stats_options o)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	stats_print(c, &o, f);
	fclose(f);
	return text;
}

static void test_stats_guide_numbers_print_as_the_guide_has_them(void **state)
{
	struct counters c AUTO_COUNTERS;
	AUTO_FREE char *text = NULL;

	counters_init(&c);
	add_guide_numbers(&c);
	text = printed(&c, (struct stats_options){.v4 = true});
	assert_string_equal(text, guide_text);
}

static void test_stats_plural_only_one_is_singular(void **state)
{
	static const struct {
		uint64_t n;
		const char *line;
	} cases[] = {
	    {0, "\t0 invalid inbound packets\n"},
	    {1, "\t1 invalid inbound packet\n"},
	    {2, "\t2 invalid inbound packets\n"},
	    {UINT64_MAX, "\t18446744073709551615 invalid inbound packets\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct counters c AUTO_COUNTERS;
		AUTO_FREE char *text = NULL;

		counters_init(&c);
		counters_add(&c, "in_inval", cases[i].n);
		text = printed(&c, (struct stats_options){.v4 = true});
		assert_non_null(strstr(text, cases[i].line));
	}
}

static void test_stats_one_packet_line_is_singular_everywhere(void **state)
{
	static const char *const names[] = {"in_success", "in_polvio", "in_nosa", "in_inval", "in_nomem",
	    "in_badspi", "in_ahreplay", "in_espreplay", "in_ahauthsucc", "in_ahauthfail", "out_success",
	    "out_polvio", "out_nosa", "out_inval", "out_nomem", "out_noroute", "in_espauthsucc",
	    "in_espauthfail"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct counters c AUTO_COUNTERS;
		AUTO_FREE char *text = NULL;

		counters_init(&c);
		counters_add(&c, names[i], 1);
		text = printed(&c, (struct stats_options){.v4 = true, .skip_zero = true});
		assert_memory_equal(text, "ipsec:\n\t1 ", 10);
		assert_null(strstr(text, "packets"));
		assert_ptr_equal(
		    strchr(text + 7, '\n'), text + strlen(text) - 1); /* and nothing but this line */
	}
}

static void test_stats_histograms_sorted_and_in_every_place(void **state)
{
	static const char want[] = "ipsec6:\n"
	                           "\tAH input histogram:\n"
	                           "\t\thmac-md5: 1\n"
	                           "\t\thmac-sha1: 2\n"
	                           "\t\thmac-sha2-512: 3\n"
	                           "\t\taes-gmac: 11\n"
	                           "\t\tmd5: 12\n"
	                           "\tESP input histogram:\n"
	                           "\t\t3des-cbc: 4\n"
	                           "\t\tnull: 5\n"
	                           "\t\trijndael-cbc: 6\n"
	                           "\t\taes-gcm-16: 7\n"
	                           "\t\taes-gmac: 13\n"
	                           "\t\tchacha20-poly1305: 14\n"
	                           "\t\t#99: 8\n"
	                           "\tIPComp input histogram:\n"
	                           "\t\toui: 17\n"
	                           "\t\tdeflate: 15\n"
	                           "\tAH output histogram:\n"
	                           "\t\thmac-sha2-256: 9\n"
	                           "\tESP output histogram:\n"
	                           "\t\tnull: 10\n"
	                           "\tIPComp output histogram:\n"
	                           "\t\tdeflate: 16\n";
	struct counters c AUTO_COUNTERS;
	AUTO_FREE char *text = NULL;

	counters_init(&c);
	counters_add(&c, "ip6.in_hist.ipcomp.deflate", 15);
	counters_add(&c, "ip6.in_hist.ipcomp.oui", 17);
	counters_add(&c, "ip6.out_hist.ipcomp.deflate", 16);
	counters_add(&c, "ip6.in_hist.esp.chacha20-poly1305", 14);
	counters_add(&c, "ip6.in_hist.esp.aes-gmac", 13);
	counters_add(&c, "ip6.in_hist.ah.md5", 12);
	counters_add(&c, "ip6.in_hist.ah.aes-gmac", 11);
	counters_add(&c, "ip6.out_hist.esp.null", 10);
	counters_add(&c, "ip6.out_hist.ah.hmac-sha2-256", 9);
	counters_add(&c, "ip6.in_hist.esp.#99", 8);
	counters_add(&c, "ip6.in_hist.esp.aes-gcm-16", 7);
	counters_add(&c, "ip6.in_hist.esp.rijndael-cbc", 6);
	counters_add(&c, "ip6.in_hist.esp.null", 5);
	counters_add(&c, "ip6.in_hist.esp.3des-cbc", 4);
	counters_add(&c, "ip6.in_hist.ah.hmac-sha2-512", 3);
	counters_add(&c, "ip6.in_hist.ah.hmac-sha1", 2);
	counters_add(&c, "ip6.in_hist.ah.hmac-md5", 1);
	counters_add(&c, "in_hist.ah.hmac-md5", 77); /* the other family's */
	text = printed(&c, (struct stats_options){.v6 = true, .skip_zero = true});
	assert_string_equal(text, want);
}

static void test_stats_drops_listed_by_reason(void **state)
{
	struct counters c AUTO_COUNTERS;
	AUTO_FREE char *text = NULL;

	counters_init(&c);
	counters_add(&c, "drop.replay", 3);
	counters_add(&c, "drop.short", 0);
	counters_add(&c, "ip6.drop.replay", 4);
	text = printed(&c, (struct stats_options){.drops = true, .skip_zero = true});
	assert_string_equal(text, "drops:\n\t3 replay\n\t4 replay (IPv6)\n");
}

static void test_stats_counters_refuse_endless_names(void **state)
{
	struct counters c AUTO_COUNTERS;
	char name[COUNTER_NAME_MAX + 1];

	counters_init(&c);
	memset(name, 'x', COUNTER_NAME_MAX);
	name[COUNTER_NAME_MAX] = '\0';
	assert_true(counters_add(&c, name, 1) < 0);
	name[COUNTER_NAME_MAX - 1] = '\0';
	assert_int_equal(counters_add(&c, name, 1), 0);
	for (int i = 1; i < COUNTERS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(counters_add(&c, name, 1), 0);
	}
	assert_true(counters_add(&c, "one-more", 1) < 0);
	assert_int_equal(counters_get(&c, "one-more"), 0);
	assert_int_equal(counters_add(&c, "n5", 4), 0); /* known names still add up */
	assert_int_equal(counters_get(&c, "n5"), 5);
}

static void test_stats_json_has_every_member(void **state)
{
	struct counters c AUTO_COUNTERS;
	json_t *doc, *set;

	counters_init(&c);
	add_guide_numbers(&c);
	counters_add(&c, "drop.replay", 3);
	counters_add(&c, "ip6.drop.guard", 2);
	counters_add(&c, "acquires", 9);
	doc = stats_json(&c);
	assert_int_equal(json_integer_value(json_object_get(doc, "schema_version")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "drops"), "replay")), 3);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "other"), "acquires")), 9);
	set = json_object_get(doc, "ipsec");
	assert_int_equal(json_integer_value(json_object_get(set, "in_success")), 406);
	assert_int_equal(json_integer_value(json_object_get(set, "in_nosa")), 351);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(set, "in_hist_esp"), "3des-cbc")), 406);
	assert_int_equal(json_object_size(json_object_get(set, "in_hist_esp")), 1);
	assert_int_equal(json_object_size(json_object_get(set, "out_hist_ah")), 0);
	assert_int_equal(json_object_size(set), 24);
	assert_int_equal(json_object_size(json_object_get(doc, "ipsec6")), 24);
	assert_int_equal(json_object_size(json_object_get(doc, "other")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "drops_ipv6"), "guard")), 2);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stats_guide_numbers_print_as_the_guide_has_them),
	    cmocka_unit_test(test_stats_plural_only_one_is_singular),
	    cmocka_unit_test(test_stats_one_packet_line_is_singular_everywhere),
	    cmocka_unit_test(test_stats_histograms_sorted_and_in_every_place),
	    cmocka_unit_test(test_stats_drops_listed_by_reason),
	    cmocka_unit_test(test_stats_counters_refuse_endless_names),
	    cmocka_unit_test(test_stats_json_has_every_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
