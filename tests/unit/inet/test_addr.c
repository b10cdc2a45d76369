/*
 * Addresses and prefixes: tables, then random prefixes against a model that looks at one bit at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/auto.h"
#include "base/rng.h"
#include "inet/addr.h"

enum { ROUNDS = 50000 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static void test_addr_parse_and_format_table(void **state)
{
	/* `out` NULL: refused. */
	static const struct {
		const char *in, *out;
		uint8_t family;
	} cases[] = {
	    {"10.0.0.100", "10.0.0.100", INET_V4},
	    {"0.0.0.0", "0.0.0.0", INET_V4},
	    {"255.255.255.255", "255.255.255.255", INET_V4},
	    {"::", "::", INET_V6},
	    {"2001:DB8::0001", "2001:db8::1", INET_V6},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1", INET_V6},
	    {"fe80::1%7", "fe80::1%7", INET_V6},
	    {"fe80::1%lo", "fe80::1%1", INET_V6},
	    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", INET_V6},
	    {"", NULL, 0},
	    {"10.0.0", NULL, 0},
	    {"10.0.0.256", NULL, 0},
	    {"10.0.0.1 ", NULL, 0},
	    {" 10.0.0.1", NULL, 0},
	    {"10.0.0.1/24", NULL, 0},
	    {"010.0.0.1", NULL, 0},
	    {"10.0.0.1%lo", NULL, 0},
	    {"host.example", NULL, 0},
	    {"::g", NULL, 0},
	    {":::", NULL, 0},
	    {"1:2:3:4:5:6:7:8:9", NULL, 0},
	    {"fe80::1%", NULL, 0},
	    {"fe80::1%0", NULL, 0},
	    {"fe80::1%nosuchdevice", NULL, 0},
	    {"fe80::1%99999999999999999999", NULL, 0},
	    {"1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inet_addr a = {.scope = 0x7777};
		char buf[INET_ADDR_STRLEN];
		int r = inet_addr_parse(cases[i].in, &a);

		if (!cases[i].out) {
			if (r != -EINVAL || a.scope != 0x7777)
				fail_msg("'%s' was taken", cases[i].in);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(a.family, cases[i].family);
		assert_string_equal(inet_addr_format(&a, buf), cases[i].out);
	}
}

static struct inet_addr any_addr(bool v6)
{
	uint8_t b[16];

	rng->fill(rng, b, sizeof(b));
	/* Often alike in front, so that prefixes meet. */
	if (rng_below(rng, 2))
		memset(b, 0x2a, rng_below(rng, 16));
	return inet_addr_from_bytes(b, v6 ? 16 : 4);
}

static void test_addr_format_then_parse_gives_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct inet_addr a = any_addr(i & 1), b;
		char buf[INET_ADDR_STRLEN];

		if (a.family == INET_V6 && !rng_below(rng, 4))
			a.scope = 1 + rng_below(rng, 100000);
		assert_int_equal(inet_addr_parse(inet_addr_format(&a, buf), &b), 0);
		assert_true(inet_addr_equal(&a, &b));
		assert_int_equal(a.scope, b.scope);
	}
}

static void test_addr_from_bytes_knows_two_lengths(void **state)
{
	static const uint8_t b[17] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};

	(void)state;
	for (size_t n = 0; n <= sizeof(b); n++) {
		struct inet_addr a = inet_addr_from_bytes(b, n);

		assert_int_equal(a.family, n == 4 ? INET_V4 : n == 16 ? INET_V6 : INET_NONE);
		assert_int_equal(inet_addr_len(&a), n == 4 || n == 16 ? n : 0);
		assert_int_equal(inet_addr_bits(&a), n == 4 || n == 16 ? 8 * n : 0);
		for (size_t k = inet_addr_len(&a); k < 16; k++)
			assert_int_equal(a.b[k], 0);
	}
}

static void test_addr_order_is_family_then_bytes(void **state)
{
	static const char *const sorted[] = {"0.0.0.0", "9.255.255.255", "10.0.0.0", "10.0.0.1", "192.0.2.1",
	    "255.255.255.255", "::", "::1", "2001:db8::", "fe80::1", "ff02::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			struct inet_addr a, b;
			int c;

			inet_addr_parse(sorted[i], &a);
			inet_addr_parse(sorted[k], &b);
			c = inet_addr_cmp(&a, &b);
			assert_true(i < k ? c < 0 : i > k ? c > 0 : c == 0);
			assert_int_equal(inet_addr_equal(&a, &b), i == k);
		}
}

static void test_addr_is_any(void **state)
{
	struct inet_addr a;

	(void)state;
	inet_addr_parse("0.0.0.0", &a);
	assert_true(inet_addr_is_any(&a));
	inet_addr_parse("::", &a);
	assert_true(inet_addr_is_any(&a));
	inet_addr_parse("0.0.0.1", &a);
	assert_false(inet_addr_is_any(&a));
	inet_addr_parse("::1", &a);
	assert_false(inet_addr_is_any(&a));
}

