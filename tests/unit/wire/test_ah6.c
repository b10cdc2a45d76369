#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/esp/ah_mask.h"

enum { HBH = 0, RT = 43, FRAG = 44, AH = 51, DST = 60, UDP = 17, ICV = 12 };

static uint8_t pkt[4096];

/* An IPv6 packet: one extension header `ext` of n octets (a multiple of 8, its first octet is written here),
 * AH and 5 octets of payload. */
static size_t packet(uint8_t type, const uint8_t *ext, size_t n)
{
	size_t len = 40 + n + ah_len(ICV, 6) + 5;
	struct ip6_params p = {.next = n ? type : AH,
	    .tos = 0xff,
	    .hops = 1,
	    .flow = 0xfffff,
	    .payload_len = (uint16_t)(len - 40)};

	memset(p.src, 0xaa, 16);
	memset(p.dst, 0xbb, 16);
	ip6_write(pkt, &p);
	if (n) {
		memcpy(pkt + 40, ext, n);
		pkt[40] = AH;
	}
	ah_write(pkt + 40 + n, ICV, 6, 256, 1, UDP);
	memset(pkt + 40 + n + AH_FIXED_LEN, 0xcc, ICV);
	memset(pkt + len - 5, 0xdd, 5);
	return len;
}

/* RFC 4302 section 3.3.3.1.2.2; types with 0x20 may change on the way. Length octet first. */
static const struct {
	int n;
	const char *what;
	uint8_t ext[24], want[24];
	uint8_t len;
	int outcome;
} option_cases[] = {
    {1, "stays", {0, 0, 0x05, 2, 9, 9, 1, 0}, {0, 0, 0x05, 2, 9, 9, 1, 0}, 8, AH_OK},
    {2, "changes: data only", {0, 0, 0x3e, 4, 9, 8, 7, 6}, {0, 0, 0x3e, 4, 0, 0, 0, 0}, 8, AH_OK},
    {3, "of no data", {0, 0, 0x3e, 0, 0x3e, 0, 0x3e, 0}, {0, 0, 0x3e, 0, 0x3e, 0, 0x3e, 0}, 8, AH_OK},
    {4, "padding of one octet", {0, 0, 0, 0, 0x3e, 1, 7, 0}, {0, 0, 0, 0, 0x3e, 1, 0, 0}, 8, AH_OK},
    {5, "padding with content counts", {0, 0, 1, 4, 5, 6, 7, 8}, {0, 0, 1, 4, 5, 6, 7, 8}, 8, AH_OK},
    {6, "16 octets", {0, 1, 0xe5, 3, 1, 2, 3, 0x1e, 3, 1, 2, 3, 0, 0, 0, 0},
        {0, 1, 0xe5, 3, 0, 0, 0, 0x1e, 3, 1, 2, 3, 0, 0, 0, 0}, 16, AH_OK},
    {7, "beyond the end", {0, 0, 0x3e, 5, 9, 8, 7, 6}, {0}, 8, AH_BAD_OPTION},
    {8, "no room for its length", {0, 0, 0x05, 3, 1, 1, 1, 0x3e}, {0}, 8, AH_BAD_OPTION},
};

static void test_ah6_mask_numbered_options_as_stated(void **state)
{
	static const uint8_t types[] = {HBH, DST};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(types); k++)
		for (size_t i = 0; i < ARRAY_SIZE(option_cases); i++) {
			uint8_t out[AH_HDR_MAX];
			size_t n = 0;
			int r;

			packet(types[k], option_cases[i].ext, option_cases[i].len);
			r = ah6_mask_headers(pkt, 40u + option_cases[i].len, AH_RECEIVED, out, &n);
			if (r != option_cases[i].outcome)
				fail_msg("case %d (%s): %d", option_cases[i].n, option_cases[i].what, r);
			if (r == AH_OK &&
			    (n != 40u + option_cases[i].len || out[40] != AH ||
			        memcmp(out + 41, option_cases[i].want + 1, option_cases[i].len - 1u)))
				fail_msg(
				    "case %d (%s): wrong octets", option_cases[i].n, option_cases[i].what);
		}
}

