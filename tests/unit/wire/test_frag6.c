#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ip/frag.h"

enum { ROOM = 70000, HBH = 0, RT = 43, FRAG = 44, DST = 60 };

static uint8_t packet[ROOM];

/* n_ext headers of 8 octets of these types, then payload octets of a protocol without ports. */
static struct ip_view make_packet(const uint8_t *types, size_t n_ext, uint32_t payload)
{
	struct ip6_params p = {.next = n_ext ? types[0] : 253, .tos = 0x1b, .hops = 9, .flow = 0x12345};
	struct ip_view v = {0};
	size_t at = 40 + 8 * n_ext;

	p.payload_len = (uint16_t)(8 * n_ext + payload);
	p.src[0] = p.dst[0] = 0x20;
	p.dst[15] = 1;
	memset(packet, 0, at);
	ip6_write(packet, &p);
	for (size_t i = 0; i < n_ext; i++)
		packet[40 + 8 * i] = i + 1 < n_ext ? types[i + 1] : 253;
	for (uint32_t i = 0; i < payload; i++)
		packet[at + i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(ip_parse(packet, at + payload, IP_CHECK_SUM, &v), IP_OK);
	return v;
}

/* Cuts, reads every fragment back, and puts what is behind the fragment headers together again. `repeated`:
 * octets each fragment begins with. Returns the number of fragments. */
static int cut_and_join(const struct ip_view *v, uint32_t mtu, uint32_t repeated)
{
	static uint8_t joined[ROOM], one[ROOM];
	struct ip_fragger f;
	struct ip_frag g;
	uint32_t at = 0, payload = v->total_len - repeated;
	int n = 0;

	assert_int_equal(ip_fragger_init(&f, v, mtu, 0xabcd1234), IP_FRAG_OK);
	for (; ip_fragger_next(&f, &g); n++) {
		struct ip_view piece = {0};
		struct ip6_fragment fh = {0};

		memcpy(one, g.hdr, g.hdr_len);
		memcpy(one + g.hdr_len, g.data, g.len);
		assert_true(g.hdr_len + g.len <= mtu);
		assert_int_equal(g.hdr_len, repeated + 8);
		assert_int_equal(ip_parse(one, g.hdr_len + g.len, IP_CHECK_SUM, &piece), IP_OK);
		assert_int_equal(piece.total_len, g.hdr_len + g.len);
		assert_int_equal(piece.frag_off, at);
		assert_int_equal(piece.frag_id, 0xabcd1234);
		assert_int_equal(piece.tos, 0x1b);
		assert_int_equal(piece.ttl, 9);
		assert_true(ip_find_fragment(one, piece.total_len, &fh));
		assert_int_equal(fh.at, repeated);
		/* But for the length and the octet that names the fragment header, all is repeated. */
		for (uint32_t i = 0; i < repeated; i++)
			assert_true(one[i] == packet[i] || i == 4 || i == 5 || i == fh.proto_off);
		assert_int_equal(one[fh.at], packet[fh.proto_off]);
		memcpy(joined + at, g.data, g.len);
		at += g.len;
		assert_int_equal(piece.more_frags, at < payload);
	}
	assert_int_equal(at, payload);
	assert_memory_equal(joined, packet + repeated, payload);
	return n;
}

static void test_frag6_numbered_sizes_give_the_expected_count(void **state)
{
	static const struct {
		int n;
		uint32_t payload, mtu;
		int want;
	} cases[] = {
	    {1, 1461, 1500, 2}, /* 1452, so 1448, fit behind a fragment header */
	    {2, 2896, 1500, 2},
	    {3, 2900, 1500, 2}, /* the last may use all of 1452 */
	    {4, 2901, 1500, 3},
	    {5, 65535, 1500, 46},
	    {6, 65535, 1280, 54},
	    {7, 17, 56, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_view v = make_packet(NULL, 0, cases[i].payload);
		int n = cut_and_join(&v, cases[i].mtu, 40);

		if (n != cases[i].want)
			fail_msg("case %d: %d fragments", cases[i].n, n);
	}
}

/* RFC 8200 section 4.5: each fragment repeats what nodes on the way read. */
static void test_frag6_repeats_what_routers_look_at(void **state)
{
	static const uint8_t all[] = {HBH, DST, RT, DST}, last[] = {DST}, first[] = {HBH, DST};
	struct ip_view v = make_packet(all, 4, 1000);

	(void)state;
	cut_and_join(&v, 400, 64);
	v = make_packet(last, 1, 1000);
	cut_and_join(&v, 400, 40);
	v = make_packet(first, 2, 1000);
	cut_and_join(&v, 400, 48);
}

static void test_frag6_sweep_of_sizes_and_mtus_joins_again(void **state)
{
	static const uint8_t types[] = {HBH};

	(void)state;
	for (uint32_t payload = 100; payload < 400; payload += 3)
		for (uint32_t mtu = 64; mtu < 140; mtu += 5) {
			struct ip_view v = make_packet(types, 1, payload);

			cut_and_join(&v, mtu, 48);
		}
}

static void test_frag6_that_fits_is_given_as_it_is(void **state)
{
	struct ip_view v = make_packet(NULL, 0, 1460);
	struct ip_fragger f;
	struct ip_frag g;

	(void)state;
	assert_int_equal(ip_fragger_init(&f, &v, 1500, 7), IP_FRAG_OK);
	assert_true(ip_fragger_next(&f, &g));
	assert_int_equal(g.hdr_len, 40);
	assert_memory_equal(g.hdr, packet, 40);
	assert_ptr_equal(g.data, packet + 40);
	assert_int_equal(g.len, 1460);
	assert_false(ip_fragger_next(&f, &g));
	v = make_packet(NULL, 0, 0);
	assert_int_equal(ip_fragger_init(&f, &v, 1500, 7), IP_FRAG_OK);
	assert_true(ip_fragger_next(&f, &g));
	assert_int_equal(g.hdr_len + g.len, 40);
	assert_false(ip_fragger_next(&f, &g));
}

static void test_frag6_of_a_fragment_keeps_id_and_offset(void **state)
{
	static const uint8_t types[] = {FRAG};
	struct ip_view v = make_packet(types, 1, 800);
	struct ip_fragger f;
	struct ip_frag g;
	uint32_t at = 1480;

	(void)state;
	packet[42] = 1480 >> 8;
	packet[43] = (uint8_t)(1480 & 0xf8) | 1;
	packet[47] = 99;
	assert_int_equal(ip_parse(packet, 848, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(ip_fragger_init(&f, &v, 400, 7), IP_FRAG_OK);
	while (ip_fragger_next(&f, &g)) {
		assert_int_equal(g.hdr_len, 48);
		assert_int_equal(g.hdr[40], 253);
		assert_int_equal(g.hdr[47], 99);
		assert_int_equal(g.hdr[42] << 8 | g.hdr[43], at | 1);
		at += g.len;
	}
	assert_int_equal(at, 1480 + 800);
}

static void test_frag6_tiny_mtu_and_long_headers_have_their_outcomes(void **state)
{
	static const uint8_t types[] = {HBH};
	struct ip_view v = make_packet(types, 1, 900);
	struct ip_fragger f;

	(void)state;
	assert_int_equal(ip_fragger_init(&f, &v, 63, 7), IP_FRAG_BAD_MTU);
	assert_int_equal(ip_fragger_init(&f, &v, 64, 7), IP_FRAG_OK);
	memset(packet + 42, 0, 700); /* padding */
	packet[41] = 57;             /* 464 octets: with header and fragment header exactly the bound */
	assert_int_equal(ip_parse(packet, 948, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(ip_fragger_init(&f, &v, 800, 7), IP_FRAG_OK);
	packet[41] = 58;
	assert_int_equal(ip_parse(packet, 948, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(ip_fragger_init(&f, &v, 800, 7), IP_FRAG_BAD_HDR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frag6_numbered_sizes_give_the_expected_count),
	    cmocka_unit_test(test_frag6_repeats_what_routers_look_at),
	    cmocka_unit_test(test_frag6_sweep_of_sizes_and_mtus_joins_again),
	    cmocka_unit_test(test_frag6_that_fits_is_given_as_it_is),
	    cmocka_unit_test(test_frag6_of_a_fragment_keeps_id_and_offset),
	    cmocka_unit_test(test_frag6_tiny_mtu_and_long_headers_have_their_outcomes),
	};

	return cmocka_run_group_tests_name("wire/frag6", tests, NULL, NULL);
}
