/*
 * What `show` and racoonctl print of given rows, and what they make of their words.
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
#include "cli/ike/json.h"
#include "cli/racoonctl/racoonctl.h"

static const struct inet_addr everybody = {.family = INET_NONE};

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

static struct ike_id named(const char *text)
{
	struct ike_id id = {.kind = IKE_ID_FQDN, .len = (uint16_t)strlen(text)};

	memcpy(id.data, text, id.len);
	return id;
}

static struct ike_sa_view sa(uint64_t number, const char *remote)
{
	struct ike_sa_view v = {.number = number,
	    .version = 1,
	    .state = IKE_VIEW_ESTABLISHED,
	    .step = "established",
	    .initiator = true,
	    .mode = IKE_MODE_AGGRESSIVE,
	    .local = addr("10.0.0.100"),
	    .remote = addr(remote),
	    .local_port = 500,
	    .remote_port = 500,
	    .spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
	    .spi_r = {0xf1, 2, 3, 4, 5, 6, 7, 0xf8},
	    .peer = "anonymous",
	    .local_id = named("a.example"),
	    .remote_id = named("b.example"),
	    .enc = ALG_ENC_AES_CBC,
	    .key_bits = 256,
	    .prf = ALG_PRF_HMAC_SHA256,
	    .group = ALG_GROUP_MODP2048,
	    .auth = IKE_AUTH_RSA,
	    .age_ms = 61000,
	    .left_ms = 3539000,
	    .nat_there = true,
	    .dpd = true};

	return v;
}

static struct ike_child_view child(uint64_t number, const char *remote)
{
	struct ike_child_view v = {.number = number,
	    .version = 1,
	    .state = IKE_VIEW_ESTABLISHED,
	    .step = "established",
	    .local = addr("10.0.0.100"),
	    .remote = addr(remote),
	    .local_port = 500,
	    .remote_port = 500,
	    .has_selector = true,
	    .policy = 7,
	    .age_ms = 5000,
	    .left_ms = 35995000,
	    .seconds = 36000,
	    .group = ALG_GROUP_MODP1024,
	    .n_parts = 1};

	v.selector.src = (struct inet_prefix){addr("192.168.1.0"), 24};
	v.selector.dst = (struct inet_prefix){addr("192.168.2.0"), 24};
	v.selector.proto = IPPROTO_ANY_;
	v.part[0] = (struct ike_part_view){.proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .spi_in = 0xdb81081,
	    .spi_out = 0x1234,
	    .enc = ALG_ENC_3DES_CBC,
	    .auth = ALG_AUTH_HMAC_SHA1};
	return v;
}

static void add_sa(struct ike_rows *r, struct ike_sa_view v)
{
	assert_int_equal(ike_rows_add_sa(r, &v), 0);
}

static void add_child(struct ike_rows *r, struct ike_child_view v)
{
	assert_int_equal(ike_rows_add_child(r, &v), 0);
}

static char *printed(struct ike_rows *r, const struct inet_addr *peer)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	ike_rows_sort(r);
	ike_print(f, r, peer);
	fclose(f);
	return text;
}

static void test_show_prints_everything_in_its_place(void **state)
{
	AUTO_IKE_ROWS struct ike_rows r = {0};
	AUTO_FREE char *text = NULL;

	add_sa(&r, sa(3, "10.0.0.110"));
	add_child(&r, child(4, "10.0.0.110"));
	text = printed(&r, &everybody);
	assert_string_equal(text, "10.0.0.100[500] - 10.0.0.110[500]\n"
	                          "  IKEv1 established, initiator, mode aggressive\n"
	                          "  spi 0102030405060708:f1020304050607f8, remote anonymous\n"
	                          "  local  fqdn a.example\n"
	                          "  remote fqdn b.example\n"
	                          "  aes-cbc-256, sha256, modp2048, rsasig\n"
	                          "  up 1 min 1 s, ends in 58 min 59 s, NAT at the peer's end, DPD\n"
	                          "  child 192.168.1.0/24 -> 192.168.2.0/24\n"
	                          "    esp/tunnel in 0x0db81081 out 0x00001234 3des-cbc, hmac-sha1\n"
	                          "    up 5 s, ends in 9 h 59 min, responder, pfs modp1024\n");
}

static void test_show_says_what_is_waited_for_and_what_went_wrong(void **state)
{
	struct ike_sa_view v = {.number = 1,
	    .version = 1,
	    .state = IKE_VIEW_NEGOTIATING,
	    .step = "main mode, message 1 sent",
	    .initiator = true,
	    .mode = IKE_MODE_MAIN,
	    .local = addr("fe80::1"),
	    .remote = addr("2001:db8::1"),
	    .local_port = 4500,
	    .remote_port = 4500,
	    .peer = "office",
	    .age_ms = 2000,
	    .left_ms = 90000,
	    .trouble = "it says no"};
	struct ike_child_view k = {.number = 2,
	    .version = 1,
	    .state = IKE_VIEW_NEGOTIATING,
	    .step = "waiting for phase 1",
	    .initiator = true,
	    .local = v.local,
	    .remote = v.remote};
	AUTO_IKE_ROWS struct ike_rows r = {0};
	AUTO_FREE char *text = NULL;

	add_sa(&r, v);
	add_child(&r, k);
	text = printed(&r, &everybody);
	assert_string_equal(text, "fe80::1[4500] - 2001:db8::1[4500]\n"
	                          "  IKEv1 negotiating, initiator, mode main\n"
	                          "  spi 0000000000000000:0000000000000000, remote office\n"
	                          "  main mode, message 1 sent\n"
	                          "  begun 2 s, given up in 1 min 30 s\n"
	                          "  what went wrong last: it says no\n"
	                          "  child of a policy that is not known yet\n"
	                          "    begun 0 s, initiator\n"
	                          "    waiting for phase 1\n");
}

/* Version 2 has no modes, and fits the same rows. */
static void test_show_version_2(void **state)
{
	struct ike_sa_view v = sa(1, "10.0.0.110");
	AUTO_IKE_ROWS struct ike_rows r = {0};
	AUTO_FREE char *text = NULL;

	v.version = 2;
	v.mode = IKE_MODE_NONE;
	add_sa(&r, v);
	text = printed(&r, &everybody);
	assert_non_null(strstr(text, "\n  IKEv2 established, initiator\n"));
}

