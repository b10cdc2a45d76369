/*
 * The shape of SAs and policies in JSON. Keys must be absent unless asked for, whatever the description
 * holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "cli/json.h"

static const uint8_t enc_key[] = "thescogp12341234thescogp";

static struct sa_desc guide_sa(void)
{
	struct sa_desc d = {
	    .src = inet_addr_v4(0x0a000064),
	    .dst = inet_addr_v4(0x0a00006e),
	    .proto = IPSEC_ESP,
	    .spi = 0x10001,
	    .mode = IPSEC_TUNNEL,
	    .flags = SA_F_CYCLIC,
	    .enc = ALG_ENC_3DES_CBC,
	    .enc_key = enc_key,
	    .enc_key_len = 24,
	};

	return d;
}

static void assert_text(const json_t *o, const char *key, const char *want)
{
	const char *have = json_string_value(json_object_get(o, key));

	assert_non_null(have);
	assert_string_equal(have, want);
}

static void test_json_sa_members_are_there(void **state)
{
	struct sa_desc d = guide_sa();
	struct sa_status s = {
	    .serial = 0x1122334455ULL, .state = SA_MATURE, .manual = true, .seq = 7, .bytes = 1000};
	json_t *o = json_from_sa(&d, &s, false);

	assert_text(o, "src", "10.0.0.100");
	assert_text(o, "dst", "10.0.0.110");
	assert_text(o, "proto", "esp");
	assert_text(o, "mode", "tunnel");
	assert_text(o, "state", "mature");
	assert_text(json_object_get(o, "encryption"), "name", "3des-cbc");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(o, "encryption"), "key_bits")), 192);
	assert_int_equal(json_integer_value(json_object_get(o, "spi")), 65537);
	assert_int_equal(json_integer_value(json_object_get(o, "serial")), 0x1122334455LL);
	assert_true(json_is_true(json_object_get(o, "manual")));
	assert_true(json_is_null(json_object_get(o, "authentication")));
	json_decref(o);
}

static void test_json_sa_keys_only_when_asked(void **state)
{
	static const char hex[] = "74686573636f6770313233343132333474686573636f6770";
	struct sa_desc d = guide_sa();
	struct sa_status s = {.state = SA_MATURE};
	json_t *without = json_from_sa(&d, &s, false), *with = json_from_sa(&d, &s, true);
	AUTO_FREE char *text = json_dumps(without, 0);

	assert_non_null(text);
	assert_null(strstr(text, "7468657363"));
	assert_null(strstr(text, "\"key\""));
	assert_memory_equal(
	    json_string_value(json_object_get(json_object_get(with, "encryption"), "key")), hex, 48);
	assert_int_equal(json_string_length(json_object_get(json_object_get(with, "encryption"), "key")), 48);
	json_decref(without);
	json_decref(with);
}

static void test_json_sa_without_key_octets_has_no_key(void **state)
{
	struct sa_desc d = guide_sa();
	struct sa_status s = {.state = SA_MATURE};
	json_t *o;

	d.enc_key = NULL;
	o = json_from_sa(&d, &s, true);
	assert_null(json_object_get(json_object_get(o, "encryption"), "key"));
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(o, "encryption"), "key_bits")), 192);
	json_decref(o);
}

static void test_json_policy_members_are_there(void **state)
{
	struct inet_addr a = inet_addr_v4(0x0a000064), b = inet_addr_v4(0x0a00006e);
	struct policy p = {
	    .id = 3,
	    .dir = POLICY_OUT,
	    .action = POLICY_IPSEC,
	    .sel = {.src = inet_prefix_host(&a), .dst = inet_prefix_host(&b), .proto = 6, .dport = 22},
	    .n_requests = 2,
	    .req = {{IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, inet_addr_v4(0x0a000064), inet_addr_v4(0x0a00006e),
	                4500, 40000, 0, false},
	        {IPSEC_AH, IPSEC_TRANSPORT, LEVEL_REQUIRE, {0}, {0}, 0, 0, 5, true}},
	    .last_used_wall_ms = 1741000598000,
	    .lifetime_s = 3600,
	    .validtime_s = 60,
	};
	json_t *o = json_from_policy(&p), *r = json_array_get(json_object_get(o, "requests"), 0);

	assert_text(o, "dir", "out");
	assert_text(o, "action", "ipsec");
	assert_text(json_object_get(o, "selector"), "src", "10.0.0.100");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "selector"), "dport")), 22);
	assert_int_equal(json_array_size(json_object_get(o, "requests")), 2);
	assert_text(r, "level", "use");
	assert_text(r, "src", "10.0.0.100");
	assert_int_equal(json_integer_value(json_object_get(r, "src_port")), 4500);
	assert_int_equal(json_integer_value(json_object_get(r, "dst_port")), 40000);
	assert_int_equal(json_integer_value(json_object_get(o, "last_used_ms")), 1741000598000);
	assert_int_equal(json_integer_value(json_object_get(o, "lifetime_s")), 3600);
	assert_int_equal(json_integer_value(json_object_get(o, "validtime_s")), 60);
	assert_true(json_is_false(json_object_get(o, "forwarded")));
	r = json_array_get(json_object_get(o, "requests"), 1);
	assert_true(json_is_null(json_object_get(r, "src")));
	assert_true(json_is_true(json_object_get(r, "reqid_automatic")));
	assert_null(json_object_get(o, "packets")); /* policies are not counted */
	json_decref(o);
}

