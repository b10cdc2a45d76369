#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/esp/udp_encap.h"
#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

static void test_udp_encap_write_has_no_checksum(void **state)
{
	uint8_t b[9];

	(void)state;
	memset(b, 0xee, sizeof(b));
	udp_encap_write(b, 4500, 50000, 0x1234);
	assert_memory_equal(b, "\x11\x94\xc3\x50\x12\x34\x00\x00\xee", 9);
}

/* RFC 3948 sections 2.1 to 2.3. */
static const struct {
	int n;
	const char *octets;
	size_t len;
	enum udp_encap_kind want;
} kinds[] = {
    {1, "", 0, UDP_ENCAP_SHORT},
    {2, "\xff", 1, UDP_ENCAP_KEEPALIVE},
    {3, "\xfe", 1, UDP_ENCAP_SHORT},
    {4, "\xff\xff", 2, UDP_ENCAP_SHORT},
    {5, "\0\0\0", 3, UDP_ENCAP_SHORT},
    {6, "\0\0\0\0", 4, UDP_ENCAP_IKE},
    {7, "\0\0\0\0\x11\x22", 6, UDP_ENCAP_IKE},
    {8, "\0\0\0\1", 4, UDP_ENCAP_ESP},
    {9, "\1\0\0\0\0\0\0\1", 8, UDP_ENCAP_ESP},
    {10, "\xff\xff\xff\xff", 4, UDP_ENCAP_ESP},
};

static void test_udp_encap_kind_numbered_payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (udp_encap_kind(kinds[i].octets, kinds[i].len) != kinds[i].want)
			fail_msg(
			    "case %d: %d", kinds[i].n, (int)udp_encap_kind(kinds[i].octets, kinds[i].len));
}

static void test_udp_encap_csum6_every_length(void **state)
{
	(void)state;
	for (uint16_t n = 0; n < 200; n++) {
		struct ip6_params p = {.next = 17, .hops = 64, .payload_len = (uint16_t)(8 + n)};
		size_t len = 48u + n;
		uint8_t *b = malloc(len);

		assert_non_null(b);
		p.src[0] = p.dst[0] = 0x20;
		p.dst[15] = (uint8_t)n;
		ip6_write(b, &p);
		udp_encap_write(b + 40, 4500, 4500, p.payload_len);
		memset(b + 48, (uint8_t)(n * 7 + 1), n);
		udp_encap_csum6(b, len);
		assert_true(b[46] || b[47]);
		assert_int_equal(
		    csum_finish(csum_add(csum_pseudo(b, 17, p.payload_len), b + 40, len - 40)), 0);
		/* Cut off, or not UDP: nothing is written. */
		memset(b + 46, 0, 2);
		udp_encap_csum6(b, len - 1);
		assert_int_equal(b[46] | b[47], 0);
		b[6] = 50;
		udp_encap_csum6(b, len);
		assert_int_equal(b[46] | b[47], 0);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_udp_encap_write_has_no_checksum),
	    cmocka_unit_test(test_udp_encap_kind_numbered_payloads),
	    cmocka_unit_test(test_udp_encap_csum6_every_length),
	};

	return cmocka_run_group_tests_name("wire/udp_encap", tests, NULL, NULL);
}
