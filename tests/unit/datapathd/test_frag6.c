/*
 * Reassembly and fragment memory of IPv6: chains of headers, whole datagrams with a fragment header, overlap,
 * bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/frag/memory.h"
#include "datapathd/frag/reasm.h"
#include "wire/ip/frag.h"

enum { NOW = 100000, HBH = 0, UDP = 17, FRAG = 44, DST = 60, ID = 0x12345678 };

static uint8_t whole[65535 + 40], piece[65535 + 40];
static struct reasm *reasm;

static int setup(void **state)
{
	(void)state;
	return reasm_new(&reasm);
}

static int teardown(void **state)
{
	(void)state;
	reasm = reasm_free(reasm);
	return 0;
}

/* A datagram in `whole`: n_front headers that each fragment repeats, one of destination options that none
 * does, UDP of `payload` octets. Returns its length. */
static size_t datagram(size_t n_front, size_t payload)
{
	struct ip6_params p = {.next = n_front ? HBH : DST, .hops = 9};
	size_t at = 40 + 8 * n_front;

	p.src[0] = p.dst[0] = 0x20;
	p.dst[15] = 1;
	p.payload_len = (uint16_t)(8 * n_front + 16 + payload);
	ip6_write(whole, &p);
	memset(whole + 40, 0, 8 * n_front + 8);
	for (size_t i = 0; i < n_front; i++)
		whole[40 + 8 * i] = i + 1 < n_front ? HBH : DST;
	whole[at] = UDP;
	memcpy(whole + at + 8, (uint8_t[]){0, 5, 0, 53, 0, 0, 0, 0}, 8);
	for (size_t i = 0; i < payload; i++)
		whole[at + 16 + i] = (uint8_t)(i * 7 ^ i >> 8);
	return at + 16 + payload;
}

/* Offers [from, from + n) of what follows `front` octets of headers of `whole`, as a fragment. */
static int offer(size_t front, size_t from, size_t n, bool more, const uint8_t **ret, uint32_t *ret_len)
{
	size_t proto_off = front == 40 ? 6 : front - 8;
	struct ip_view v;

	memcpy(piece, whole, front);
	memcpy(piece + front,
	    (uint8_t[]){
	        whole[proto_off], 0, (uint8_t)(from >> 8), (uint8_t)(from | more), 0x12, 0x34, 0x56, 0x78},
	    8);
	memcpy(piece + front + 8, whole + front + from, n);
	ip_set_payload(piece, (uint16_t)proto_off, FRAG, (uint32_t)(front + 8 + n));
	assert_int_equal(ip_parse(piece, front + 8 + n, IP_TRUST_SUM, &v), IP_OK);
	return reasm_put(reasm, &v, NOW, ret, ret_len);
}

static void test_reasm6_any_order_gives_the_datagram(void **state)
{
	static const unsigned order[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
	const uint8_t *p;
	uint32_t len;

	(void)state;
	for (size_t n_front = 0; n_front < 4; n_front++)
		for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
			size_t total = datagram(n_front, 3000), front = 40 + 8 * n_front,
			       body = total - front;

			for (unsigned i = 0; i < 4; i++) {
				size_t from = order[k][i] * 800, n = body - from < 800 ? body - from : 800;

				assert_int_equal(offer(front, from, n, from + n < body, &p, &len),
				    i == 3 ? REASM_WHOLE : REASM_HELD);
			}
			assert_int_equal(len, total);
			assert_memory_equal(p, whole, total);
		}
}

/* What the fragmenter cuts, and cuts once more, comes together. */
static void test_reasm6_joins_what_the_fragmenter_cut(void **state)
{
	struct ip_fragger f, again;
	struct ip_frag g, h;
	struct ip_view v, small;
	const uint8_t *p = NULL;
	uint32_t len = 0;
	size_t total = datagram(1, 9000);
	int r = REASM_HELD;

	(void)state;
	assert_int_equal(ip_parse(whole, total, IP_TRUST_SUM, &v), IP_OK);
	assert_int_equal(ip_fragger_init(&f, &v, 1500, 77), IP_FRAG_OK);
	while (ip_fragger_next(&f, &g)) {
		static uint8_t one[1500], two[1500];

		memcpy(one, g.hdr, g.hdr_len);
		memcpy(one + g.hdr_len, g.data, g.len);
		assert_int_equal(ip_parse(one, g.hdr_len + g.len, IP_TRUST_SUM, &small), IP_OK);
		assert_int_equal(ip_fragger_init(&again, &small, 600, 78), IP_FRAG_OK);
		while (ip_fragger_next(&again, &h)) {
			struct ip_view last;

			assert_int_equal(r, REASM_HELD);
			memcpy(two, h.hdr, h.hdr_len);
			memcpy(two + h.hdr_len, h.data, h.len);
			assert_int_equal(ip_parse(two, h.hdr_len + h.len, IP_TRUST_SUM, &last), IP_OK);
			r = reasm_put(reasm, &last, NOW, &p, &len);
		}
	}
	assert_int_equal(r, REASM_WHOLE);
	assert_int_equal(len, total);
	assert_memory_equal(p, whole, total);
}