static void test_ah6_mask_zeroes_class_flow_and_hop_limit_only(void **state)
{
	uint8_t out[AH_HDR_MAX];
	size_t n = 0;

	(void)state;
	packet(0, NULL, 0);
	assert_int_equal(ah6_mask_headers(pkt, 40, AH_SENDING, out, &n), AH_OK);
	assert_int_equal(n, 40);
	assert_int_equal(out[0], 0x60);
	assert_int_equal(out[1] | out[2] | out[3] | out[7], 0);
	assert_memory_equal(out + 4, pkt + 4, 3);
	assert_memory_equal(out + 8, pkt + 8, 32);
}

/* A routing header of n addresses, each filled with its number from 1. */
static size_t route(uint8_t type, uint8_t n, uint8_t left)
{
	uint8_t ext[8 + 16 * 4] = {0, (uint8_t)(n * 2), type, left};

	for (uint8_t i = 0; i < n; i++)
		memset(ext + 8 + 16 * i, i + 1, 16);
	return packet(RT, ext, 8u + 16u * n);
}

/* RFC 2460 section 4.4: the destination goes where the next address was. `want`: destination, then addresses.
 */
static const struct {
	int n;
	uint8_t type, count, left;
	uint8_t want[5];
	int sending, received;
} routes[] = {
    {1, 0, 1, 1, {1, 0xbb}, AH_OK, AH_ROUTED},
    {2, 0, 3, 3, {3, 0xbb, 1, 2}, AH_OK, AH_ROUTED},
    {3, 0, 3, 2, {3, 1, 0xbb, 2}, AH_OK, AH_ROUTED},
    {4, 0, 3, 1, {3, 1, 2, 0xbb}, AH_OK, AH_ROUTED},
    {5, 0, 3, 0, {0xbb, 1, 2, 3}, AH_OK, AH_OK},
    {6, 2, 1, 1, {1, 0xbb}, AH_OK, AH_ROUTED},
    {7, 2, 2, 1, {0}, AH_BAD_OPTION, AH_ROUTED}, /* a home address is one */
    {8, 0, 3, 4, {0}, AH_BAD_OPTION, AH_ROUTED}, /* more to visit than there are */
    {9, 4, 2, 1, {0}, AH_ROUTED, AH_ROUTED},     /* segment routing: not ours to predict */
    {10, 4, 2, 0, {0xbb, 1, 2}, AH_OK, AH_OK},
    {11, 0, 0, 0, {0xbb}, AH_OK, AH_OK},
};

static void test_ah6_mask_numbered_routes_as_they_arrive(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		size_t off = 48u + 16u * routes[i].count, n = 0;
		uint8_t out[AH_HDR_MAX];
		int r;

		route(routes[i].type, routes[i].count, routes[i].left);
		assert_int_equal(ah6_mask_headers(pkt, off, AH_RECEIVED, out, &n), routes[i].received);
		r = ah6_mask_headers(pkt, off, AH_SENDING, out, &n);
		if (r != routes[i].sending)
			fail_msg("case %d: %d", routes[i].n, r);
		if (r != AH_OK)
			continue;
		assert_int_equal(out[43], 0);
		assert_int_equal(out[24], routes[i].want[0]);
		assert_int_equal(out[39], routes[i].want[0]);
		for (uint8_t k = 0; k < routes[i].count; k++)
			if (out[48 + 16 * k] != routes[i].want[1 + k])
				fail_msg("case %d: address %d is %d", routes[i].n, k, out[48 + 16 * k]);
	}
}

static void test_ah6_mask_odd_route_is_refused(void **state)
{
	uint8_t ext[16] = {0, 1, 0, 1}, out[AH_HDR_MAX]; /* half an address */
	size_t n = 0;

	(void)state;
	packet(RT, ext, sizeof(ext));
	assert_int_equal(ah6_mask_headers(pkt, 56, AH_SENDING, out, &n), AH_BAD_OPTION);
}

static void test_ah6_pieces_cover_the_packet_and_leave_it_alone(void **state)
{
	const uint8_t ext[8] = {0, 0, 0x3e, 4, 9, 8, 7, 6};
	static uint8_t before[4096], all[4096];
	size_t total = packet(HBH, ext, sizeof(ext)), n = 0;
	struct ah_pieces p;

	(void)state;
	memcpy(before, pkt, total);
	assert_int_equal(ah_pieces(pkt, total, 48, ICV, AH_SENDING, &p), AH_OK);
	assert_memory_equal(pkt, before, total);
	for (size_t i = 0; i < 3; i++) {
		memcpy(all + n, p.v[i].iov_base, p.v[i].iov_len);
		n += p.v[i].iov_len;
	}
	assert_int_equal(n, total);
	before[0] = 0x60;
	before[1] = before[2] = before[3] = before[7] = 0;
	memset(before + 44, 0, 4);
	memset(before + 48 + AH_FIXED_LEN, 0, ICV);
	assert_memory_equal(all, before, total);
}

