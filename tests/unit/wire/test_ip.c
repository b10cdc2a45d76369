#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

enum { ROOM = 512 };

/* Hex with spaces to octets. */
static size_t unhex(const char *hex, uint8_t out[ROOM])
{
	size_t n = 0;
	unsigned v;

	for (; *hex; hex++)
		if (*hex != ' ' && sscanf(hex, "%2x", &v) == 1) {
			out[n++] = (uint8_t)v;
			hex++;
		}
	return n;
}

#define ADDR6                  "20010db8000000000000000000000001 20010db8000000000000000000000002"
#define IP4(total, off, proto) "45 00 " total " 1234 " off " 40 " proto " 0000 0a000064 0a00006e "
#define IP6(plen, next)        "6ab00000 " plen " " next " 3f " ADDR6 " "

/* What each packet must be read as. len counts the octets given; proto, ports and offsets matter for IP_OK
 * only. */
static const struct {
	int n;
	const char *what, *hex;
	int want;
	uint8_t proto;
	uint32_t upper_off;
	bool is_frag, has_ports;
	uint16_t sport, dport;
} cases[] = {
    {1, "nothing", "", IP_SHORT},
    {2, "version 5", "55000014", IP_BAD_VERSION},
    {3, "IPv4 of 19 octets", "45000014 12340000 40060000 0a000064 0a0000", IP_SHORT},
    {4, "header of 16 octets", "44000014 12340000 40060000 0a000064 0a00006e", IP_BAD_HEADER},
    {5, "total length below the header", IP4("0013", "0000", "06"), IP_BAD_HEADER},
    {6, "total length beyond the buffer", IP4("0015", "0000", "06"), IP_SHORT},
    {7, "header alone", IP4("0014", "0000", "06"), IP_OK, 6, 20, false, false, 0, 0},
    {8, "octets behind the packet", IP4("0014", "0000", "06") "00500051", IP_OK, 6, 20, false, false, 0, 0},
    {9, "TCP", IP4("0018", "0000", "06") "0050c001", IP_OK, 6, 20, false, true, 0x50, 0xc001},
    {10, "TCP with 3 octets", IP4("0017", "0000", "06") "0050c0", IP_OK, 6, 20, false, false, 0, 0},
    {11, "UDP, DF", IP4("0018", "4000", "11") "00350036", IP_OK, 17, 20, false, true, 0x35, 0x36},
    {12, "UDP, first fragment", IP4("0018", "2000", "11") "00350036", IP_OK, 17, 20, true, true, 0x35, 0x36},
    {13, "UDP, later fragment", IP4("0018", "2001", "11") "00350036", IP_OK, 17, 20, true, false, 0, 0},
    {14, "fragment that ends in time", IP4("0018", "1ffc", "11") "00350036", IP_OK, 17, 20, true, false, 0,
        0},
    {15, "fragment that ends beyond 65535", IP4("0018", "1ffd", "11") "00350036", IP_BAD_HEADER},
    {16, "ICMP type and code", IP4("0016", "0000", "01") "0304", IP_OK, 1, 20, false, true, 3, 4},
    {17, "ICMP with one octet", IP4("0015", "0000", "01") "03", IP_OK, 1, 20, false, false, 0, 0},
    {18, "GRE with key", IP4("001c", "0000", "2f") "20000800 11112222", IP_OK, 47, 20, false, true, 0x1111,
        0x2222},
    {19, "GRE with checksum and key", IP4("0020", "0000", "2f") "a0000800 ffff0000 11112222", IP_OK, 47, 20,
        false, true, 0x1111, 0x2222},
    {20, "GRE without key", IP4("001c", "0000", "2f") "00000800 11112222", IP_OK, 47, 20, false, false, 0, 0},
    {21, "GRE key cut off", IP4("001a", "0000", "2f") "20000800 1111", IP_OK, 47, 20, false, false, 0, 0},
    {22, "IPv4 options", "46000018 12340000 40110000 0a000064 0a00006e 94040000", IP_OK, 17, 24, false, false,
        0, 0},
    {23, "IPv4 AH is the upper protocol", IP4("0018", "0000", "33") "06040000", IP_OK, 51, 20, false, false,
        0, 0},
    {24, "SCTP", IP4("0018", "0000", "84") "00010002", IP_OK, 132, 20, false, true, 1, 2},
    {25, "protocol without ports", IP4("0018", "0000", "fd") "00010002", IP_OK, 253, 20, false, false, 0, 0},
    {30, "IPv6 of 39 octets",
        "60000000 0000 3b40 20010db8000000000000000000000001 20010db80000000000000000000000", IP_SHORT},
    {31, "IPv6 UDP", IP6("0004", "11") "00350036", IP_OK, 17, 40, false, true, 0x35, 0x36},
    {32, "payload beyond the buffer", IP6("0005", "11") "00350036", IP_SHORT},
    {33, "hop-by-hop, then TCP", IP6("000c", "00") "0600010400000000 00500051", IP_OK, 6, 48, false, true,
        0x50, 0x51},
    {34, "hop-by-hop cut off", IP6("0008", "00") "0601010400000000", IP_BAD_EXT},
    {35, "jumbogram", IP6("0000", "00") "0600c20400010000", IP_BAD_HEADER},
    {36, "first fragment, UDP", IP6("000c", "2c") "1100000100000007 00350036", IP_OK, 17, 48, true, true,
        0x35, 0x36},
    {37, "later fragment, UDP", IP6("000c", "2c") "1100000800000007 00350036", IP_OK, 17, 48, true, false, 0,
        0},
    {38, "atomic fragment", IP6("000c", "2c") "1100000000000007 00350036", IP_OK, 17, 48, false, true, 0x35,
        0x36},
    {39, "later fragment of an extension header", IP6("000c", "2c") "3c00000800000007 00350036", IP_OK, 60,
        48, true, false},
    {40, "AH, then ICMPv6", IP6("001a", "33") "3a04000000000100 00000001 000000000000000000000000 8700",
        IP_OK, 58, 64, false, true, 135, 0},
    {41, "no next header", IP6("0000", "3b"), IP_OK, 59, 40, false, false, 0, 0},
    {42, "eight extension headers",
        IP6("0044",
            "3c") "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000"
                  "3c00010400000000 3c00010400000000 0600010400000000 00500051",
        IP_OK, 6, 104, false, true, 0x50, 0x51},
    {43, "nine extension headers",
        IP6("004c",
            "3c") "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000"
                  "3c00010400000000 3c00010400000000 3c00010400000000 0600010400000000 00500051",
        IP_BAD_EXT},
    {44, "mobility header", IP6("0008", "87") "3b00050000000000", IP_OK, 135, 40, false, true, 5, 0},
    {45, "fragment header cut off", IP6("0004", "2c") "11000001", IP_BAD_EXT},
    {46, "fragment that ends in time", IP6("000f", "2c") "1100fff900000007 00350036 000000", IP_OK, 17, 48,
        true, false, 0, 0},
    {47, "fragment that ends beyond 65535", IP6("0010", "2c") "1100fff900000007 00350036 00000000",
        IP_BAD_HEADER},
    {48, "a fragment in a fragment", IP6("0014", "2c") "2c00000100000007 1100000000000008 00350036",
        IP_BAD_EXT},
    {49, "two atomic fragment headers", IP6("0014", "2c") "2c00000000000007 1100000000000008 00350036",
        IP_BAD_EXT},
};

