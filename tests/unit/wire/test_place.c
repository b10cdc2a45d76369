#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

enum { ROOM = 4096, HBH = 0, RT = 43, FRAG = 44, ESP = 50, AH = 51, DST = 60, UDP = 17 };

static uint8_t pkt[ROOM];

/* An IPv6 packet with these extension headers of 8 octets each, then `last`. A RT has nothing left to visit;
 * FRAG is that of a whole datagram. */
static size_t chain(const uint8_t *types, size_t n, uint8_t last)
{
	struct ip6_params p = {.next = n ? types[0] : last, .hops = 9, .payload_len = (uint16_t)(8 * n + 8)};

	memset(pkt, 0, sizeof(pkt));
	p.src[0] = p.dst[0] = 0x20;
	ip6_write(pkt, &p);
	for (size_t i = 0; i < n; i++)
		pkt[40 + 8 * i] = i + 1 < n ? types[i + 1] : last;
	return 40 + 8 * n + 8;
}

/* RFC 4302 section 3.1.1, RFC 4303 section 3.1.1. Counted in headers. */
static const struct {
	int n;
	uint8_t types[6], count, ipsec, insertion;
} chains[] = {
    {1, {0}, 0, 0, 0},
    {2, {HBH}, 1, 1, 1},
    {3, {DST}, 1, 1, 0},
    {4, {HBH, DST}, 2, 2, 1},
    {5, {RT}, 1, 1, 1},
    {6, {HBH, RT}, 2, 2, 2},
    {7, {DST, RT}, 2, 2, 2},
    {8, {DST, RT, DST}, 3, 3, 2},
    {9, {HBH, DST, RT, DST}, 4, 4, 3},
    {10, {HBH, DST, RT, FRAG, DST}, 5, 5, 4},
    {11, {FRAG}, 1, 1, 1},
    {12, {FRAG, DST}, 2, 2, 1},
    {13, {DST, DST}, 2, 2, 0},
    {14, {RT, DST, RT}, 3, 3, 3},
};

static void test_place_numbered_chains_as_the_rfcs_order_them(void **state)
{
	static const uint8_t ends[] = {ESP, AH, UDP, 108, 59, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
			size_t len = chain(chains[i].types, chains[i].count, ends[k]);
			struct ip_place a = {0}, b = {0};

			assert_int_equal(ip_find_ipsec(pkt, len, &a), IP_OK);
			assert_int_equal(ip_find_insertion(pkt, len, &b), IP_OK);
			if (a.at != 40 + 8 * chains[i].ipsec || b.at != 40 + 8 * chains[i].insertion)
				fail_msg("chain %d: %u, %u", chains[i].n, a.at, b.at);
			assert_int_equal(a.next, ends[k]);
			assert_int_equal(pkt[a.proto_off], a.next);
			assert_int_equal(pkt[b.proto_off], b.next);
		}
}

static void test_place_ipv4_is_behind_the_options(void **state)
{
	const struct ip4_params p = {{10, 0, 0, 1}, {10, 0, 0, 2}, .proto = ESP, .total_len = 60};
	struct ip_place place = {0};

	(void)state;
	ip4_write(pkt, &p);
	for (uint8_t words = 0; words < 16; words++) {
		pkt[0] = (uint8_t)(0x40 | words);
		assert_int_equal(ip_find_insertion(pkt, 60, &place), words < 5 ? IP_BAD_HEADER : IP_OK);
		if (words < 5)
			continue;
		assert_int_equal(place.at, words * 4);
		assert_int_equal(place.proto_off, 9);
		assert_int_equal(place.next, ESP);
		assert_int_equal(ip_find_ipsec(pkt, words * 4u - 1, &place), IP_SHORT);
	}
}

static void test_place_fragments_have_none(void **state)
{
	static const uint8_t types[] = {HBH, FRAG};
	const struct ip4_params p = {{10, 0, 0, 1}, {10, 0, 0, 2}, .proto = ESP, .total_len = 60, .df = true};
	size_t len = chain(types, 2, UDP);
	struct ip6_fragment fh = {0};
	struct ip_place place = {0};

	(void)state;
	memcpy(pkt + 52, "\xab\xcd\x12\x34", 4);
	pkt[51] = 1; /* more to come */
	assert_int_equal(ip_find_ipsec(pkt, len, &place), IP_FRAGMENT);
	assert_int_equal(ip_find_insertion(pkt, len, &place), IP_FRAGMENT);
	assert_true(ip_find_fragment(pkt, len, &fh));
	assert_int_equal(fh.at, 48);
	assert_int_equal(fh.proto_off, 40);
	assert_int_equal(fh.next, UDP);
	assert_int_equal(fh.id, 0xabcd1234);
	assert_int_equal(fh.off, 0);
	assert_true(fh.more);
	pkt[51] = 8; /* the second 8 octets */
	assert_int_equal(ip_find_ipsec(pkt, len, &place), IP_FRAGMENT);
	pkt[51] = 6; /* reserved bits say nothing */
	assert_int_equal(ip_find_ipsec(pkt, len, &place), IP_OK);
	ip4_write(pkt, &p);
	assert_int_equal(ip_find_ipsec(pkt, 60, &place), IP_OK);
	pkt[6] = 0x20;
	assert_int_equal(ip_find_ipsec(pkt, 60, &place), IP_FRAGMENT);
	pkt[6] = 0;
	pkt[7] = 1;
	assert_int_equal(ip_find_insertion(pkt, 60, &place), IP_FRAGMENT);
	assert_false(ip_find_fragment(pkt, 60, &fh));
}

