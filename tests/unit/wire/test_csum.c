#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "wire/ip/csum.h"

/* RFC 1071 as its first sentence has it. */
static uint16_t slow_csum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)~sum;
}

/* 0 and 0xffff are the same number in one's complement. */
static bool same(uint16_t a, uint16_t b)
{
	return a % 0xffff == b % 0xffff;
}

static void test_csum_rfc1071_example_gives_its_sum(void **state)
{
	const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(csum_finish(csum_add(0, b, sizeof(b))), (uint16_t)~0xddf2);
}

static void test_csum_every_length_and_split_agrees_with_slow_sum(void **state)
{
	uint8_t b[400];
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 1071);
	r.rng.fill(&r.rng, b, sizeof(b));
	for (size_t n = 0; n <= sizeof(b); n++) {
		assert_true(same(csum_finish(csum_add(0, b, n)), slow_csum(b, n)));
		for (size_t cut = 0; cut <= n; cut += 2)
			assert_true(same(
			    csum_finish(csum_add(csum_add(0, b, cut), b + cut, n - cut)), slow_csum(b, n)));
	}
}

static void test_csum_all_ones_does_not_overflow(void **state)
{
	static uint8_t b[65535];

	(void)state;
	memset(b, 0xff, sizeof(b));
	assert_true(same(csum_finish(csum_add(0, b, sizeof(b))), slow_csum(b, sizeof(b))));
}

/* RFC 1624 section 4: the example that the older equation got wrong. */
static void test_csum_adjust_rfc1624_example(void **state)
{
	(void)state;
	assert_int_equal(csum_adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void test_csum_adjust_any_word_agrees_with_full_sum(void **state)
{
	uint8_t b[20];
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 1624);
	for (int i = 0; i < 5000; i++) {
		uint32_t at = rng_below(&r.rng, 10) * 2;
		uint16_t before, old_word, new_word;

		r.rng.fill(&r.rng, b, sizeof(b));
		before = slow_csum(b, sizeof(b));
		old_word = (uint16_t)(b[at] << 8 | b[at + 1]);
		r.rng.fill(&r.rng, b + at, 2);
		new_word = (uint16_t)(b[at] << 8 | b[at + 1]);
		assert_true(same(csum_adjust(before, old_word, new_word), slow_csum(b, sizeof(b))));
	}
}

static void test_csum_complete_folded_seed_gives_udp_sum(void **state)
{
	/* 10.0.0.1 to 10.0.0.2, UDP of 12 octets: pseudo-header sum 0a00+0001+0a00+0002+0011+000c = 1420 */
	uint8_t p[] = {0x03, 0xe8, 0x00, 0x35, 0x00, 0x0c, 0x14, 0x20, 'a', 'b', 'c', 'd'};
	const uint8_t pseudo[] = {10, 0, 0, 1, 10, 0, 0, 2, 0, 17, 0, 12};
	uint8_t all[sizeof(pseudo) + sizeof(p)];

	(void)state;
	assert_int_equal(csum_complete(p, sizeof(p), 0, 6), 0);
	memcpy(all, pseudo, sizeof(pseudo));
	memcpy(all + sizeof(pseudo), p, sizeof(p));
	assert_true(same(slow_csum(all, sizeof(all)), 0));
}

static void test_csum_complete_zero_result_of_udp_is_sent_as_ones(void **state)
{
	uint8_t udp[] = {0, 0, 0, 0, 0, 0, 0xff, 0xff}, tcp[18] = {[16] = 0xff, [17] = 0xff};

	(void)state;
	assert_int_equal(csum_complete(udp, sizeof(udp), 0, 6), 0);
	assert_int_equal(udp[6] << 8 | udp[7], 0xffff);
	assert_int_equal(csum_complete(tcp, sizeof(tcp), 0, 16), 0);
	assert_int_equal(tcp[16] | tcp[17], 0);
}

static void test_csum_complete_field_outside_is_refused(void **state)
{
	uint8_t p[32] = {0};

	(void)state;
	assert_int_equal(csum_complete(p, 32, 33, 0), -22);
	assert_int_equal(csum_complete(p, 32, 20, 11), -22);
	assert_int_equal(csum_complete(p, 32, 0, SIZE_MAX), -22);
	assert_int_equal(csum_complete(p, 32, 20, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_csum_rfc1071_example_gives_its_sum),
	    cmocka_unit_test(test_csum_every_length_and_split_agrees_with_slow_sum),
	    cmocka_unit_test(test_csum_all_ones_does_not_overflow),
	    cmocka_unit_test(test_csum_adjust_rfc1624_example),
	    cmocka_unit_test(test_csum_adjust_any_word_agrees_with_full_sum),
	    cmocka_unit_test(test_csum_complete_folded_seed_gives_udp_sum),
	    cmocka_unit_test(test_csum_complete_zero_result_of_udp_is_sent_as_ones),
	    cmocka_unit_test(test_csum_complete_field_outside_is_refused),
	};

	return cmocka_run_group_tests_name("wire/csum", tests, NULL, NULL);
}
