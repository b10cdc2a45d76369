/*
 * Policies: what may be one, how levels resolve (setkey.md 8.6), what class the packet filter sees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipsec/policy.h"

static struct policy straight(void)
{
	struct policy p = {.dir = POLICY_OUT, .action = POLICY_IPSEC, .n_requests = 1};

	p.sel.src = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 1}});
	p.sel.dst = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 2}});
	p.sel.proto = IPPROTO_ANY_;
	p.req[0] =
	    (struct policy_request){.proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = LEVEL_REQUIRE};
	return p;
}

static const struct inet_addr v4 = {.family = INET_V4, .b = {192, 0, 2, 1}};
static const struct inet_addr v6 = {.family = INET_V6, .b = {0x20, 1, 0xd, 0xb8}};
static const struct inet_addr none = {0};

/* One request inside an IPv4 policy. `why` NULL: good. */
static const struct {
	int proto, mode, level;
	const struct inet_addr *src, *dst;
	const char *why;
} requests[] = {
    {IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_USE, &none, &none, NULL},
    {IPSEC_AH, IPSEC_TRANSPORT, LEVEL_DEFAULT, &v4, &v4, NULL},
    {IPSEC_IPCOMP, IPSEC_TRANSPORT, LEVEL_USE, &none, &none, NULL},
    {IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, &v4, &v4, NULL},
    {IPSEC_AH, IPSEC_TUNNEL, LEVEL_UNIQUE, &v6, &v6, NULL},
    {0, IPSEC_TRANSPORT, LEVEL_USE, &none, &none, "protocol"},
    {6, IPSEC_TRANSPORT, LEVEL_USE, &none, &none, "protocol"},
    {IPSEC_ESP, 0, LEVEL_USE, &none, &none, "mode"},
    {IPSEC_ESP, IPSEC_MODE_ANY, LEVEL_USE, &none, &none, "mode"},
    {IPSEC_ESP, 4, LEVEL_USE, &none, &none, "mode"},
    {IPSEC_ESP, IPSEC_TRANSPORT, 0, &none, &none, "level"},
    {IPSEC_ESP, IPSEC_TRANSPORT, 5, &none, &none, "level"},
    {IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, &none, &none, "address"},
    {IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, &v4, &none, "address"},
    {IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_USE, &none, &v4, "address"},
    {IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, &v4, &v6, "Family"},
    {IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_USE, &v6, &v6, "Family"},
};

static void test_policy_check_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		for (uint8_t place = 0; place < POLICY_REQUESTS_MAX; place++) {
			struct policy p = straight();
			const char *why = "";
			int r;

			for (uint8_t k = 1; k <= place; k++)
				p.req[k] = p.req[0];
			p.n_requests = place + 1;
			p.req[place] = (struct policy_request){.proto = (enum ipsec_proto)requests[i].proto,
			    .mode = (enum ipsec_mode)requests[i].mode,
			    .level = (enum policy_level)requests[i].level,
			    .src = *requests[i].src,
			    .dst = *requests[i].dst};
			r = policy_check(&p, &why);
			if (r != (requests[i].why ? -EINVAL : 0) ||
			    (requests[i].why && !strstr(why, requests[i].why)))
				fail_msg("case %zu at place %u: %d '%s'", i, place, r, why);
		}
}

static void test_policy_check_frame(void **state)
{
	struct policy p = straight();
	const char *why;

	(void)state;
	assert_int_equal(policy_check(&p, &why), 0);
	for (int dir = -1; dir < 6; dir++) {
		p.dir = (enum policy_dir)dir;
		assert_int_equal(policy_check(&p, &why), dir >= 1 && dir <= 3 ? 0 : -EINVAL);
	}
	p = straight();
	for (int action = -1; action < 6; action++) {
		p.action = (enum policy_action)action;
		assert_int_equal(policy_check(&p, &why), action >= 1 && action <= 3 ? 0 : -EINVAL);
	}
	p = straight();
	p.n_requests = POLICY_REQUESTS_MAX + 1;
	assert_int_equal(policy_check(&p, &why), -EINVAL);
	for (int dir = POLICY_IN; dir <= POLICY_FWD; dir++) {
		p = straight();
		p.dir = (enum policy_dir)dir;
		p.in_only = true;
		assert_int_equal(policy_check(&p, &why), dir == POLICY_IN ? 0 : -EINVAL);
	}
	p = straight();
	p.sel.src.plen = 33;
	assert_int_equal(policy_check(&p, &why), -EINVAL);
}

