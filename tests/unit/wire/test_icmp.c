#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ip/csum.h"
#include "wire/ip/icmp.h"

static uint8_t pkt[2000], out[ICMP_ERROR_MAX6];

static struct ip_view packet4(uint16_t total)
{
	const struct ip4_params p = {
	    {10, 0, 0, 1}, {10, 0, 0, 2}, .proto = 17, .ttl = 9, .total_len = total, .df = true};
	struct ip_view v = {0};

	memset(pkt, 0x5a, sizeof(pkt));
	ip4_write(pkt, &p);
	assert_int_equal(ip_parse(pkt, total, IP_CHECK_SUM, &v), IP_OK);
	return v;
}

static struct ip_view packet6(uint16_t total)
{
	struct ip6_params p = {.next = 17, .hops = 9, .payload_len = (uint16_t)(total - 40)};
	struct ip_view v = {0};

	memset(pkt, 0x5a, sizeof(pkt));
	p.src[0] = p.dst[0] = 0x20;
	p.dst[15] = 2;
	ip6_write(pkt, &p);
	assert_int_equal(ip_parse(pkt, total, IP_CHECK_SUM, &v), IP_OK);
	return v;
}

static void check4(const struct ip_view *about, size_t n, uint16_t mtu)
{
	struct ip_view v = {0};

	assert_int_equal(ip_parse(out, n, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(v.total_len, n);
	assert_int_equal(v.proto, 1);
	assert_memory_equal(out + 12, pkt + 16, 4);
	assert_memory_equal(out + 16, pkt + 12, 4);
	assert_int_equal(out[20] << 8 | out[21], 0x0304);
	assert_int_equal(out[24] | out[25], 0);
	assert_int_equal(out[26] << 8 | out[27], mtu);
	assert_int_equal(csum_finish(csum_add(0, out + 20, n - 20)), 0);
	assert_memory_equal(out + 28, about->pkt, n - 28);
}

static void test_icmp_too_big4_every_length_to_its_limit(void **state)
{
	(void)state;
	for (uint16_t total = 20; total < 1600; total++) {
		struct ip_view v = packet4(total);
		size_t n = icmp_too_big(&v, 1374, out, sizeof(out));

		assert_int_equal(n, total + 28 > 576 ? 576 : total + 28);
		check4(&v, n, 1374);
	}
}

static void test_icmp_too_big6_every_length_to_its_limit(void **state)
{
	(void)state;
	for (uint16_t total = 40; total < 1600; total++) {
		struct ip_view v = packet6(total), e = {0};
		size_t n = icmp_too_big(&v, 1326, out, sizeof(out));

		assert_int_equal(n, total + 48 > 1280 ? 1280 : total + 48);
		assert_int_equal(ip_parse(out, n, IP_CHECK_SUM, &e), IP_OK);
		assert_int_equal(e.proto, 58);
		assert_memory_equal(out + 8, pkt + 24, 16);
		assert_memory_equal(out + 24, pkt + 8, 16);
		assert_int_equal(out[40] << 8 | out[41], 0x0200);
		assert_int_equal(out[46] << 8 | out[47], 1326);
		assert_int_equal(
		    csum_finish(csum_add(csum_pseudo(out, 58, (uint32_t)n - 40), out + 40, n - 40)), 0);
		assert_memory_equal(out + 48, pkt, n - 48);
	}
}

/* The packet that does not fit is often one whose header has options. */
static void test_icmp_too_big_quotes_a_header_with_options_whole(void **state)
{
	struct ip_view v = packet4(200);

	(void)state;
	pkt[0] = 0x4f;
	pkt[10] = pkt[11] = 0;
	assert_int_equal(ip_parse(pkt, 200, IP_TRUST_SUM, &v), IP_OK);
	assert_int_equal(icmp_too_big(&v, 1000, out, 28 + 68), 28 + 68);
	check4(&v, 28 + 68, 1000);
	assert_int_equal(icmp_too_big(&v, 1000, out, 28 + 67), 0);
}

static void test_icmp_too_big_never_writes_beyond_the_room(void **state)
{
	(void)state;
	for (size_t room = 0; room <= 300; room++) {
		uint8_t *exact = malloc(room ? room : 1);
		struct ip_view v = packet4(200);
		size_t n = icmp_too_big(&v, 1000, exact, room);

		assert_int_equal(n, room < 56 ? 0 : room < 228 ? room : 228);
		v = packet6(200);
		n = icmp_too_big(&v, 1300, exact, room);
		assert_int_equal(n, room < 96 ? 0 : room < 248 ? room : 248);
		free(exact);
	}
}

static void test_icmp_too_big4_mtu_beyond_16_bits_is_the_most_there_is(void **state)
{
	struct ip_view v = packet4(100);

	(void)state;
	check4(&v, icmp_too_big(&v, 65536, out, sizeof(out)), 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_icmp_too_big4_every_length_to_its_limit),
	    cmocka_unit_test(test_icmp_too_big6_every_length_to_its_limit),
	    cmocka_unit_test(test_icmp_too_big_quotes_a_header_with_options_whole),
	    cmocka_unit_test(test_icmp_too_big_never_writes_beyond_the_room),
	    cmocka_unit_test(test_icmp_too_big4_mtu_beyond_16_bits_is_the_most_there_is),
	};

	return cmocka_run_group_tests_name("wire/icmp", tests, NULL, NULL);
}
