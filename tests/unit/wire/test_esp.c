#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/esp/esp.h"

/* The geometries of every cipher and ICV there is. */
static const struct {
	uint8_t iv, block, icv;
} shapes[] = {
    {0, 1, 0}, {0, 1, 12}, {8, 8, 12}, {8, 8, 0}, {16, 16, 12}, {16, 16, 16}, {16, 16, 32}, {8, 1, 16}};

/* Numbered by hand from RFC 4303 section 2.4: payload + padding + 2 ends on the block, and on 4. */
static void test_esp_sizes_numbered_cases_as_counted_by_hand(void **state)
{
	static const struct {
		int n;
		uint8_t iv, block, icv;
		size_t payload;
		uint8_t pad;
		size_t sealed;
	} cases[] = {
	    {1, 0, 1, 0, 0, 2, 12},
	    {2, 0, 1, 0, 2, 0, 12},
	    {3, 0, 1, 0, 3, 3, 16},
	    {4, 8, 8, 12, 0, 6, 8 + 8 + 8 + 12},
	    {5, 8, 8, 12, 6, 0, 8 + 8 + 8 + 12},
	    {6, 8, 8, 12, 7, 7, 8 + 8 + 16 + 12},
	    {7, 16, 16, 12, 64, 14, 8 + 16 + 80 + 12}, /* RFC 3602 case 5 */
	    {8, 16, 16, 16, 1500, 2, 8 + 16 + 1504 + 16},
	    {9, 8, 1, 16, 1500, 2, 8 + 8 + 1504 + 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct esp_geom g = esp_geom_make(cases[i].iv, cases[i].block, cases[i].icv);

		if (esp_pad_len(&g, cases[i].payload) != cases[i].pad ||
		    esp_sealed_len(&g, cases[i].payload) != cases[i].sealed)
			fail_msg("case %d: pad %u, sealed %zu", cases[i].n, esp_pad_len(&g, cases[i].payload),
			    esp_sealed_len(&g, cases[i].payload));
	}
}

static void test_esp_payload_max_is_the_largest_that_fits(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct esp_geom g = esp_geom_make(shapes[s].iv, shapes[s].block, shapes[s].icv);

		for (size_t room = 0; room < 1600; room++) {
			size_t max = esp_payload_max(&g, room);

			if (max)
				assert_true(esp_sealed_len(&g, max) <= room);
			if (room > 100)
				assert_true(esp_sealed_len(&g, max + 1) > room);
		}
	}
}

/* Frame, look at every octet, split and strip again. Guards on both sides must stay. */
static void frame_and_back(const struct esp_geom *g, size_t payload_len, enum esp_pad pad)
{
	uint8_t b[2048];
	uint8_t *payload = b + 64;
	size_t sealed = esp_sealed_len(g, payload_len);
	struct esp_frame f = {0}, back = {0};
	uint32_t spi = 0, seq = 0, len = 0;
	uint8_t next = 0;

	memset(b, 0xee, sizeof(b));
	for (size_t i = 0; i < payload_len; i++)
		payload[i] = (uint8_t)i;
	esp_frame(g, payload, payload_len, 0x11223344, 0xfffffffe, 4, pad, &rng_kernel, &f);
	assert_int_equal(f.total_len, sealed);
	assert_ptr_equal(f.hdr, payload - g->head);
	assert_ptr_equal(f.data, payload);
	assert_ptr_equal(f.icv, f.data + f.data_len);
	assert_int_equal(f.data_len % g->align, 0);
	assert_int_equal(f.hdr[-1], 0xee);
	assert_int_equal(f.icv[0], 0xee);
	for (size_t i = 0; i < payload_len; i++)
		assert_int_equal(payload[i], (uint8_t)i);
	for (uint8_t i = 0; pad != ESP_PAD_RANDOM && i < esp_pad_len(g, payload_len); i++)
		assert_int_equal(payload[payload_len + i], pad == ESP_PAD_ZERO ? 0 : i + 1);
	assert_int_equal(esp_peek(f.hdr, sealed, &spi, &seq), ESP_OK);
	assert_int_equal(spi, 0x11223344);
	assert_int_equal(seq, 0xfffffffe);
	assert_int_equal(esp_split(g, f.hdr, sealed, &back), ESP_OK);
	assert_memory_equal(&back, &f, sizeof(f));
	assert_int_equal(esp_strip(&back, &len, &next), ESP_OK);
	assert_int_equal(len, payload_len);
	assert_int_equal(next, 4);
}

static void test_esp_frame_every_size_and_shape_comes_back(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct esp_geom g = esp_geom_make(shapes[s].iv, shapes[s].block, shapes[s].icv);

		for (size_t n = 0; n <= 1500; n += n < 70 ? 1 : 13) {
			frame_and_back(&g, n, ESP_PAD_SEQ);
			frame_and_back(&g, n, ESP_PAD_ZERO);
			frame_and_back(&g, n, ESP_PAD_RANDOM);
		}
	}
}

static void test_esp_split_short_and_odd_lengths_are_refused(void **state)
{
	uint8_t b[256] = {0};
	struct esp_frame f;

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct esp_geom g = esp_geom_make(shapes[s].iv, shapes[s].block, shapes[s].icv);
		size_t fixed = 8u + shapes[s].iv + shapes[s].icv;

		for (size_t n = 0; n < sizeof(b); n++) {
			int want = n < fixed + 2 ? ESP_SHORT : (n - fixed) % g.align ? ESP_ALIGN : ESP_OK;

			assert_int_equal(esp_split(&g, b, n, &f), want);
		}
	}
}

static void test_esp_peek_shorter_than_header_is_refused(void **state)
{
	const uint8_t b[8] = {0};
	uint32_t spi = 5, seq = 6;

	(void)state;
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(esp_peek(b, n, &spi, &seq), ESP_SHORT);
	assert_int_equal(spi, 5);
	assert_int_equal(seq, 6);
}

static void test_esp_strip_pad_length_beyond_payload_is_refused(void **state)
{
	uint8_t data[16] = {0};
	struct esp_frame f = {.data = data, .data_len = sizeof(data)};

	(void)state;
	for (unsigned pad = 0; pad < 256; pad++) {
		uint32_t len = 77;
		uint8_t next = 77;
		int want = pad <= 14 ? ESP_OK : ESP_BAD_PAD;

		data[14] = (uint8_t)pad;
		data[15] = ESP_NEXT_DUMMY;
		assert_int_equal(esp_strip(&f, &len, &next), want);
		assert_int_equal(len, want == ESP_OK ? 14 - pad : 77);
		assert_int_equal(next, want == ESP_OK ? ESP_NEXT_DUMMY : 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_esp_sizes_numbered_cases_as_counted_by_hand),
	    cmocka_unit_test(test_esp_payload_max_is_the_largest_that_fits),
	    cmocka_unit_test(test_esp_frame_every_size_and_shape_comes_back),
	    cmocka_unit_test(test_esp_split_short_and_odd_lengths_are_refused),
	    cmocka_unit_test(test_esp_peek_shorter_than_header_is_refused),
	    cmocka_unit_test(test_esp_strip_pad_length_beyond_payload_is_refused),
	};

	return cmocka_run_group_tests_name("wire/esp", tests, NULL, NULL);
}
