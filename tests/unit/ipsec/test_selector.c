/*
 * Selectors against the bit-by-bit model of tests/support, and the tables of what may be one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipsec/selector.h"
#include "support/model_spd.h"

enum { ROUNDS = 200000 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static struct selector selector_of(
    const char *src, uint8_t splen, const char *dst, uint8_t dplen, uint16_t proto)
{
	struct selector s = {.src = {.plen = splen}, .dst = {.plen = dplen}, .proto = proto};

	assert_int_equal(inet_addr_parse(src, &s.src.addr), 0);
	assert_int_equal(inet_addr_parse(dst, &s.dst.addr), 0);
	return s;
}

static void test_selector_check_table(void **state)
{
	static const struct {
		const char *src, *dst, *why; /* NULL: good */
		uint16_t splen, dplen, proto;
		bool misc;
	} cases[] = {
	    {"10.0.0.1", "10.0.0.2", NULL, 32, 32, 256, false},
	    {"10.0.0.1", "10.0.0.2", NULL, 0, 24, 0, false},
	    {"10.0.0.1", "10.0.0.2", NULL, 32, 32, 255, false},
	    {"::", "2001:db8::", NULL, 0, 48, 6, false},
	    {"::", "2001:db8::", NULL, 128, 128, 58, true},
	    {"10.0.0.1", "10.0.0.2", NULL, 32, 32, 1, true},
	    {"10.0.0.1", "10.0.0.2", NULL, 32, 32, 47, true},
	    {"::", "::", NULL, 0, 0, 135, true},
	    {"10.0.0.1", "10.0.0.2", "prefix", 33, 32, 256, false},
	    {"10.0.0.1", "10.0.0.2", "prefix", 32, 33, 256, false},
	    {"::", "::", "prefix", 129, 0, 256, false},
	    {"10.0.0.1", "::1", "families", 32, 128, 256, false},
	    {"10.0.0.1", "10.0.0.2", "protocol", 32, 32, 257, false},
	    {"10.0.0.1", "10.0.0.2", "protocol", 32, 32, 65535, false},
	    {"10.0.0.1", "10.0.0.2", "type, code or key", 32, 32, 6, true},
	    {"10.0.0.1", "10.0.0.2", "type, code or key", 32, 32, 256, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector s = selector_of(cases[i].src, (uint8_t)cases[i].splen, cases[i].dst,
		    (uint8_t)cases[i].dplen, cases[i].proto);
		const char *why = "untouched";
		int r;

		s.misc = cases[i].misc;
		r = selector_check(&s, &why);
		if (r != (cases[i].why ? -EINVAL : 0) ||
		    !strstr(why, cases[i].why ? cases[i].why : "untouched"))
			fail_msg("case %zu: %d '%s'", i, r, why);
	}
}

static void test_selector_protocols_with_ports_and_misc(void **state)
{
	(void)state;
	for (unsigned p = 0; p <= 256; p++) {
		bool ports = p == 6 || p == 17 || p == 33 || p == 132 || p == 136;
		bool misc = p == 1 || p == 58 || p == 135 || p == 47;

		assert_int_equal(ip_proto_has_ports((uint16_t)p), ports);
		assert_int_equal(ip_proto_has_misc((uint16_t)p), misc);
	}
}

static void test_selector_match_like_the_model(void **state)
{
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t family = i & 1 ? INET_V4 : INET_V6;
		struct policy p = model_random_policy(rng, family);
		struct packet_key k = model_random_packet(rng, rng_below(rng, 30) ? family : INET_V4);
		bool lenient = rng_below(rng, 2), want = model_selector_match(&p.sel, &k, lenient);

		assert_int_equal(selector_match(&p.sel, &k, lenient), want);
		hits += want;
		/* A check that must fail closed never sees less than the strict one. */
		assert_true(!selector_match(&p.sel, &k, false) || selector_match(&p.sel, &k, true));
	}
	assert_true(hits > ROUNDS / 100);
}