static void test_ip_numbered_packets_read_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t b[ROOM];
		size_t len = unhex(cases[i].hex, b);
		struct ip_view v = {.version = 99};
		struct packet_key k;
		int r = ip_parse(b, len, IP_TRUST_SUM, &v);

		if (r != cases[i].want)
			fail_msg("case %d (%s): got %d", cases[i].n, cases[i].what, r);
		if (r != IP_OK) {
			assert_int_equal(v.version, 99);
			continue;
		}
		ip_packet_key(&v, &k);
		if (v.proto != cases[i].proto || v.upper_off != cases[i].upper_off ||
		    v.is_frag != cases[i].is_frag || k.has_ports != cases[i].has_ports ||
		    k.sport != cases[i].sport || k.dport != cases[i].dport)
			fail_msg("case %d (%s): proto %u at %u, frag %d, ports %d %x %x", cases[i].n,
			    cases[i].what, v.proto, v.upper_off, v.is_frag, k.has_ports, k.sport, k.dport);
		assert_int_equal(b[v.proto_off], v.proto);
		assert_int_equal(k.proto, v.proto);
	}
}

/* Cut anywhere, a packet is refused or read within its own octets: run under ASan, from a buffer of exactly
 * that size. */
static void test_ip_cut_anywhere_never_reads_beyond(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t b[ROOM];
		size_t len = unhex(cases[i].hex, b);

		for (size_t n = 0; n <= len; n++) {
			uint8_t *exact = malloc(n ? n : 1);
			struct ip_view v;
			struct packet_key k;

			memcpy(exact, b, n);
			if (ip_parse(exact, n, IP_CHECK_SUM, &v) == IP_OK ||
			    ip_parse(exact, n, IP_TRUST_SUM, &v) == IP_OK) {
				ip_packet_key(&v, &k);
				assert_true(v.total_len <= n);
				assert_true(v.upper_off <= v.total_len);
			}
			free(exact);
		}
	}
}