static void test_json_sa_of_the_newer_kinds(void **state)
{
	struct sa_desc d = {.src = inet_addr_v4(1),
	    .dst = inet_addr_v4(2),
	    .proto = IPSEC_ESP,
	    .spi = 4096,
	    .mode = IPSEC_TRANSPORT,
	    .flags = SA_F_ESN,
	    .enc = ALG_ENC_NULL,
	    .auth = ALG_AUTH_HMAC_SHA256,
	    .auth_key_len = 32,
	    .icv_len = 12,
	    .encap = {.sport = 4500, .dport = 7, .frag = 1000, .nat_oa = inet_addr_v4(0x0a000001)}};
	struct sa_status s = {.state = SA_MATURE};
	json_t *o = json_from_sa(&d, &s, false), *udp = json_object_get(o, "udp_encapsulation");

	(void)state;
	assert_text(o, "proto", "esp");
	assert_text(json_object_get(o, "authentication"), "name", "hmac-sha256-96");
	assert_int_equal(json_integer_value(json_object_get(o, "icv_bytes")), 12);
	assert_true(json_is_true(json_object_get(o, "extended_seq")));
	assert_true(json_is_null(json_object_get(o, "compression")));
	assert_int_equal(json_integer_value(json_object_get(udp, "src_port")), 4500);
	assert_int_equal(json_integer_value(json_object_get(udp, "dst_port")), 7);
	assert_int_equal(json_integer_value(json_object_get(udp, "fragment_bytes")), 1000);
	assert_text(udp, "original_address", "10.0.0.1");
	json_decref(o);
	d = (struct sa_desc){.src = inet_addr_v4(1),
	    .dst = inet_addr_v4(2),
	    .proto = IPSEC_IPCOMP,
	    .comp = ALG_COMP_DEFLATE,
	    .flags = SA_F_RAWCPI};
	o = json_from_sa(&d, &s, false);
	assert_text(o, "proto", "ipcomp");
	assert_text(json_object_get(o, "compression"), "name", "deflate");
	assert_true(json_is_true(json_object_get(json_object_get(o, "compression"), "raw_cpi")));
	assert_true(json_is_null(json_object_get(o, "udp_encapsulation")));
	assert_true(json_is_null(json_object_get(o, "encryption")));
	json_decref(o);
}

static void test_json_policy_upper_any_and_icmp(void **state)
{
	struct inet_addr a = inet_addr_v4(1), b = inet_addr_v4(2);
	struct policy p = {.dir = POLICY_IN,
	    .action = POLICY_PASS,
	    .sel = {.src = inet_prefix_host(&a), .dst = inet_prefix_host(&b), .proto = IPPROTO_ANY_}};
	json_t *o = json_from_policy(&p);

	assert_text(json_object_get(o, "selector"), "upper", "any");
	json_decref(o);
	p.sel.proto = 1;
	p.sel.misc = true;
	p.sel.sport = 8;
	o = json_from_policy(&p);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "selector"), "icmp_type")), 8);
	assert_null(json_object_get(json_object_get(o, "selector"), "sport"));
	json_decref(o);
}

static void test_json_document_has_its_version(void **state)
{
	json_t *o = json_new_document();

	assert_int_equal(json_integer_value(json_object_get(o, "schema_version")), 1);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_sa_members_are_there),
	    cmocka_unit_test(test_json_sa_keys_only_when_asked),
	    cmocka_unit_test(test_json_sa_without_key_octets_has_no_key),
	    cmocka_unit_test(test_json_sa_of_the_newer_kinds),
	    cmocka_unit_test(test_json_policy_members_are_there),
	    cmocka_unit_test(test_json_policy_upper_any_and_icmp),
	    cmocka_unit_test(test_json_document_has_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