/* The packets of the guide's manual example, and doors next to them. */
static void test_selector_match_table(void **state)
{
	static const struct {
		uint16_t proto, sport, dport; /* of the selector 10.0.0.100 -> 10.0.0.110 */
		const char *src, *dst;
		uint8_t pproto;
		int psport, pdport; /* -1: the packet has none */
		bool strict, lenient;
	} cases[] = {
	    {256, 0, 0, "10.0.0.100", "10.0.0.110", 6, 1000, 23, true, true},
	    {256, 0, 0, "10.0.0.100", "10.0.0.110", 1, 8, 0, true, true},
	    {256, 0, 0, "10.0.0.100", "10.0.0.110", 89, -1, -1, true, true},
	    {256, 0, 0, "10.0.0.110", "10.0.0.100", 6, 1000, 23, false, false},
	    {256, 0, 0, "10.0.0.101", "10.0.0.110", 6, 1000, 23, false, false},
	    {6, 0, 0, "10.0.0.100", "10.0.0.110", 6, -1, -1, true, true},
	    {6, 0, 0, "10.0.0.100", "10.0.0.110", 17, 1000, 23, false, false},
	    {6, 0, 23, "10.0.0.100", "10.0.0.110", 6, 1000, 23, true, true},
	    {6, 0, 23, "10.0.0.100", "10.0.0.110", 6, 23, 1000, false, false},
	    {6, 0, 23, "10.0.0.100", "10.0.0.110", 6, -1, -1, false, true},
	    {6, 0, 23, "10.0.0.100", "10.0.0.110", 17, -1, -1, false, false},
	    {256, 0, 23, "10.0.0.100", "10.0.0.110", 17, 5, 23, true, true},
	    {256, 0, 23, "10.0.0.100", "10.0.0.110", 1, 8, 23, false, false},
	    {256, 0, 23, "10.0.0.100", "10.0.0.110", 89, -1, -1, false, false},
	    {1, 8, 0, "10.0.0.100", "10.0.0.110", 1, 8, 0, true, true},
	    {1, 8, 0, "10.0.0.100", "10.0.0.110", 1, 0, 0, false, false},
	    {1, 3, 4, "10.0.0.100", "10.0.0.110", 1, 3, 4, true, true},
	    {1, 3, 4, "10.0.0.100", "10.0.0.110", 1, 3, 1, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector s = selector_of("10.0.0.100", 32, "10.0.0.110", 32, cases[i].proto);
		struct packet_key k = {.proto = cases[i].pproto, .has_ports = cases[i].psport >= 0};

		s.sport = cases[i].sport;
		s.dport = cases[i].dport;
		inet_addr_parse(cases[i].src, &k.src);
		inet_addr_parse(cases[i].dst, &k.dst);
		k.sport = k.has_ports ? (uint16_t)cases[i].psport : 0;
		k.dport = k.has_ports ? (uint16_t)cases[i].pdport : 0;
		if (selector_match(&s, &k, false) != cases[i].strict ||
		    selector_match(&s, &k, true) != cases[i].lenient)
			fail_msg("case %zu", i);
	}
}

static void test_selector_equal_is_exact(void **state)
{
	const struct selector s = selector_of("10.0.0.1", 24, "10.0.1.1", 24, 6);
	struct selector t = s;

	(void)state;
	assert_true(selector_equal(&s, &t));
	t = selector_of("10.0.0.99", 24, "10.0.1.5", 24, 6);
	assert_true(selector_equal(&s, &t)); /* host bits do not count */
	t = selector_of("10.0.0.1", 25, "10.0.1.1", 24, 6);
	assert_false(selector_equal(&s, &t));
	t = selector_of("10.0.1.1", 24, "10.0.0.1", 24, 6);
	assert_false(selector_equal(&s, &t));
	t = selector_of("10.0.0.1", 24, "10.0.1.1", 24, 256);
	assert_false(selector_equal(&s, &t));
	t = s;
	t.sport = 1;
	assert_false(selector_equal(&s, &t));
	t = s;
	t.dport = 1;
	assert_false(selector_equal(&s, &t));
	t = s;
	t.misc = true;
	assert_false(selector_equal(&s, &t));
}

static int seed(void **state)
{
	(void)state;
	rng_seeded_init(&seeded, 4301);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_selector_check_table),
	    cmocka_unit_test(test_selector_protocols_with_ports_and_misc),
	    cmocka_unit_test(test_selector_match_like_the_model),
	    cmocka_unit_test(test_selector_match_table),
	    cmocka_unit_test(test_selector_equal_is_exact),
	};

	return cmocka_run_group_tests_name("ipsec/selector", tests, seed, NULL);
}