/* RFC 5722; RFC 8200 section 4.5. */
static void test_reasm6_overlap_ends_the_datagram(void **state)
{
	const uint8_t *p;
	uint32_t len;

	(void)state;
	datagram(0, 3000);
	assert_int_equal(offer(40, 0, 800, true, &p, &len), REASM_HELD);
	assert_int_equal(offer(40, 792, 800, true, &p, &len), REASM_REFUSED);
	assert_int_equal(
	    offer(40, 1600, 800, true, &p, &len), REASM_HELD); /* a new datagram, as far as is known */
	assert_int_equal(offer(40, 1600, 8, true, &p, &len), REASM_REFUSED);
}

/* RFC 6946: taken alone, even while a datagram of the same name is half there. */
static void test_reasm6_whole_datagram_with_a_fragment_header_stands_alone(void **state)
{
	size_t total = datagram(1, 500);
	const uint8_t *p;
	uint32_t len;

	(void)state;
	assert_int_equal(offer(48, 0, 200, true, &p, &len), REASM_HELD);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(offer(48, 0, total - 48, false, &p, &len), REASM_WHOLE);
		assert_int_equal(len, total);
		assert_memory_equal(p, whole, total);
	}
	assert_int_equal(offer(48, 200, total - 48 - 200, false, &p, &len), REASM_WHOLE);
	assert_memory_equal(p, whole, total);
}

static void test_reasm6_bounds_of_headers_and_length(void **state)
{
	const uint8_t *p;
	uint32_t len;

	(void)state;
	datagram(1, 3000);
	assert_int_equal(offer(48, 0, 801, true, &p, &len), REASM_REFUSED); /* not a multiple of 8 */
	assert_int_equal(offer(48, 8, 0, true, &p, &len), REASM_REFUSED);
	/* The longest there can be, and one octet more. */
	for (size_t more = 0; more < 2; more++) {
		whole[6] = 253;
		memset(whole + 40, 0, sizeof(whole) - 40);
		assert_int_equal(offer(40, 0, 60000, true, &p, &len), REASM_HELD);
		assert_int_equal(
		    offer(40, 60000, 5495 + more, false, &p, &len), more ? REASM_REFUSED : REASM_WHOLE);
	}
	/* One header in front of the fragment header, of 472 octets and of 480. */
	for (size_t front = 512; front <= 520; front += 8) {
		struct ip_view v;

		datagram(1, 3000);
		memcpy(piece, whole, 40);
		memset(piece + 40, 0, front);
		piece[40] = FRAG;
		piece[41] = (uint8_t)((front - 40) / 8 - 1);
		piece[front] = 253;
		piece[front + 3] = 1;
		ip_set_payload(piece, 6, HBH, (uint32_t)front + 8 + 64);
		assert_int_equal(ip_parse(piece, front + 72, IP_TRUST_SUM, &v), IP_OK);
		assert_int_equal(
		    reasm_put(reasm, &v, NOW, &p, &len), front <= REASM_HDR_MAX ? REASM_HELD : REASM_REFUSED);
	}
}

static void test_reasm6_ids_of_32_bits_are_told_apart(void **state)
{
	size_t total = datagram(0, 1584);
	const uint8_t *p;
	uint32_t len;
	struct ip_view v;

	(void)state;
	assert_int_equal(offer(40, 0, 800, true, &p, &len), REASM_HELD);
	memcpy(piece + 48, whole + 840, total - 840);
	piece[42] = 800 >> 8;
	piece[43] = (uint8_t)(800 & 0xff);
	piece[44] = 0x13; /* the upper half differs */
	ip_set_payload(piece, 6, FRAG, (uint32_t)(48 + total - 840));
	assert_int_equal(ip_parse(piece, 48 + total - 840, IP_TRUST_SUM, &v), IP_OK);
	assert_int_equal(reasm_put(reasm, &v, NOW, &p, &len), REASM_HELD);
	assert_int_equal(offer(40, 800, total - 840, false, &p, &len), REASM_WHOLE);
}

/* The first fragment says UDP; a later one knows only that destination options follow. */
static void test_memory6_gives_a_later_fragment_ports_and_protocol(void **state)
{
	static struct frag_memory m;
	struct packet_key first = {.proto = UDP, .has_ports = true, .sport = 5, .dport = 53},
	                  later = {.proto = DST};

	(void)state;
	frag_memory_init(&m, 99);
	first.src = later.src = inet_addr_from_bytes(whole, 16);
	first.dst = later.dst = inet_addr_from_bytes(whole + 16, 16);
	frag_memory_put(&m, &first, ID, NOW);
	assert_false(frag_memory_get(&m, &later, ID ^ 0x10000, NOW));
	assert_int_equal(later.proto, DST);
	assert_true(frag_memory_get(&m, &later, ID, NOW));
	assert_int_equal(later.proto, UDP);
	assert_int_equal(later.sport, 5);
	assert_int_equal(later.dport, 53);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_reasm6_any_order_gives_the_datagram),
	    T(test_reasm6_joins_what_the_fragmenter_cut),
	    T(test_reasm6_overlap_ends_the_datagram),
	    T(test_reasm6_whole_datagram_with_a_fragment_header_stands_alone),
	    T(test_reasm6_bounds_of_headers_and_length),
	    T(test_reasm6_ids_of_32_bits_are_told_apart),
	    T(test_memory6_gives_a_later_fragment_ports_and_protocol),
	};

	return cmocka_run_group_tests_name("datapathd/frag6", tests, NULL, NULL);
}