static void test_ah6_pieces_cut_anywhere_are_refused(void **state)
{
	const uint8_t ext[8] = {0, 0, 1, 4};
	size_t total = packet(DST, ext, sizeof(ext)) - 5;
	struct ah_pieces p;

	(void)state;
	for (size_t n = 0; n < total; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, pkt, n);
		assert_int_equal(ah_pieces(exact, n, 48, ICV, AH_RECEIVED, &p), AH_SHORT);
		free(exact);
	}
}

static void test_ah6_pieces_wrong_place_or_length_is_refused(void **state)
{
	const uint8_t ext[16] = {0, 1, 1, 12};
	size_t total = packet(DST, ext, sizeof(ext));
	struct ah_pieces p;

	(void)state;
	assert_int_equal(ah_pieces(pkt, total, 56, ICV, AH_RECEIVED, &p), AH_OK);
	assert_int_equal(ah_pieces(pkt, total, 56, 16, AH_RECEIVED, &p), AH_BAD_LEN);
	pkt[40] = UDP; /* AH is not named by the header in front of it */
	assert_int_equal(ah_pieces(pkt, total, 56, ICV, AH_RECEIVED, &p), AH_BAD_OPTION);
	pkt[40] = AH;
	pkt[41] = 0; /* the walk ends before it */
	assert_int_equal(ah_pieces(pkt, total, 56, ICV, AH_RECEIVED, &p), AH_BAD_OPTION);
}

static void test_ah6_headers_up_to_the_bound_and_not_beyond(void **state)
{
	static uint8_t ext[1024];
	struct ah_pieces p;

	(void)state;
	for (size_t n = 456; n <= 480; n += 8) {
		size_t total;

		memset(ext, 0, sizeof(ext)); /* all padding */
		ext[1] = (uint8_t)(n / 8 - 1);
		total = packet(DST, ext, n);
		assert_int_equal(ah_pieces(pkt, total, (uint16_t)(40 + n), ICV, AH_RECEIVED, &p),
		    40 + n <= AH_HDR_MAX ? AH_OK : AH_BAD_OPTION);
	}
}

static void test_ah6_fragment_header_counts_only_if_it_fragments(void **state)
{
	uint8_t ext[8] = {0, 0, 0, 0, 1, 2, 3, 4};
	size_t total = packet(FRAG, ext, sizeof(ext));
	struct ah_pieces p;

	(void)state;
	assert_int_equal(ah_pieces(pkt, total, 48, ICV, AH_RECEIVED, &p), AH_OK);
	assert_int_equal(p.v[0].iov_len, 40);
	assert_int_equal(p.ip[6], AH);
	assert_int_equal(p.ip[4] << 8 | p.ip[5], total - 48);
	pkt[43] = 1;
	assert_int_equal(ah_pieces(pkt, total, 48, ICV, AH_RECEIVED, &p), AH_BAD_OPTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ah6_mask_numbered_options_as_stated),
	    cmocka_unit_test(test_ah6_mask_zeroes_class_flow_and_hop_limit_only),
	    cmocka_unit_test(test_ah6_mask_numbered_routes_as_they_arrive),
	    cmocka_unit_test(test_ah6_mask_odd_route_is_refused),
	    cmocka_unit_test(test_ah6_pieces_cover_the_packet_and_leave_it_alone),
	    cmocka_unit_test(test_ah6_pieces_cut_anywhere_are_refused),
	    cmocka_unit_test(test_ah6_pieces_wrong_place_or_length_is_refused),
	    cmocka_unit_test(test_ah6_headers_up_to_the_bound_and_not_beyond),
	    cmocka_unit_test(test_ah6_fragment_header_counts_only_if_it_fragments),
	};

	return cmocka_run_group_tests_name("wire/ah6", tests, NULL, NULL);
}