/* The system's own functions are the oracle for what is in a socket address. */
static void test_addr_through_a_socket_address(void **state)
{
	struct sockaddr_storage ss;
	struct inet_addr a, b;
	char want[64], got[64];
	uint16_t port = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		socklen_t n;

		a = any_addr(i & 1);
		a.scope = a.family == INET_V6 ? rng_below(rng, 10) : 0;
		n = inet_addr_to_sockaddr(&a, 4500, &ss);
		assert_int_equal(n, i & 1 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		if (i & 1) {
			const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;

			assert_int_equal(in6->sin6_scope_id, a.scope);
			assert_int_equal(ntohs(in6->sin6_port), 4500);
			inet_ntop(AF_INET6, &in6->sin6_addr, got, sizeof(got));
		} else {
			assert_int_equal(ntohs(((const struct sockaddr_in *)&ss)->sin_port), 4500);
			inet_ntop(AF_INET, &((const struct sockaddr_in *)&ss)->sin_addr, got, sizeof(got));
		}
		assert_int_equal(inet_addr_from_sockaddr((const struct sockaddr *)&ss, &b, &port), 0);
		assert_int_equal(port, 4500);
		assert_true(inet_addr_equal(&a, &b) && a.scope == b.scope);
		a.scope = 0;
		assert_string_equal(got, inet_addr_format(&a, want));
	}
	ss.ss_family = AF_UNIX;
	assert_int_equal(inet_addr_from_sockaddr((const struct sockaddr *)&ss, &b, &port), -EAFNOSUPPORT);
}

static bool bit(const struct inet_addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

static bool model_contains(const struct inet_prefix *p, const struct inet_addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned i = 0; i < p->plen; i++)
		if (bit(&p->addr, i) != bit(a, i))
			return false;
	return true;
}

static struct inet_prefix any_prefix(bool v6)
{
	struct inet_prefix p = {.addr = any_addr(v6)};

	p.plen = (uint8_t)rng_below(rng, inet_addr_bits(&p.addr) + 1u);
	return p;
}

/* An address that shares exactly `n` bits with `a`. */
static struct inet_addr diverge(struct inet_addr a, unsigned n)
{
	if (n < inet_addr_bits(&a))
		a.b[n / 8] ^= (uint8_t)(0x80 >> n % 8);
	for (unsigned i = n / 8 + 1; i < inet_addr_len(&a); i++)
		rng->fill(rng, &a.b[i], 1);
	return a;
}

static void test_prefix_contains_like_the_bitwise_model(void **state)
{
	unsigned inside = 0, outside = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct inet_prefix p = any_prefix(i & 1);
		struct inet_addr a = diverge(p.addr, rng_below(rng, inet_addr_bits(&p.addr) + 1u));
		bool want;

		if (!rng_below(rng, 8))
			a = any_addr(rng_below(rng, 2));
		want = model_contains(&p, &a);
		assert_int_equal(inet_prefix_contains(&p, &a), want);
		want ? inside++ : outside++;
	}
	assert_true(inside > ROUNDS / 10 && outside > ROUNDS / 10);
}

static void test_prefix_first_and_last_bound_exactly_what_it_contains(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct inet_prefix p = any_prefix(i & 1);
		struct inet_addr first = inet_prefix_first(&p), last = inet_prefix_last(&p);

		for (unsigned k = 0; k < inet_addr_bits(&p.addr); k++) {
			assert_int_equal(bit(&first, k), k < p.plen ? bit(&p.addr, k) : 0);
			assert_int_equal(bit(&last, k), k < p.plen ? bit(&p.addr, k) : 1);
		}
		for (size_t k = inet_addr_len(&p.addr); k < 16; k++)
			assert_int_equal(first.b[k] | last.b[k], 0);
		assert_int_equal(first.family, p.addr.family);
	}
}

static void test_prefix_overlaps_and_equal_like_the_bitwise_model(void **state)
{
	unsigned yes = 0, same = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct inet_prefix a = any_prefix(i & 1),
		                   b = any_prefix(rng_below(rng, 20) ? i & 1 : !(i & 1));
		struct inet_addr first_a, first_b;
		bool want;

		if (rng_below(rng, 2))
			b = (struct inet_prefix){
			    diverge(a.addr, rng_below(rng, inet_addr_bits(&a.addr) + 1u)), b.plen};
		if (!inet_prefix_valid(&b))
			b.plen = a.plen;
		if (!rng_below(rng, 4))
			b.plen = a.plen;
		if (!inet_prefix_valid(&b))
			continue;
		first_a = inet_prefix_first(&a);
		first_b = inet_prefix_first(&b);
		/* Two prefixes meet when one holds the first address of the other. */
		want = model_contains(&a, &first_b) || model_contains(&b, &first_a);
		assert_int_equal(inet_prefix_overlaps(&a, &b), want);
		assert_int_equal(inet_prefix_overlaps(&b, &a), want);
		yes += want;
		want = a.plen == b.plen && model_contains(&a, &b.addr);
		assert_int_equal(inet_prefix_equal(&a, &b), want);
		same += want;
	}
	assert_true(yes > ROUNDS / 10 && same > ROUNDS / 50);
}

