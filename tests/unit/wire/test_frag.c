#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ip/frag.h"

enum { ROOM = 70000 };

/* A packet of hdr_len octets of header (options given) and payload octets that name their own place. */
static struct ip_view make_packet(
    uint8_t *b, const uint8_t *options, size_t n_options, uint16_t off_field, uint32_t payload)
{
	const struct ip4_params p = {{10, 0, 0, 1}, {10, 0, 0, 2}, .proto = 50, .ttl = 9, .id = 0x4242};
	struct ip_view v = {0};
	uint32_t hdr_len = 20 + (uint32_t)n_options;

	ip4_write(b, &p);
	b[0] = (uint8_t)(0x40 | hdr_len / 4);
	b[6] = (uint8_t)(off_field >> 8);
	b[7] = (uint8_t)off_field;
	if (n_options)
		memcpy(b + 20, options, n_options);
	for (uint32_t i = 0; i < payload; i++)
		b[hdr_len + i] = (uint8_t)(i ^ i >> 8);
	ip4_set_payload(b, 50, (uint16_t)(hdr_len + payload));
	assert_int_equal(ip_parse(b, hdr_len + payload, IP_CHECK_SUM, &v), IP_OK);
	return v;
}

/* Cuts, checks every fragment by reading it back, and puts the payload together again. Returns the number of
 * fragments. */
static int cut_and_join(const struct ip_view *v, uint32_t mtu, uint32_t base_off, bool more_after)
{
	static uint8_t joined[ROOM], one[ROOM];
	struct ip_fragger f;
	struct ip_frag g;
	uint32_t at = 0, payload = v->total_len - v->hdr_len;
	int n = 0;
	bool last_more = true;

	assert_int_equal(ip_fragger_init(&f, v, mtu, 0), IP_FRAG_OK);
	while (ip_fragger_next(&f, &g)) {
		struct ip_view piece = {0};

		memcpy(one, g.hdr, g.hdr_len);
		memcpy(one + g.hdr_len, g.data, g.len);
		assert_true(g.hdr_len + g.len <= mtu);
		assert_int_equal(ip_parse(one, g.hdr_len + g.len, IP_CHECK_SUM, &piece), IP_OK);
		assert_int_equal(piece.total_len, g.hdr_len + g.len);
		assert_int_equal(piece.frag_off, base_off + at);
		assert_int_equal(piece.frag_id, 0x4242);
		assert_int_equal(piece.proto, 50);
		assert_int_equal(piece.ttl, 9);
		memcpy(joined + at, g.data, g.len);
		at += g.len;
		assert_int_equal(piece.more_frags, at < payload || more_after);
		last_more = piece.more_frags;
		n++;
	}
	assert_int_equal(at, payload);
	assert_int_equal(last_more, more_after);
	assert_memory_equal(joined, v->pkt + v->hdr_len, payload);
	assert_false(ip_fragger_next(&f, &g));
	return n;
}

static uint8_t packet[ROOM];

static void test_frag_numbered_sizes_give_the_expected_count(void **state)
{
	static const struct {
		int n;
		uint32_t payload, mtu;
		int want;
	} cases[] = {
	    {1, 0, 1500, 1},
	    {2, 1480, 1500, 1},
	    {3, 1481, 1500, 2},
	    {4, 2960, 1500, 2},
	    {5, 2961, 1500, 3},
	    {6, 8, 28, 1},
	    {7, 9, 28, 2},
	    {8, 65515, 1500, 45},
	    {9, 1476, 1495, 2}, /* 1475 is no multiple of 8: 1472 fit */
	    {10, 100, 68, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_view v = make_packet(packet, NULL, 0, 0, cases[i].payload);
		int n = cut_and_join(&v, cases[i].mtu, 0, false);

		if (n != cases[i].want)
			fail_msg("case %d: %d fragments", cases[i].n, n);
	}
}

static void test_frag_sweep_of_sizes_and_mtus_joins_again(void **state)
{
	(void)state;
	for (uint32_t payload = 0; payload < 400; payload += 3)
		for (uint32_t mtu = 28; mtu < 160; mtu += 5) {
			struct ip_view v = make_packet(packet, NULL, 0, 0, payload);

			cut_and_join(&v, mtu, 0, false);
		}
}

static void test_frag_of_a_fragment_keeps_offset_and_more(void **state)
{
	struct ip_view v = make_packet(packet, NULL, 0, 0x2000 | 185, 800);

	(void)state;
	cut_and_join(&v, 300, 1480, true);
	v = make_packet(packet, NULL, 0, 185, 800);
	cut_and_join(&v, 300, 1480, false);
}

static void test_frag_df_and_tiny_mtu_have_their_outcomes(void **state)
{
	struct ip_view v = make_packet(packet, NULL, 0, 0x4000, 1481);
	struct ip_fragger f;
	struct ip_frag g;

	(void)state;
	assert_int_equal(ip_fragger_init(&f, &v, 1500, 0), IP_FRAG_DF);
	assert_int_equal(ip_fragger_init(&f, &v, 1501, 0), IP_FRAG_OK);
	assert_true(ip_fragger_next(&f, &g));
	assert_int_equal(g.hdr[6], 0x40);
	v = make_packet(packet, NULL, 0, 0, 100);
	assert_int_equal(ip_fragger_init(&f, &v, 27, 0), IP_FRAG_BAD_MTU);
}

/* RFC 791 section 3.1: only options with the copied bit go into later fragments. */
static void test_frag_later_headers_carry_only_copied_options(void **state)
{
	static const uint8_t options[] = {0x94, 4, 0, 0, 1, 7, 7, 4, 10, 0, 0, 1};
	struct ip_view v = make_packet(packet, options, sizeof(options), 0, 200);
	struct ip_fragger f;
	struct ip_frag g;

	(void)state;
	assert_int_equal(ip_fragger_init(&f, &v, 100, 0), IP_FRAG_OK);
	assert_true(ip_fragger_next(&f, &g));
	assert_int_equal(g.hdr_len, 32);
	assert_memory_equal(g.hdr + 20, options, sizeof(options));
	while (ip_fragger_next(&f, &g)) {
		assert_int_equal(g.hdr_len, 24);
		assert_memory_equal(g.hdr + 20, options, 4);
	}
	cut_and_join(&v, 100, 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frag_numbered_sizes_give_the_expected_count),
	    cmocka_unit_test(test_frag_sweep_of_sizes_and_mtus_joins_again),
	    cmocka_unit_test(test_frag_of_a_fragment_keeps_offset_and_more),
	    cmocka_unit_test(test_frag_df_and_tiny_mtu_have_their_outcomes),
	    cmocka_unit_test(test_frag_later_headers_carry_only_copied_options),
	};

	return cmocka_run_group_tests_name("wire/frag", tests, NULL, NULL);
}
