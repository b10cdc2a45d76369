#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/esp/ah_mask.h"

static void test_ah_len_numbered_icvs_align_by_family(void **state)
{
	static const struct {
		int n;
		uint8_t icv, version;
		size_t want;
	} cases[] = {
	    {1, 12, 4, 24},
	    {2, 12, 6, 24},
	    {3, 16, 4, 28},
	    {4, 16, 6, 32}, /* 4 octets of padding */
	    {5, 24, 4, 36},
	    {6, 24, 6, 40},
	    {7, 32, 4, 44},
	    {8, 32, 6, 48},
	    {9, 13, 4, 28},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (ah_len(cases[i].icv, cases[i].version) != cases[i].want)
			fail_msg("case %d: %zu", cases[i].n, ah_len(cases[i].icv, cases[i].version));
}

static void test_ah_written_header_reads_back(void **state)
{
	(void)state;
	for (uint8_t icv = 12; icv <= 32; icv++)
		for (uint8_t version = 4; version <= 6; version += 2) {
			uint8_t b[AH_LEN_MAX + 1];
			struct ah_view v = {0};
			size_t len = ah_len(icv, version);

			memset(b, 0xee, sizeof(b));
			ah_write(b, icv, version, 0x11223344, 0xfffffffe, 17);
			assert_int_equal(b[len], 0xee);
			for (size_t i = AH_FIXED_LEN; i < len; i++)
				assert_int_equal(b[i], 0);
			assert_int_equal(ah_parse(b, len, &v), AH_OK);
			assert_int_equal(v.hdr_len, len);
			assert_int_equal(v.next, 17);
			assert_int_equal(v.spi, 0x11223344);
			assert_int_equal(v.seq, 0xfffffffe);
			assert_int_equal(ah_check_len(&v, icv, version), AH_OK);
			assert_int_equal(ah_parse(b, len - 1, &v), AH_SHORT);
		}
}

static void test_ah_parse_every_payload_length_is_bounded(void **state)
{
	uint8_t b[64] = {6};
	struct ah_view v;

	(void)state;
	for (unsigned words = 0; words < 256; words++) {
		b[1] = (uint8_t)words;
		for (size_t n = 0; n <= sizeof(b); n++) {
			bool fits = n >= 12 && words >= 1 && (words + 2) * 4 <= n;

			assert_int_equal(ah_parse(b, n, &v), fits ? AH_OK : AH_SHORT);
		}
	}
}

static void test_ah_check_len_accepts_the_icv_and_64_bit_alignment_only(void **state)
{
	(void)state;
	for (uint32_t len = 12; len < 60; len += 4) {
		const struct ah_view v = {.hdr_len = len};

		assert_int_equal(ah_check_len(&v, 12, 4), len == 24 ? AH_OK : AH_BAD_LEN);
		assert_int_equal(ah_check_len(&v, 16, 4), len == 28 || len == 32 ? AH_OK : AH_BAD_LEN);
		assert_int_equal(ah_check_len(&v, 16, 6), len == 32 ? AH_OK : AH_BAD_LEN);
	}
}

/* RFC 4302 section 3.3.3.1.1 and appendix A1. `want` is the options field after masking; empty: refused with
 * `outcome`. */
static const struct {
	int n;
	const char *what;
	uint8_t opt[12], want[12];
	uint8_t len;
	int outcome;
} option_cases[] = {
    {1, "none", {0}, {0}, 0, AH_OK},
    {2, "router alert stays", {0x94, 4, 1, 2}, {0x94, 4, 1, 2}, 4, AH_OK},
    {3, "security stays", {130, 4, 1, 2}, {130, 4, 1, 2}, 4, AH_OK},
    {4, "extended security stays", {133, 3, 9, 0}, {133, 3, 9, 0}, 4, AH_OK},
    {5, "commercial security stays", {134, 3, 9, 0}, {134, 3, 9, 0}, 4, AH_OK},
    {6, "multi-destination stays", {149, 3, 9, 0}, {149, 3, 9, 0}, 4, AH_OK},
    {7, "record route goes, whole", {7, 7, 4, 1, 2, 3, 4, 0}, {0}, 8, AH_OK},
    {8, "timestamp goes", {68, 8, 5, 0, 1, 2, 3, 4}, {0}, 8, AH_OK},
    {9, "traceroute goes", {82, 4, 7, 7}, {0}, 4, AH_OK},
    {10, "unknown goes", {0x5e, 4, 7, 7}, {0}, 4, AH_OK},
    {11, "no-operation stays, order kept", {1, 7, 3, 4, 0x94, 4, 0, 9}, {1, 0, 0, 0, 0x94, 4, 0, 9}, 8,
        AH_OK},
    {12, "after the end nothing is touched", {0, 7, 3, 4}, {0, 7, 3, 4}, 4, AH_OK},
    {13, "loose route", {131, 7, 4, 1, 2, 3, 4, 0}, {0}, 8, AH_ROUTED},
    {14, "strict route", {137, 7, 4, 1, 2, 3, 4, 0}, {0}, 8, AH_ROUTED},
    {15, "length 0", {7, 0, 4, 1}, {0}, 4, AH_BAD_OPTION},
    {16, "length 1", {7, 1, 4, 1}, {0}, 4, AH_BAD_OPTION},
    {17, "length beyond the header", {7, 5, 4, 1}, {0}, 4, AH_BAD_OPTION},
    {18, "no room for the length", {1, 1, 1, 7}, {0}, 4, AH_BAD_OPTION},
};

static void test_ah_mask_numbered_options_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(option_cases); i++) {
		uint8_t hdr[IP4_HDR_MAX], out[AH_HDR_MAX];
		size_t len = 20u + option_cases[i].len;
		int r;

		memset(hdr, 0xff, sizeof(hdr));
		memcpy(hdr + 20, option_cases[i].opt, option_cases[i].len);
		r = ah4_mask_header(hdr, len, out);
		if (r != option_cases[i].outcome)
			fail_msg("case %d (%s): %d", option_cases[i].n, option_cases[i].what, r);
		if (r == AH_OK && memcmp(out + 20, option_cases[i].want, option_cases[i].len))
			fail_msg("case %d (%s): wrong octets", option_cases[i].n, option_cases[i].what);
	}
}