static void test_prefix_valid_host_and_format(void **state)
{
	static const struct {
		const char *addr;
		uint8_t plen;
		const char *want; /* NULL: invalid */
	} cases[] = {
	    {"10.0.0.100", 32, "10.0.0.100"},
	    {"10.0.0.100", 24, "10.0.0.100/24"},
	    {"0.0.0.0", 0, "0.0.0.0/0"},
	    {"10.0.0.0", 33, NULL},
	    {"10.0.0.0", 128, NULL},
	    {"::", 0, "::/0"},
	    {"2001:db8::1", 128, "2001:db8::1"},
	    {"2001:db8::1", 32, "2001:db8::1/32"},
	    {"fe80::1%3", 64, "fe80::1%3/64"},
	    {"::", 129, NULL},
	    {"::", 255, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inet_prefix p = {.plen = cases[i].plen}, host;
		char buf[INET_PREFIX_STRLEN];

		assert_int_equal(inet_addr_parse(cases[i].addr, &p.addr), 0);
		assert_int_equal(inet_prefix_valid(&p), cases[i].want != NULL);
		if (cases[i].want)
			assert_string_equal(inet_prefix_format(&p, buf), cases[i].want);
		host = inet_prefix_host(&p.addr);
		assert_true(inet_prefix_is_host(&host) && inet_prefix_valid(&host));
		assert_int_equal(inet_prefix_is_host(&p), host.plen == p.plen);
	}
	assert_false(inet_prefix_valid(&(struct inet_prefix){0}));
}

static int seed(void **state)
{
	(void)state;
	rng_seeded_init(&seeded, 61);
	return 0;
}

static void expect_range(const char *first, const char *last, const char *want)
{
	struct inet_prefix p[INET_RANGE_PREFIXES_MAX], few[2];
	char text[600] = "", one[INET_PREFIX_STRLEN];
	struct inet_addr a, b;
	uint32_t n;

	assert_int_equal(inet_addr_parse(first, &a), 0);
	assert_int_equal(inet_addr_parse(last, &b), 0);
	n = inet_range_prefixes(&a, &b, p, ARRAY_SIZE(p));
	for (uint32_t i = 0; i < n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, inet_prefix_format(&p[i], one));
	}
	assert_string_equal(text, want);
	/* Counted, and not written. */
	assert_int_equal(inet_range_prefixes(&a, &b, few, ARRAY_SIZE(few)), n);
	for (uint32_t i = 0; i < n && i < ARRAY_SIZE(few); i++)
		assert_true(inet_prefix_equal(&few[i], &p[i]));
}

static void test_range_is_made_of_prefixes(void **state)
{
	struct inet_prefix p[INET_RANGE_PREFIXES_MAX];
	struct inet_addr a, b;

	expect_range("10.0.0.1", "10.0.0.1", "10.0.0.1");
	expect_range("10.0.0.1", "10.0.0.9", "10.0.0.1 10.0.0.2/31 10.0.0.4/30 10.0.0.8/31");
	expect_range("0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	expect_range("255.255.255.254", "255.255.255.255", "255.255.255.254/31");
	expect_range("2001:db8::1", "2001:db8::6", "2001:db8::1 2001:db8::2/127 2001:db8::4/127 2001:db8::6");
	expect_range("10.0.0.2", "10.0.0.1", "");
	assert_int_equal(inet_addr_parse("::1", &a), 0);
	assert_int_equal(inet_addr_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", &b), 0);
	assert_int_equal(inet_range_prefixes(&a, &b, p, ARRAY_SIZE(p)), INET_RANGE_PREFIXES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addr_parse_and_format_table),
	    cmocka_unit_test(test_addr_format_then_parse_gives_the_same),
	    cmocka_unit_test(test_addr_from_bytes_knows_two_lengths),
	    cmocka_unit_test(test_addr_order_is_family_then_bytes),
	    cmocka_unit_test(test_addr_is_any),
	    cmocka_unit_test(test_addr_through_a_socket_address),
	    cmocka_unit_test(test_prefix_contains_like_the_bitwise_model),
	    cmocka_unit_test(test_prefix_first_and_last_bound_exactly_what_it_contains),
	    cmocka_unit_test(test_prefix_overlaps_and_equal_like_the_bitwise_model),
	    cmocka_unit_test(test_prefix_valid_host_and_format),
	    cmocka_unit_test(test_range_is_made_of_prefixes),
	};

	return cmocka_run_group_tests_name("inet/addr", tests, seed, NULL);
}