static void test_show_is_sorted_and_can_be_narrowed(void **state)
{
	AUTO_IKE_ROWS struct ike_rows r = {0};
	AUTO_FREE char *all = NULL, *one = NULL;
	struct inet_addr second = addr("10.0.0.2");

	add_sa(&r, sa(9, "10.0.0.3"));
	add_sa(&r, sa(8, "10.0.0.2"));
	add_child(&r, child(10, "10.0.0.2"));
	add_child(&r, child(11, "10.0.0.1"));
	all = printed(&r, &everybody);
	assert_true(strstr(all, "10.0.0.2[500]\n") < strstr(all, "10.0.0.3[500]\n"));
	assert_non_null(strstr(all, "10.0.0.100[500] - 10.0.0.1[500]\n  no IKE SA at this moment\n  child"));
	one = printed(&r, &second);
	assert_null(strstr(one, "10.0.0.3"));
	assert_null(strstr(one, "no IKE SA"));
	assert_non_null(strstr(one, "  child "));
}

static void test_show_a_child_stands_under_the_newest_that_is_up(void **state)
{
	AUTO_IKE_ROWS struct ike_rows r = {0};
	struct ike_sa_view coming = sa(5, "10.0.0.2");
	struct ike_child_view k = child(6, "10.0.0.2");

	coming.state = IKE_VIEW_NEGOTIATING;
	add_sa(&r, coming);
	assert_int_equal(ike_rows_parent(&r, &k)->number, 5);
	add_sa(&r, sa(3, "10.0.0.2"));
	add_sa(&r, sa(4, "10.0.0.2"));
	ike_rows_sort(&r);
	assert_int_equal(ike_rows_parent(&r, &k)->number, 4);
}

static void test_show_spans(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {{0, "0 s"}, {59999, "59 s"}, {60000, "1 min 0 s"}, {3599999, "59 min 59 s"},
	    {3600000, "1 h 0 min"}, {86399000, "23 h 59 min"}, {90000000, "1 d 1 h"}};
	char buf[IKE_SPAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(ike_span(rows[i].ms, buf), rows[i].text);
}

static void test_show_json(void **state)
{
	AUTO_IKE_ROWS struct ike_rows r = {0};
	json_t *doc, *v, *k;

	add_sa(&r, sa(3, "10.0.0.110"));
	add_child(&r, child(4, "10.0.0.110"));
	add_child(&r, child(5, "10.0.0.111"));
	doc = ike_json(&r, &everybody);
	v = json_array_get(json_object_get(doc, "ike_sas"), 0);
	k = json_object_get(doc, "children");
	assert_int_equal(json_integer_value(json_object_get(doc, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(v, "state")), "established");
	assert_string_equal(json_string_value(json_object_get(v, "spi_i")), "0102030405060708");
	assert_string_equal(json_string_value(json_object_get(v, "authentication")), "rsasig");
	assert_true(json_is_null(json_object_get(v, "trouble")));
	assert_int_equal(json_array_size(k), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(k, 0), "ike_sa")), 3);
	assert_true(json_is_null(json_object_get(json_array_get(k, 1), "ike_sa")));
	json_decref(doc);
}