static void test_policy_level_default_resolves_by_protocol_and_mode(void **state)
{
	static const struct policy_deflev d = {
	    .esp_trans = LEVEL_REQUIRE, .esp_net = LEVEL_USE, .ah_trans = LEVEL_USE, .ah_net = LEVEL_REQUIRE};
	static const struct {
		enum ipsec_proto proto;
		enum ipsec_mode mode;
		enum policy_level want, kame;
	} cases[] = {
	    {IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_REQUIRE, LEVEL_USE},
	    {IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, LEVEL_USE},
	    {IPSEC_AH, IPSEC_TRANSPORT, LEVEL_USE, LEVEL_USE},
	    {IPSEC_AH, IPSEC_TUNNEL, LEVEL_REQUIRE, LEVEL_USE},
	    {IPSEC_IPCOMP, IPSEC_TRANSPORT, LEVEL_USE, LEVEL_USE},
	    {IPSEC_IPCOMP, IPSEC_TUNNEL, LEVEL_USE, LEVEL_USE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_request r = {
		    .proto = cases[i].proto, .mode = cases[i].mode, .level = LEVEL_DEFAULT};

		assert_int_equal(policy_request_level(&r, &d), cases[i].want);
		assert_int_equal(policy_request_level(&r, &policy_deflev_kame), cases[i].kame);
		for (int l = LEVEL_USE; l <= LEVEL_UNIQUE; l++) {
			r.level = (enum policy_level)l;
			assert_int_equal(policy_request_level(&r, &d), l);
		}
	}
}

static void test_policy_deflev_is_set_by_its_old_name(void **state)
{
	static const char *const names[] = {
	    "esp_trans_deflev", "esp_net_deflev", "ah_trans_deflev", "ah_net_deflev"};
	static const uint64_t wrong[] = {0, 3, 4, UINT64_C(1) << 32 | 1};
	struct policy_deflev d = policy_deflev_kame;
	const enum policy_level *const at[] = {&d.esp_trans, &d.esp_net, &d.ah_trans, &d.ah_net};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		d = policy_deflev_kame;
		assert_int_equal(policy_deflev_set(&d, names[i], 2), 0);
		for (size_t k = 0; k < ARRAY_SIZE(at); k++)
			assert_int_equal(*at[k], k == i ? LEVEL_REQUIRE : LEVEL_USE);
		assert_false(policy_deflev_equal(&d, &policy_deflev_kame));
		for (size_t k = 0; k < ARRAY_SIZE(wrong); k++)
			assert_int_equal(policy_deflev_set(&d, names[i], wrong[k]), -EINVAL);
		assert_int_equal(*at[i], LEVEL_REQUIRE);
		assert_int_equal(policy_deflev_set(&d, names[i], 1), 0);
		assert_true(policy_deflev_equal(&d, &policy_deflev_kame));
	}
	assert_int_equal(policy_deflev_set(&d, "ipcomp_net_deflev", 1), -ENOENT);
	assert_int_equal(policy_deflev_set(&d, "", 1), -ENOENT);
}