static void test_ip_addresses_and_fields_come_from_their_places(void **state)
{
	uint8_t b[ROOM];
	struct ip_view v = {0};
	struct inet_addr a;
	char s[INET_ADDR_STRLEN];

	(void)state;
	assert_int_equal(
	    ip_parse(b, unhex("45b80018 abcd4000 3f110000 0a000064 0a00006e 00010002", b), IP_TRUST_SUM, &v),
	    IP_OK);
	a = ip_src(&v);
	assert_string_equal(inet_addr_format(&a, s), "10.0.0.100");
	a = ip_dst(&v);
	assert_string_equal(inet_addr_format(&a, s), "10.0.0.110");
	assert_int_equal(v.tos, 0xb8);
	assert_int_equal(v.ttl, 63);
	assert_int_equal(v.frag_id, 0xabcd);
	assert_true(v.df);

	assert_int_equal(ip_parse(b, unhex(IP6("0004", "11") "00350036", b), IP_TRUST_SUM, &v), IP_OK);
	a = ip_src(&v);
	assert_string_equal(inet_addr_format(&a, s), "2001:db8::1");
	a = ip_dst(&v);
	assert_string_equal(inet_addr_format(&a, s), "2001:db8::2");
	assert_int_equal(v.tos, 0xab);
	assert_int_equal(v.ttl, 63);
}

static void test_ip4_written_header_reads_back_with_good_sum(void **state)
{
	const struct ip4_params p = {{10, 0, 0, 100}, {10, 0, 0, 110}, .proto = 50, .tos = 0x2e, .ttl = 64,
	    .id = 0xbeef, .total_len = 24, .df = true};
	uint8_t b[24] = {0};
	struct ip_view v = {0};

	(void)state;
	ip4_write(b, &p);
	assert_int_equal(ip_parse(b, sizeof(b), IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(v.proto, 50);
	assert_int_equal(v.tos, 0x2e);
	assert_int_equal(v.ttl, 64);
	assert_int_equal(v.frag_id, 0xbeef);
	assert_int_equal(v.total_len, 24);
	assert_true(v.df);
	assert_false(v.is_frag);
	b[15] ^= 1;
	assert_int_equal(ip_parse(b, sizeof(b), IP_CHECK_SUM, &v), IP_BAD_SUM);
}

/* RFC 3602 case 5: the same header before and after ESP. */
static void test_ip4_set_payload_gives_the_published_header(void **state)
{
	uint8_t b[ROOM], want[ROOM];

	(void)state;
	unhex("45000054 08f20000 4001f9fe c0a87b03 c0a87b64", b);
	unhex("4500007c 08f20000 4032f9a5 c0a87b03 c0a87b64", want);
	ip4_set_payload(b, 50, 0x7c);
	assert_memory_equal(b, want, 20);
	ip4_set_payload(b, 1, 0x54);
	unhex("45000054 08f20000 4001f9fe c0a87b03 c0a87b64", want);
	assert_memory_equal(b, want, 20);
}

static void test_ip_set_tos_keeps_sum_and_neighbours(void **state)
{
	uint8_t b[ROOM], six[ROOM];
	struct ip_view v = {0};

	(void)state;
	unhex("45000054 08f20000 4001f9fe c0a87b03 c0a87b64", b);
	for (unsigned tos = 0; tos < 256; tos++) {
		ip_set_tos(b, (uint8_t)tos);
		assert_int_equal(b[1], tos);
		assert_int_equal(csum_ip4_header(b, 20), b[10] << 8 | b[11]);
	}
	unhex("6abcdef1 0000 3b40 " ADDR6, six);
	ip_set_tos(six, 0x5f);
	assert_int_equal(six[0], 0x65);
	assert_int_equal(six[1], 0xfc);
	assert_int_equal(ip_parse(six, 40, IP_TRUST_SUM, &v), IP_OK);
	assert_int_equal(v.tos, 0x5f);
	assert_int_equal(six[2] << 8 | six[3], 0xdef1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ip_numbered_packets_read_as_stated),
	    cmocka_unit_test(test_ip_cut_anywhere_never_reads_beyond),
	    cmocka_unit_test(test_ip_addresses_and_fields_come_from_their_places),
	    cmocka_unit_test(test_ip4_written_header_reads_back_with_good_sum),
	    cmocka_unit_test(test_ip4_set_payload_gives_the_published_header),
	    cmocka_unit_test(test_ip_set_tos_keeps_sum_and_neighbours),
	};

	return cmocka_run_group_tests_name("wire/ip", tests, NULL, NULL);
}