static void test_ah_mask_zeroes_exactly_the_mutable_octets(void **state)
{
	uint8_t hdr[20], out[AH_HDR_MAX];

	(void)state;
	memset(hdr, 0xff, sizeof(hdr));
	assert_int_equal(ah4_mask_header(hdr, sizeof(hdr), out), AH_OK);
	for (size_t i = 0; i < sizeof(hdr); i++) {
		bool is_mutable = i == 1 || i == 6 || i == 7 || i == 8 || i == 10 || i == 11;

		assert_int_equal(out[i], is_mutable ? 0 : 0xff);
	}
}

static size_t make_packet(uint8_t *b, uint8_t icv_len, size_t payload)
{
	size_t ah = ah_len(icv_len, 4), total = 20 + ah + payload;
	const struct ip4_params p = {
	    {1, 2, 3, 4}, {5, 6, 7, 8}, .proto = 51, .ttl = 5, .tos = 9, .total_len = (uint16_t)total};

	ip4_write(b, &p);
	ah_write(b + 20, icv_len, 4, 256, 1, 6);
	memset(b + 20 + 12, 0xcc, ah - 12);
	memset(b + 20 + ah, 0xdd, payload);
	return total;
}

static void test_ah_pieces_cover_the_packet_with_zero_icv_and_leave_it_alone(void **state)
{
	uint8_t b[200], before[200], all[200];
	struct ah_pieces p;
	size_t total = make_packet(b, 13, 50), n = 0;

	(void)state;
	memcpy(before, b, sizeof(b));
	assert_int_equal(ah_pieces(b, total, 20, 13, AH_RECEIVED, &p), AH_OK);
	assert_memory_equal(b, before, total);
	for (size_t i = 0; i < 3; i++) {
		memcpy(all + n, p.v[i].iov_base, p.v[i].iov_len);
		n += p.v[i].iov_len;
	}
	assert_int_equal(n, total);
	memset(before + 32, 0, 13); /* the ICV, not its 3 octets of padding */
	before[1] = before[6] = before[7] = before[8] = before[10] = before[11] = 0;
	assert_memory_equal(all, before, total);
}

static void test_ah_pieces_cut_anywhere_are_refused(void **state)
{
	uint8_t b[200];
	size_t total = make_packet(b, 12, 0);

	(void)state;
	for (size_t n = 0; n < total; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct ah_pieces p;

		memcpy(exact, b, n);
		assert_int_equal(ah_pieces(exact, n, 20, 12, AH_RECEIVED, &p), AH_SHORT);
		free(exact);
	}
}

static void test_ah_pieces_other_icv_length_is_refused(void **state)
{
	uint8_t b[200];
	struct ah_pieces p;
	size_t total = make_packet(b, 12, 40);

	(void)state;
	assert_int_equal(ah_pieces(b, total, 20, 16, AH_RECEIVED, &p), AH_BAD_LEN);
	b[21] = 255;
	assert_int_equal(ah_pieces(b, total, 20, 12, AH_RECEIVED, &p), AH_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ah_len_numbered_icvs_align_by_family),
	    cmocka_unit_test(test_ah_written_header_reads_back),
	    cmocka_unit_test(test_ah_parse_every_payload_length_is_bounded),
	    cmocka_unit_test(test_ah_check_len_accepts_the_icv_and_64_bit_alignment_only),
	    cmocka_unit_test(test_ah_mask_numbered_options_as_stated),
	    cmocka_unit_test(test_ah_mask_zeroes_exactly_the_mutable_octets),
	    cmocka_unit_test(test_ah_pieces_cover_the_packet_with_zero_icv_and_leave_it_alone),
	    cmocka_unit_test(test_ah_pieces_cut_anywhere_are_refused),
	    cmocka_unit_test(test_ah_pieces_other_icv_length_is_refused),
	};

	return cmocka_run_group_tests_name("wire/ah", tests, NULL, NULL);
}