static void test_place_cut_off_and_endless_chains_are_refused(void **state)
{
	static const uint8_t types[] = {HBH, DST, RT, DST};
	size_t len = chain(types, 4, UDP) - 8;
	struct ip6_fragment fh = {0};
	struct ip_place place = {0};

	(void)state;
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		int r;

		memcpy(exact, pkt, n);
		r = ip_find_ipsec(exact, n, &place);
		assert_int_equal(r, n < 40 ? IP_SHORT : IP_BAD_EXT);
		assert_int_equal(ip_find_insertion(exact, n, &place), r);
		assert_false(ip_find_fragment(exact, n, &fh));
		free(exact);
	}
	pkt[57] = 200; /* the routing header reaches beyond */
	assert_int_equal(ip_find_ipsec(pkt, len, &place), IP_BAD_EXT);
	memset(pkt + 40, DST, ROOM - 40);
	for (size_t at = 40; at < ROOM; at += 8)
		pkt[at + 1] = 0;
	assert_int_equal(ip_find_ipsec(pkt, ROOM, &place), IP_BAD_EXT);
	pkt[0] = 0x50;
	assert_int_equal(ip_find_ipsec(pkt, ROOM, &place), IP_BAD_VERSION);
}

static void test_ip6_write_is_read_back(void **state)
{
	struct ip6_params p = {.next = ESP, .tos = 0xa7, .hops = 63, .flow = 0xffabcde, .payload_len = 8};
	struct ip_view v = {0};

	(void)state;
	memset(p.src, 0x11, 16);
	memset(p.dst, 0x22, 16);
	memset(pkt, 0xff, 64);
	ip6_write(pkt, &p);
	assert_int_equal(ip_parse(pkt, 48, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(v.tos, 0xa7);
	assert_int_equal(v.ttl, 63);
	assert_int_equal(v.proto, ESP);
	assert_int_equal(v.total_len, 48);
	/* 20 bits, the rest of the caller's number dropped */
	assert_int_equal((pkt[1] & 15) << 16 | pkt[2] << 8 | pkt[3], 0xabcde);
	assert_int_equal(pkt[40], 0xff);
}

static void test_ip_set_payload_mends_either_family(void **state)
{
	static const uint8_t types[] = {HBH, RT};
	struct ip_view v = {0};
	size_t len = chain(types, 2, UDP);

	(void)state;
	ip_set_payload(pkt, 48, AH, (uint32_t)len - 4);
	assert_int_equal(pkt[48], AH);
	assert_int_equal(pkt[6], HBH);
	assert_int_equal(pkt[4] << 8 | pkt[5], len - 44);
	ip_set_payload(pkt, 48, UDP, 40 + 65535);
	assert_int_equal(pkt[4] << 8 | pkt[5], 65535);
	ip4_write(pkt, &(struct ip4_params){.proto = UDP, .total_len = 20});
	ip_set_payload(pkt, 9, ESP, 30);
	assert_int_equal(ip_parse(pkt, 30, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(v.proto, ESP);
	assert_int_equal(v.total_len, 30);
}

static void test_ip_set_df_keeps_the_checksum_right(void **state)
{
	struct ip_view v = {0};

	(void)state;
	for (unsigned id = 0; id < 65536; id += 13) {
		ip4_write(pkt, &(struct ip4_params){.id = (uint16_t)id, .proto = UDP, .total_len = 20});
		ip_set_df(pkt, true);
		assert_int_equal(ip_parse(pkt, 20, IP_CHECK_SUM, &v), IP_OK);
		assert_true(v.df);
		ip_set_df(pkt, true);
		assert_int_equal(ip_parse(pkt, 20, IP_CHECK_SUM, &v), IP_OK);
		ip_set_df(pkt, false);
		assert_int_equal(ip_parse(pkt, 20, IP_CHECK_SUM, &v), IP_OK);
		assert_false(v.df);
	}
	chain(NULL, 0, UDP);
	memset(pkt + 4, 0xee, 4);
	ip_set_df(pkt, false);
	assert_int_equal(pkt[6], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_place_numbered_chains_as_the_rfcs_order_them),
	    cmocka_unit_test(test_place_ipv4_is_behind_the_options),
	    cmocka_unit_test(test_place_fragments_have_none),
	    cmocka_unit_test(test_place_cut_off_and_endless_chains_are_refused),
	    cmocka_unit_test(test_ip6_write_is_read_back),
	    cmocka_unit_test(test_ip_set_payload_mends_either_family),
	    cmocka_unit_test(test_ip_set_df_keeps_the_checksum_right),
	};

	return cmocka_run_group_tests_name("wire/place", tests, NULL, NULL);
}