static void test_policy_class_table(void **state)
{
	static const struct policy_deflev strict = {
	    LEVEL_REQUIRE, LEVEL_REQUIRE, LEVEL_REQUIRE, LEVEL_REQUIRE};
	static const struct {
		enum policy_action action;
		uint8_t n;
		enum policy_level level[3];
		enum policy_class kame, strict;
	} cases[] = {
	    {POLICY_PASS, 0, {0}, POLICY_CLASS_PASS, POLICY_CLASS_PASS},
	    {POLICY_DISCARD, 0, {0}, POLICY_CLASS_DISCARD, POLICY_CLASS_DISCARD},
	    {POLICY_IPSEC, 0, {0}, POLICY_CLASS_PASS, POLICY_CLASS_PASS},
	    {POLICY_IPSEC, 1, {LEVEL_USE}, POLICY_CLASS_USE, POLICY_CLASS_USE},
	    {POLICY_IPSEC, 1, {LEVEL_REQUIRE}, POLICY_CLASS_PROTECT, POLICY_CLASS_PROTECT},
	    {POLICY_IPSEC, 1, {LEVEL_UNIQUE}, POLICY_CLASS_PROTECT, POLICY_CLASS_PROTECT},
	    {POLICY_IPSEC, 1, {LEVEL_DEFAULT}, POLICY_CLASS_USE, POLICY_CLASS_PROTECT},
	    {POLICY_IPSEC, 3, {LEVEL_USE, LEVEL_USE, LEVEL_USE}, POLICY_CLASS_USE, POLICY_CLASS_USE},
	    {POLICY_IPSEC, 3, {LEVEL_USE, LEVEL_USE, LEVEL_REQUIRE}, POLICY_CLASS_PROTECT,
	        POLICY_CLASS_PROTECT},
	    {POLICY_IPSEC, 3, {LEVEL_REQUIRE, LEVEL_USE, LEVEL_USE}, POLICY_CLASS_PROTECT,
	        POLICY_CLASS_PROTECT},
	    {POLICY_IPSEC, 3, {LEVEL_USE, LEVEL_DEFAULT, LEVEL_USE}, POLICY_CLASS_USE, POLICY_CLASS_PROTECT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy p = straight();

		p.action = cases[i].action;
		p.n_requests = cases[i].n;
		for (uint8_t k = 0; k < 3; k++) {
			p.req[k] = p.req[0];
			p.req[k].level = cases[i].level[k];
		}
		assert_int_equal(policy_classify(&p, &policy_deflev_kame), cases[i].kame);
		assert_int_equal(policy_classify(&p, &strict), cases[i].strict);
	}
}

static void test_policy_same_entry_is_direction_and_selector(void **state)
{
	struct policy a = straight(), b = straight();

	(void)state;
	b.id = 7;
	b.priority = 3;
	b.action = POLICY_DISCARD;
	b.n_requests = 0;
	assert_true(policy_same_entry(&a, &b));
	b.dir = POLICY_IN;
	assert_false(policy_same_entry(&a, &b));
	b = straight();
	b.sel.dport = 80;
	assert_false(policy_same_entry(&a, &b));
}

static void test_policy_names(void **state)
{
	(void)state;
	assert_string_equal(policy_dir_name(POLICY_IN), "in");
	assert_string_equal(policy_dir_name(POLICY_OUT), "out");
	assert_string_equal(policy_dir_name(POLICY_FWD), "fwd");
	assert_string_equal(policy_action_name(POLICY_DISCARD), "discard");
	assert_string_equal(policy_action_name(POLICY_PASS), "none");
	assert_string_equal(policy_action_name(POLICY_IPSEC), "ipsec");
	assert_string_equal(policy_level_name(LEVEL_DEFAULT), "default");
	assert_string_equal(policy_level_name(LEVEL_USE), "use");
	assert_string_equal(policy_level_name(LEVEL_REQUIRE), "require");
	assert_string_equal(policy_level_name(LEVEL_UNIQUE), "unique");
	assert_string_equal(ipsec_proto_name(IPSEC_ESP), "esp");
	assert_string_equal(ipsec_proto_name(IPSEC_AH), "ah");
	assert_string_equal(ipsec_proto_name(IPSEC_IPCOMP), "ipcomp");
	assert_string_equal(ipsec_mode_name(IPSEC_MODE_ANY), "any");
	assert_string_equal(ipsec_mode_name(IPSEC_TRANSPORT), "transport");
	assert_string_equal(ipsec_mode_name(IPSEC_TUNNEL), "tunnel");
	/* Numbers that are no names. */
	assert_string_equal(policy_dir_name(POLICY_DIR_NONE), "?");
	assert_string_equal(policy_dir_name((enum policy_dir)99), "?");
	assert_string_equal(policy_level_name((enum policy_level) - 1), "?");
	assert_string_equal(ipsec_proto_name((enum ipsec_proto)6), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_check_requests),
	    cmocka_unit_test(test_policy_check_frame),
	    cmocka_unit_test(test_policy_level_default_resolves_by_protocol_and_mode),
	    cmocka_unit_test(test_policy_deflev_is_set_by_its_old_name),
	    cmocka_unit_test(test_policy_class_table),
	    cmocka_unit_test(test_policy_same_entry_is_direction_and_selector),
	    cmocka_unit_test(test_policy_names),
	};

	return cmocka_run_group_tests_name("ipsec/policy", tests, NULL, NULL);
}