static void test_racoonctl_isakmp_table(void **state)
{
	static const char *const heads[] = {
	    "Destination            Cookies                           Created\n",
	    "Destination            Cookies                           ST S V  E Created             Phase2\n",
	};
	AUTO_IKE_ROWS struct ike_rows r = {0};

	add_sa(&r, sa(3, "10.0.0.110"));
	add_child(&r, child(4, "10.0.0.110"));
	for (unsigned details = 0; details < 3; details++) {
		AUTO_FREE char *text = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&text, &n);

		setenv("TZ", "UTC", 1);
		racoonctl_print_isakmp(f, &r, details, 1000061000);
		fclose(f);
		if (details < ARRAY_SIZE(heads))
			assert_memory_equal(text, heads[details], strlen(heads[details]));
		assert_non_null(strstr(text, "10.0.0.110.500 "));
		assert_non_null(strstr(text, " 0102030405060708:f1020304050607f8 "));
		assert_non_null(strstr(text, "1970-01-12 13:46:40"));
		assert_true(!details == !strstr(text, " 9 I 10 A "));
		assert_true((details < 2) == !strstr(text, "10.0.0.100.500 "));
	}
}

static void test_racoonctl_saopts(void **state)
{
	char esp[] = "esp", isakmp[] = "isakmp", inet[] = "inet", inet6[] = "inet6", any[] = "any",
	     icmp[] = "icmp", net[] = "192.168.1.0/24/0", host[] = "10.0.0.1", port[] = "10.0.0.2/32/80",
	     tcp[] = "tcp", bad[] = "10.0.0.1/33/0", six[] = "2001:db8::1";
	char *const good[][6] = {{esp, inet, net, host, any}, {esp, inet, host, port, tcp},
	    {isakmp, inet, host, port}, {esp, inet6, six, six, icmp}};
	char *const wrong[][7] = {{esp, inet, bad, host, any}, {esp, inet6, net, host, any},
	    {isakmp, inet, host}, {isakmp, inet, six, six}, {inet, inet, host, host},
	    {esp, inet, host, port, tcp, any}, {NULL}};
	FILE *nowhere = fopen("/dev/null", "w");
	struct cli cli = {.prog = "racoonctl", .out = nowhere, .err = nowhere};
	struct saopts o;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int n = 0;

		while (good[i][n])
			n++;
		assert_true(saopts_parse(&cli, n, (char **)(uintptr_t)good[i], &o));
	}
	assert_int_equal(o.sel.proto, 58);
	assert_true(saopts_parse(&cli, 5, (char **)(uintptr_t)good[0], &o));
	assert_int_equal(o.sel.src.plen, 24);
	assert_int_equal(o.sel.dst.plen, 32);
	assert_int_equal(o.sel.proto, IPPROTO_ANY_);
	assert_true(saopts_parse(&cli, 5, (char **)(uintptr_t)good[1], &o));
	assert_int_equal(o.sel.dport, 80);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int n = 0;

		while (wrong[i][n])
			n++;
		assert_false(saopts_parse(&cli, n, (char **)(uintptr_t)wrong[i], &o));
	}
	fclose(nowhere);
}

static void test_racoonctl_events(void **state)
{
	static const struct {
		const char *name, *text, *said;
	} rows[] = {
	    {"isakmp.up", "ISAKMP-SA established 10.0.0.1[500]-10.0.0.2[500] spi:01:02 peer=x",
	        "Phase 1 established : 10.0.0.1 -> 10.0.0.2"},
	    {"ipsec.up", "IPsec-SA established: ESP/Tunnel 2001:db8::2[0]->2001:db8::1[0] spi=1(0x1)",
	        "Phase 2 established : 2001:db8::2 -> 2001:db8::1"},
	    {"ipsec.failed", "phase2 negotiation failed: no answer. 10.0.0.1<=>10.0.0.2 (message 1 sent)",
	        "Phase 2 error: no response from peer : 10.0.0.1 -> 10.0.0.2"},
	    {"isakmp.failed", "phase1 negotiation failed: no answer. 10.0.0.1[500]-10.0.0.2[500] spi:1:2 (x)",
	        "Phase 1 error: no response from peer : 10.0.0.1 -> 10.0.0.2"},
	    {"isakmp.up", "10.0.0.1[500", NULL},
	    {"isakmp.up", "", NULL},
	    {"conf.loaded", "10.0.0.1[500]-10.0.0.2[500]", NULL},
	};
	char buf[300];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool known = racoonctl_event(rows[i].name, rows[i].text, buf, sizeof(buf));

		assert_int_equal(known, rows[i].said != NULL);
		if (known)
			assert_string_equal(buf, rows[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_show_prints_everything_in_its_place),
	    cmocka_unit_test(test_show_says_what_is_waited_for_and_what_went_wrong),
	    cmocka_unit_test(test_show_version_2),
	    cmocka_unit_test(test_show_is_sorted_and_can_be_narrowed),
	    cmocka_unit_test(test_show_a_child_stands_under_the_newest_that_is_up),
	    cmocka_unit_test(test_show_spans),
	    cmocka_unit_test(test_show_json),
	    cmocka_unit_test(test_racoonctl_isakmp_table),
	    cmocka_unit_test(test_racoonctl_saopts),
	    cmocka_unit_test(test_racoonctl_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
