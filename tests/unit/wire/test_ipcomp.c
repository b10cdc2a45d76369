#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "wire/comp/ipcomp.h"

enum { ROOM = 65535 };

static struct ipcomp_codec *codec;
static uint8_t in[ROOM], out[ROOM], back[ROOM];

static int setup(void **state)
{
	(void)state;
	return ipcomp_codec_new(&codec);
}

static int teardown(void **state)
{
	(void)state;
	codec = ipcomp_codec_free(codec);
	return 0;
}

/* Text-like octets: four values in no order. */
static void fill(size_t n, uint64_t seed)
{
	struct rng_seeded r;

	rng_seeded_init(&r, seed);
	r.rng.fill(&r.rng, in, n);
	for (size_t i = 0; i < n; i++)
		in[i] = (uint8_t)('a' + in[i] % 4);
}

static void test_ipcomp_header_reads_back_and_its_flags_do_not_matter(void **state)
{
	uint8_t hdr[IPCOMP_HDR_LEN + 1] = {[4] = 0xee};
	struct ipcomp_view v = {0};

	(void)state;
	ipcomp_write(hdr, 6, 0xabcd);
	assert_memory_equal(hdr, "\x06\x00\xab\xcd\xee", 5);
	hdr[1] = 0xff;
	assert_int_equal(ipcomp_parse(hdr, 4, &v), IPCOMP_OK);
	assert_int_equal(v.next, 6);
	assert_int_equal(v.cpi, 0xabcd);
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(ipcomp_parse(hdr, n, &v), IPCOMP_SHORT);
}

static void test_ipcomp_every_size_comes_back(void **state)
{
	(void)state;
	for (size_t n = IPCOMP_MIN_LEN; n <= ROOM; n += n < 1600 ? 1 : 7919) {
		size_t packed = 0, len = 0;

		fill(n, n);
		assert_int_equal(ipcomp_deflate(codec, in, n, out, sizeof(out), &packed), IPCOMP_OK);
		assert_true(packed + IPCOMP_HDR_LEN < n);
		assert_int_equal(ipcomp_inflate(codec, out, packed, back, n, &len), IPCOMP_OK);
		assert_int_equal(len, n);
		assert_memory_equal(back, in, n);
		assert_int_equal(ipcomp_inflate(codec, out, packed, back, n - 1, &len), IPCOMP_TOO_LONG);
	}
}

static void test_ipcomp_equal_length_with_header_is_no_gain(void **state)
{
	size_t packed = 0, smallest;

	(void)state;
	fill(200, 1);
	assert_int_equal(ipcomp_deflate(codec, in, 200, out, sizeof(out), &packed), IPCOMP_OK);
	smallest = packed;
	assert_int_equal(ipcomp_deflate(codec, in, 200, out, smallest, &packed), IPCOMP_NO_GAIN);
	assert_int_equal(ipcomp_deflate(codec, in, 200, out, smallest + 1, &packed), IPCOMP_OK);
	assert_int_equal(ipcomp_deflate(codec, in, 200, out, 0, &packed), IPCOMP_NO_GAIN);
	/* Octets without order behind some that have: the gain shrinks until it is none. */
	for (size_t n = 0; n < 100; n++) {
		struct rng_seeded r;

		rng_seeded_init(&r, n);
		r.rng.fill(&r.rng, in, 100);
		memset(in, 0, n);
		if (ipcomp_deflate(codec, in, 100, out, sizeof(out), &packed) == IPCOMP_OK)
			assert_in_range(packed, 1, 100 - IPCOMP_HDR_LEN - 1);
	}
}

static void test_ipcomp_short_and_too_long_payloads_are_not_tried(void **state)
{
	static uint8_t long_one[ROOM + 1];
	size_t packed = 0;

	(void)state;
	for (size_t n = 0; n < IPCOMP_MIN_LEN; n++)
		assert_int_equal(
		    ipcomp_deflate(codec, long_one, n, out, sizeof(out), &packed), IPCOMP_NO_GAIN);
	assert_int_equal(
	    ipcomp_deflate(codec, long_one, sizeof(long_one), out, sizeof(out), &packed), IPCOMP_NO_GAIN);
	assert_int_equal(ipcomp_inflate(codec, out, 0, back, sizeof(back), &packed), IPCOMP_BAD);
	assert_int_equal(ipcomp_inflate(codec, "\x03", 1, back, 0, &packed), IPCOMP_TOO_LONG);
}

/* A stream cut off is when zlib would take memory for later; there is no later, and the next packet must not
 * feel it. */
static void test_ipcomp_bad_streams_leave_the_codec_good(void **state)
{
	size_t packed = 0, len = 0;
	uint8_t good[1000];

	(void)state;
	fill(1000, 3);
	memcpy(good, in, sizeof(good));
	assert_int_equal(ipcomp_deflate(codec, good, sizeof(good), out, sizeof(out), &packed), IPCOMP_OK);
	for (size_t n = 0; n < packed; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, out, n);
		assert_int_equal(ipcomp_inflate(codec, exact, n, back, sizeof(back), &len), IPCOMP_BAD);
		assert_int_equal(ipcomp_inflate(codec, out, packed, back, sizeof(back), &len), IPCOMP_OK);
		assert_memory_equal(back, good, sizeof(good));
		free(exact);
	}
}

/* Looking back before the first octet of the packet would show what was in an earlier one. */
static void test_ipcomp_nothing_of_one_packet_reaches_the_next(void **state)
{
	/* Fixed codes: length 3, distance 1, end of block. There is nothing to look back at. */
	static const uint8_t looks_back[] = {0x03, 0x02, 0x00};
	size_t packed = 0, len = 0, first;

	(void)state;
	fill(1400, 4);
	assert_int_equal(ipcomp_deflate(codec, in, 1400, out, sizeof(out), &packed), IPCOMP_OK);
	first = packed;
	assert_int_equal(ipcomp_inflate(codec, out, packed, back, sizeof(back), &len), IPCOMP_OK);
	assert_int_equal(
	    ipcomp_inflate(codec, looks_back, sizeof(looks_back), back, sizeof(back), &len), IPCOMP_BAD);
	/* The same packet again comes out the same: no history made it shorter. */
	assert_int_equal(ipcomp_deflate(codec, in, 1400, back, sizeof(back), &packed), IPCOMP_OK);
	assert_int_equal(packed, first);
	assert_memory_equal(back, out, packed);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_ipcomp_header_reads_back_and_its_flags_do_not_matter),
	    T(test_ipcomp_every_size_comes_back),
	    T(test_ipcomp_equal_length_with_header_is_no_gain),
	    T(test_ipcomp_short_and_too_long_payloads_are_not_tried),
	    T(test_ipcomp_bad_streams_leave_the_codec_good),
	    T(test_ipcomp_nothing_of_one_packet_reaches_the_next),
	};

	return cmocka_run_group_tests_name("wire/ipcomp", tests, NULL, NULL);
}
