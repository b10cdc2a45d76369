#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "wire/ip/csum.h"
#include "wire/ip/mss.h"

enum { HDR = 20, SYN = 2 };

/* A SYN with these options; the packet is exactly as long as the allocation, so that a step too far is seen.
 */
static uint8_t *syn(const uint8_t *options, size_t n, struct ip_view *v)
{
	size_t total = HDR + 20 + n;
	uint8_t *p = calloc(1, total);
	const struct ip4_params ip = {
	    {10, 0, 0, 1}, {10, 0, 0, 2}, .proto = 6, .ttl = 9, .total_len = (uint16_t)total};

	assert_non_null(p);
	ip4_write(p, &ip);
	p[HDR + 12] = (uint8_t)((20 + n) / 4 << 4);
	p[HDR + 13] = SYN;
	if (n)
		memcpy(p + HDR + 20, options, n);
	assert_int_equal(ip_parse(p, total, IP_CHECK_SUM, v), IP_OK);
	assert_true(csum_l4_fill(p, v));
	return p;
}

static bool sum_is_right(const uint8_t *p, const struct ip_view *v)
{
	uint32_t n = v->total_len - v->upper_off;

	return csum_finish(csum_add(csum_pseudo(p, 6, n), p + v->upper_off, n)) == 0;
}

/* 1400 is asked for. want: of the whole options; the same as opt when nothing is to change. */
static const struct {
	int n;
	const char *what;
	uint8_t opt[16], want[16];
	uint8_t len;
} cases[] = {
    {1, "lowered", {2, 4, 0x05, 0xb4}, {2, 4, 0x05, 0x78}, 4},
    {2, "equal", {2, 4, 0x05, 0x78}, {2, 4, 0x05, 0x78}, 4},
    {3, "below", {2, 4, 0x02, 0x18}, {2, 4, 0x02, 0x18}, 4},
    {4, "at an odd place", {1, 2, 4, 0x05, 0xb4, 1, 1, 0}, {1, 2, 4, 0x05, 0x78, 1, 1, 0}, 8},
    {5, "after others", {4, 2, 3, 3, 7, 2, 4, 0xff, 0xff, 0, 0, 0},
        {4, 2, 3, 3, 7, 2, 4, 0x05, 0x78, 0, 0, 0}, 12},
    {6, "twice", {2, 4, 0x05, 0xb4, 2, 4, 0x05, 0xb5}, {2, 4, 0x05, 0x78, 2, 4, 0x05, 0x78}, 8},
    {7, "after the end", {0, 0, 0, 0, 2, 4, 0x05, 0xb4}, {0, 0, 0, 0, 2, 4, 0x05, 0xb4}, 8},
    {8, "of a wrong length", {2, 3, 0x05, 0xb4}, {2, 3, 0x05, 0xb4}, 4},
    {9, "cut off", {1, 1, 2, 4}, {1, 1, 2, 4}, 4},
    {10, "its length cut off", {1, 1, 1, 2}, {1, 1, 1, 2}, 4},
    {11, "behind one of length 0", {3, 0, 1, 1, 2, 4, 0x05, 0xb4}, {3, 0, 1, 1, 2, 4, 0x05, 0xb4}, 8},
    {12, "behind one of length 1", {3, 1, 1, 1, 2, 4, 0x05, 0xb4}, {3, 1, 1, 1, 2, 4, 0x05, 0xb4}, 8},
    {13, "behind one that reaches beyond", {3, 200, 1, 1, 2, 4, 0x05, 0xb4}, {3, 200, 1, 1, 2, 4, 0x05, 0xb4},
        8},
    {14, "none", {0}, {0}, 0},
};

static void test_mss_numbered_options_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_view v = {0};
		uint8_t *p = syn(cases[i].opt, cases[i].len, &v);
		bool differs = memcmp(cases[i].opt, cases[i].want, cases[i].len) != 0;

		if (tcp_clamp_mss(p, &v, 1400) != differs)
			fail_msg("case %d (%s): %d", cases[i].n, cases[i].what, !differs);
		if (memcmp(p + HDR + 20, cases[i].want, cases[i].len) || !sum_is_right(p, &v))
			fail_msg("case %d (%s): wrong octets", cases[i].n, cases[i].what);
		free(p);
	}
}

static void test_mss_any_value_and_place_keeps_the_checksum_right(void **state)
{
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 9293);
	for (int i = 0; i < 5000; i++) {
		uint8_t opt[8] = {1, 1, 1, 1, 1, 1, 1, 1};
		uint32_t at = rng_below(&r.rng, 5);
		uint16_t was = (uint16_t)rng_below(&r.rng, 65536), mss = (uint16_t)rng_below(&r.rng, 65536);
		struct ip_view v = {0};
		uint8_t *p;

		opt[at] = 2;
		opt[at + 1] = 4;
		opt[at + 2] = (uint8_t)(was >> 8);
		opt[at + 3] = (uint8_t)was;
		p = syn(opt, sizeof(opt), &v);
		assert_int_equal(tcp_clamp_mss(p, &v, mss), was > mss);
		assert_int_equal(p[HDR + 20 + at + 2] << 8 | p[HDR + 20 + at + 3], was > mss ? mss : was);
		assert_true(sum_is_right(p, &v));
		free(p);
	}
}

static void test_mss_a_broken_checksum_stays_broken(void **state)
{
	const uint8_t opt[] = {2, 4, 0x05, 0xb4};
	struct ip_view v = {0};
	uint8_t *p = syn(opt, sizeof(opt), &v);

	(void)state;
	p[HDR + 16] ^= 0x40;
	assert_true(tcp_clamp_mss(p, &v, 1000));
	assert_false(sum_is_right(p, &v));
	free(p);
}

static void test_mss_header_length_beyond_the_packet_is_left_alone(void **state)
{
	const uint8_t opt[] = {2, 4, 0x05, 0xb4};

	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		struct ip_view v = {0};
		uint8_t *p = syn(opt, sizeof(opt), &v);

		p[HDR + 12] = (uint8_t)(words << 4);
		assert_int_equal(tcp_clamp_mss(p, &v, 1400), words == 6);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mss_numbered_options_as_stated),
	    cmocka_unit_test(test_mss_any_value_and_place_keeps_the_checksum_right),
	    cmocka_unit_test(test_mss_a_broken_checksum_stays_broken),
	    cmocka_unit_test(test_mss_header_length_beyond_the_packet_is_left_alone),
	};

	return cmocka_run_group_tests_name("wire/mss", tests, NULL, NULL);
}
