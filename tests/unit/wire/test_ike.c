/*
 * IKE's messages: a real one of the guide's readers (aggressive mode's first, with RSA signatures, of 2003),
 * tables of broken ones, and what is written read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_sa.h"

/* S210: 319 octets. */
static const char aggressive1[] = "99ab2e4dc4999d1f000000000000000001100400000000000000013f04000034"
                                  "000000010000000100000028010100010000002001010000800b0001800c0e10"
                                  "800100058003000380020002800400020a00008492ab31a730d93225c297312a"
                                  "ca52e2c9205ead9e756436ceb896187d345ce5ba4b415681405e0072401fc40c"
                                  "9b8d4d18c6e339a81fda57908486b352e5d2d09b2cbad15470d9b95ec5b3fcee"
                                  "bd771050983c54f6eab3c1010264400ca292ad9d1a2cd9d7fa56312c14937066"
                                  "d78d2bcc4f968f5559d2ed468d0e9527e01da5d105000014b51b076f6eecca3b"
                                  "c70cb1ff0b2d32c90000005709000000304d310b300906035504061302555331"
                                  "0b3009060355040813024e59310e300c060355040713054245524e453121301f"
                                  "060355040a1318496e7465726e6574205769646769747320507479204c7464";

static size_t unhex(const char *hex, uint8_t *to, size_t room)
{
	size_t n = 0;
	unsigned v;

	for (; *hex; hex += *hex == ' ' ? 1 : 2) {
		if (*hex == ' ')
			continue;
		assert_true(n < room && sscanf(hex, "%2x", &v) == 1);
		to[n++] = (uint8_t)v;
	}
	return n;
}

static void test_ike_a_real_first_message_of_aggressive_mode(void **state)
{
	static const struct {
		uint16_t type;
		uint64_t number;
	} want[] = {{IKE1_A1_LIFE_TYPE, IKE1_LIFE_SECONDS}, {IKE1_A1_LIFE, 3600},
	    {IKE1_A1_CIPHER, IKE1_CIPHER_3DES}, {IKE1_A1_AUTH, IKE1_AUTH_RSA}, {IKE1_A1_HASH, IKE1_HASH_SHA1},
	    {IKE1_A1_GROUP, 2}};
	uint8_t m[400];
	size_t n = unhex(aggressive1, m, sizeof(m));
	static struct ike1_sa sa;
	struct ike1_ident id;
	struct ike1_attr a;
	struct ike_chain c;
	struct ike_hdr h;
	struct rd r;
	size_t i = 0;

	(void)state;
	assert_int_equal(n, 319);
	assert_int_equal(ike_hdr_parse(m, n, &h), IKE_OK);
	assert_int_equal(h.exchange, IKE1_AGGRESSIVE);
	assert_int_equal(h.major, 1);
	assert_int_equal(h.minor, 0);
	assert_int_equal(h.msg_id, 0);
	assert_int_equal(h.next, IKE1_P_SA);
	assert_int_equal(ike_chain_parse(h.next, m + IKE_HDR_LEN, n - IKE_HDR_LEN, false, &c), IKE_OK);
	assert_int_equal(c.n, 4);
	assert_int_equal(ike1_sa_parse(c.p[0].body, c.p[0].len, &sa), IKE_OK);
	assert_int_equal(sa.n_proposals, 1);
	assert_int_equal(sa.n_transforms, 1);
	assert_int_equal(sa.proposal[0].protocol, IKE1_PROTO_ISAKMP);
	assert_int_equal(sa.proposal[0].spi_len, 0);
	r = ike1_attrs(&sa.transform[0]);
	while (ike1_attr_next(&r, &a)) {
		assert_true(i < ARRAY_SIZE(want) && a.basic);
		assert_int_equal(a.type, want[i].type);
		assert_int_equal(a.number, want[i].number);
		i++;
	}
	assert_true(rd_done(&r));
	assert_int_equal(i, ARRAY_SIZE(want));
	assert_int_equal(c.p[1].type, IKE1_P_KE);
	assert_int_equal(c.p[1].len, 128);
	assert_true(ike1_nonce_ok(ike_chain_find(&c, IKE1_P_NONCE, 0)));
	assert_null(ike_chain_find(&c, IKE1_P_NONCE, 1));
	assert_int_equal(ike1_ident_parse(&c.p[3], &id), IKE_OK);
	assert_int_equal(id.type, IKE1_ID_DN);
	assert_int_equal(id.len, 79);
	assert_int_equal(id.data[0], 0x30);
}

/* The same message, written by us. */
static void test_ike_it_is_written_octet_by_octet_as_the_original(void **state)
{
	uint8_t m[400], mine[400];
	size_t n = unhex(aggressive1, m, sizeof(m));
	struct ike_hdr h;
	struct ike_chain c;
	struct ike1_ident id;
	struct ike1_open_part p, t;
	struct ike_out o;

	(void)state;
	assert_int_equal(ike_hdr_parse(m, n, &h), IKE_OK);
	assert_int_equal(ike_chain_parse(h.next, m + IKE_HDR_LEN, n - IKE_HDR_LEN, false, &c), IKE_OK);
	assert_int_equal(ike1_ident_parse(&c.p[3], &id), IKE_OK);
	h.length = 0;
	for (size_t room = 0; room <= sizeof(mine); room++) {
		ike_out_init(&o, mine, room, &h);
		ike1_put_sa(&o);
		p = ike1_put_proposal(&o, true, 1, IKE1_PROTO_ISAKMP, NULL, 0, 1);
		t = ike1_put_transform(&o, true, 1, IKE1_TRANSFORM_KEY_IKE);
		ike1_put_attr(&o, IKE1_A1_LIFE_TYPE, IKE1_LIFE_SECONDS);
		ike1_put_attr(&o, IKE1_A1_LIFE, 3600);
		ike1_put_attr(&o, IKE1_A1_CIPHER, IKE1_CIPHER_3DES);
		ike1_put_attr(&o, IKE1_A1_AUTH, IKE1_AUTH_RSA);
		ike1_put_attr(&o, IKE1_A1_HASH, IKE1_HASH_SHA1);
		ike1_put_attr(&o, IKE1_A1_GROUP, 2);
		ike1_end_part(&o, t);
		ike1_end_part(&o, p);
		ike_out_whole(&o, IKE1_P_KE, c.p[1].body, c.p[1].len);
		ike_out_whole(&o, IKE1_P_NONCE, c.p[2].body, c.p[2].len);
		ike1_put_ident(&o, &id);
		assert_int_equal(ike_out_end(&o), room < n ? 0 : n);
	}
	assert_memory_equal(mine, m, n);
}

#define HDR "1111111111111111 2222222222222222 "

static const struct {
	int n;
	const char *what, *hex;
	enum ike_fault want;
} headers[] = {
    {1, "as it should be", HDR "00 10 05 00 01020304 0000001c", IKE_OK},
    {2, "nothing", "", IKE_SHORT},
    {3, "27 octets", HDR "00 10 05 00 01020304 00001c", IKE_SHORT},
    {4, "says less than a header", HDR "00 10 05 00 01020304 0000001b", IKE_BAD_LEN},
    {5, "says more than there is", HDR "00 10 05 00 01020304 0000001d", IKE_SHORT},
    {6, "says four thousand million", HDR "00 10 05 00 01020304 ffffffff", IKE_SHORT},
    {7, "more than it says", HDR "00 10 05 00 01020304 0000001c 00", IKE_BAD_LEN},
};

static void test_ike_header_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		uint8_t b[64];
		struct ike_hdr h;
		size_t n = unhex(headers[i].hex, b, sizeof(b));

		if (ike_hdr_parse(b, n, &h) != headers[i].want)
			fail_msg("case %d: %s", headers[i].n, headers[i].what);
	}
}

static const struct {
	int n;
	const char *what;
	uint8_t first;
	const char *hex;
	bool padded;
	enum ike_fault want;
	uint32_t n_payloads, used;
} chains[] = {
    {1, "no payload", 0, "", false, IKE_OK, 0, 0},
    {2, "no payload, and yet octets", 0, "00", false, IKE_BAD_LEN, 0, 0},
    {3, "the same with padding allowed", 0, "00", true, IKE_OK, 0, 0},
    {4, "an empty payload", 10, "00000004", false, IKE_OK, 1, 4},
    {5, "two", 10, "0d000005aa 00000004", false, IKE_OK, 2, 9},
    {6, "a length below its header", 10, "00000003", false, IKE_BAD_LEN, 0, 0},
    {7, "a length of nothing", 10, "00000000", false, IKE_BAD_LEN, 0, 0},
    {8, "longer than the message", 10, "00000005", false, IKE_SHORT, 0, 0},
    {9, "a promised one is not there", 10, "0d000004", false, IKE_SHORT, 0, 0},
    {10, "half a header", 10, "0d000004 0000", false, IKE_SHORT, 0, 0},
    {11, "a rest", 10, "00000004 00000000", false, IKE_BAD_LEN, 0, 0},
    {12, "a rest that is padding", 10, "00000004 00000000", true, IKE_OK, 1, 4},
    {13, "a rest nobody named", 0, "00000004", false, IKE_BAD_LEN, 0, 0},
};

static void test_ike_chain_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		uint8_t b[64];
		struct ike_chain c;
		size_t n = unhex(chains[i].hex, b, sizeof(b));
		enum ike_fault f = ike_chain_parse(chains[i].first, b, n, chains[i].padded, &c);

		if (f != chains[i].want ||
		    (f == IKE_OK && (c.n != chains[i].n_payloads || c.used != chains[i].used)))
			fail_msg("case %d: %s: %s", chains[i].n, chains[i].what, ike_fault_text(f));
	}
}

static void test_ike_chain_of_too_many_payloads(void **state)
{
	uint8_t b[4 * (IKE_PAYLOADS_MAX + 1)] = {0};
	struct ike_chain c;

	(void)state;
	for (size_t i = 0; i < sizeof(b); i += 4) {
		b[i] = i + 4 < sizeof(b) ? IKE1_P_VENDOR : 0;
		b[i + 3] = 4;
	}
	assert_int_equal(ike_chain_parse(IKE1_P_VENDOR, b, sizeof(b), false, &c), IKE_TOO_MANY);
	b[sizeof(b) - 8] = 0;
	assert_int_equal(ike_chain_parse(IKE1_P_VENDOR, b, sizeof(b) - 4, false, &c), IKE_OK);
	assert_int_equal(c.n, IKE_PAYLOADS_MAX);
	assert_int_equal(ike_chain_count(&c, IKE1_P_VENDOR), IKE_PAYLOADS_MAX);
}

#define SIT "00000001 00000001 "

static const struct {
	int n;
	const char *what, *hex;
	enum ike_fault want;
} sas[] = {
    {1, "one proposal, one transform without attributes", SIT "00000010 01010001 00000008 01010000", IKE_OK},
    {2, "two proposals", SIT "02000010 01010001 00000008 01010000 00000010 02010001 00000008 01010000",
        IKE_OK},
    {3, "two transforms", SIT "00000018 01010002 03000008 01010000 00000008 02010000", IKE_OK},
    {4, "an SPI", SIT "00000014 01030401 aabbccdd 00000008 01030000", IKE_OK},
    {5, "a long attribute", SIT "0000001a 01010001 00000012 01010000 000c 0006 000000000e10", IKE_OK},
    {6, "nothing behind the situation", SIT, IKE_SHORT},
    {7, "half a situation", "00000001 0000", IKE_SHORT},
    {8, "another DOI", "00000002 00000001 00000010 01010001 00000008 01010000", IKE_BAD_VALUE},
    {9, "secrecy", "00000001 00000002 00000010 01010001 00000008 01010000", IKE_BAD_VALUE},
    {10, "fewer transforms than it says", SIT "00000010 01010002 00000008 01010000", IKE_BAD_CHAIN},
    {11, "more transforms than it says", SIT "00000018 01010001 03000008 01010000 00000008 02010000",
        IKE_BAD_CHAIN},
    {12, "no transform", SIT "00000008 01010000", IKE_BAD_VALUE},
    {13, "a transform followed by a proposal", SIT "00000010 01010001 02000008 01010000", IKE_BAD_CHAIN},
    {14, "a proposal followed by a nonce", SIT "0a000010 01010001 00000008 01010000", IKE_BAD_CHAIN},
    {15, "a transform beyond its proposal", SIT "00000010 01010001 00000009 01010000 00", IKE_SHORT},
    {16, "a proposal beyond the payload", SIT "00000011 01010001 00000008 01010000", IKE_SHORT},
    {17, "an SPI beyond the proposal", SIT "0000000a 0103ff01 0000", IKE_SHORT},
    {18, "an SPI of 17 octets", SIT "00000021 01011101 0000000000000000000000000000000000 00000008 01010000",
        IKE_BAD_VALUE},
    {19, "half an attribute", SIT "00000013 01010001 0000000b 01010000 800b00", IKE_SHORT},
    {20, "an attribute beyond the transform", SIT "00000014 01010001 0000000c 01010000 000c 0001", IKE_SHORT},
    {21, "octets behind the last proposal", SIT "00000010 01010001 00000008 01010000 00", IKE_BAD_LEN},
    {22, "octets behind the last transform", SIT "00000011 01010001 00000008 01010000 00", IKE_BAD_LEN},
    {23, "a transform shorter than its fields", SIT "0000000f 01010001 00000007 010100", IKE_SHORT},
};

static void test_ike_sa_numbered_cases(void **state)
{
	static struct ike1_sa sa;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sas); i++) {
		uint8_t b[128];
		size_t n = unhex(sas[i].hex, b, sizeof(b));
		enum ike_fault f = ike1_sa_parse(b, n, &sa);

		if (f != sas[i].want)
			fail_msg("case %d: %s: %s", sas[i].n, sas[i].what, ike_fault_text(f));
	}
}

static void test_ike_sa_that_multiplies_its_transforms_is_refused(void **state)
{
	static uint8_t b[65536];
	static struct ike1_sa sa;
	struct ike_out o;
	uint8_t first;
	unsigned want[] = {255, 2};

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct ike1_open_part p;

		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike1_put_sa(&o);
		want[1] = 1 + more; /* 256 fit, 257 do not */
		for (unsigned k = 0; k < 2; k++) {
			p = ike1_put_proposal(&o, k == 1, (uint8_t)(k + 1), 1, NULL, 0, (uint8_t)want[k]);
			for (unsigned t = 0; t < want[k]; t++)
				ike1_end_part(
				    &o, ike1_put_transform(&o, t + 1 == want[k], (uint8_t)(t + 1), 1));
			ike1_end_part(&o, p);
		}
		assert_true(ike_out_end(&o) > 0);
		assert_int_equal(first, IKE1_P_SA);
		assert_int_equal(ike1_sa_parse(b + IKE_PAYLOAD_HDR_LEN,
		                     (size_t)(b[2] << 8 | b[3]) - IKE_PAYLOAD_HDR_LEN, &sa),
		    more ? IKE_TOO_MANY : IKE_OK);
	}
}

static void test_ike_attributes_are_as_short_as_they_can_be(void **state)
{
	static const uint32_t numbers[] = {0, 1, 65535, 65536, UINT32_MAX};
	uint8_t b[32], first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct ike_out o;
		struct ike1_attr a;
		struct rd r;
		size_t n;

		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike1_put_attr(&o, IKE1_A1_LIFE, numbers[i]);
		n = ike_out_end(&o);
		assert_int_equal(n, numbers[i] <= UINT16_MAX ? 4 : 8);
		r = rd_init(b, n);
		assert_true(ike1_attr_next(&r, &a));
		assert_int_equal(a.type, IKE1_A1_LIFE);
		assert_true(a.small);
		assert_int_equal(a.number, numbers[i]);
		assert_false(ike1_attr_next(&r, &a));
		assert_true(rd_done(&r));
	}
}

static const struct {
	int n;
	const char *what, *hex;
	enum ike_fault want;
} idents[] = {
    {1, "IPv4", "01 11 01f4 0a000064", IKE_OK},
    {2, "IPv4 of three octets", "01 11 01f4 0a0000", IKE_BAD_LEN},
    {3, "IPv4 of five octets", "01 11 01f4 0a00006400", IKE_BAD_LEN},
    {4, "a subnet", "04 00 0000 0a000000 ffffff00", IKE_OK},
    {5, "a subnet without its mask", "04 00 0000 0a000000", IKE_BAD_LEN},
    {6, "IPv6 as long as IPv4", "05 00 0000 0a000000", IKE_BAD_LEN},
    {7, "a name", "02 00 0000 6162", IKE_OK},
    {8, "an empty name", "02 00 0000", IKE_BAD_LEN},
    {9, "cut off", "02 00 00", IKE_SHORT},
    {10, "of a type nobody knows", "c8 00 0000 00", IKE_OK},
};

static struct ike_payload payload_of(uint8_t type, const uint8_t *b, size_t n)
{
	return (struct ike_payload){.type = type, .body = b, .len = (uint32_t)n};
}

static void test_ike_identities_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(idents); i++) {
		uint8_t b[64];
		struct ike_payload p = payload_of(IKE1_P_ID, b, unhex(idents[i].hex, b, sizeof(b)));
		struct ike1_ident id;

		if (ike1_ident_parse(&p, &id) != idents[i].want)
			fail_msg("case %d: %s", idents[i].n, idents[i].what);
	}
}

static const struct {
	int n;
	const char *hex, *first, *last; /* NULL: no range */
} ranges[] = {
    {1, "01 00 0000 0a000064", "10.0.0.100", "10.0.0.100"},
    {2, "04 00 0000 0a000064 ffffff00", "10.0.0.0", "10.0.0.255"},
    {3, "04 00 0000 0a000064 00000000", "0.0.0.0", "255.255.255.255"},
    {4, "04 00 0000 0a000064 ffffffff", "10.0.0.100", "10.0.0.100"},
    {5, "04 00 0000 0a000064 ff00ff00", NULL, NULL},
    {6, "07 00 0000 0a000064 0a000065", "10.0.0.100", "10.0.0.101"},
    {7, "07 00 0000 0a000065 0a000064", NULL, NULL},
    {8, "05 00 0000 20010db8000000000000000000000001", "2001:db8::1", "2001:db8::1"},
    {9, "06 00 0000 20010db8000000000000000000000001 ffffffffffffffff0000000000000000",
        "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
    {10, "02 00 0000 6162", NULL, NULL},
};

static void test_ike_identities_as_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint8_t b[64];
		struct ike_payload p = payload_of(IKE1_P_ID, b, unhex(ranges[i].hex, b, sizeof(b)));
		struct inet_addr first = {0}, last = {0}, want;
		struct ike1_ident id;

		assert_int_equal(ike1_ident_parse(&p, &id), IKE_OK);
		if ((ike1_ident_range(&id, &first, &last) == IKE_OK) != (ranges[i].first != NULL))
			fail_msg("case %d", ranges[i].n);
		if (!ranges[i].first)
			continue;
		assert_int_equal(inet_addr_parse(ranges[i].first, &want), 0);
		assert_true(inet_addr_equal(&first, &want));
		assert_int_equal(inet_addr_parse(ranges[i].last, &want), 0);
		assert_true(inet_addr_equal(&last, &want));
	}
}

static void test_ike_notify_and_delete_come_back(void **state)
{
	static const uint8_t spi[] = {1, 2, 3, 4, 5, 6, 7, 8};
	const struct ike1_notification n = {.doi = 1,
	    .protocol = IKE1_PROTO_ESP,
	    .spi_len = 4,
	    .type = IKE1_N_RESPONDER_LIFETIME,
	    .spi = spi,
	    .data = spi,
	    .len = 8};
	const struct ike1_deletion d = {
	    .doi = 1, .protocol = IKE1_PROTO_ESP, .spi_len = 4, .n_spis = 2, .spis = spi};
	struct ike1_notification n2;
	struct ike1_deletion d2;
	struct ike_chain c;
	struct ike_out o;
	uint8_t b[128], first;
	size_t len;

	(void)state;
	ike_out_init_chain(&o, b, sizeof(b), &first);
	ike1_put_notify(&o, &n);
	ike1_put_delete(&o, &d);
	len = ike_out_end(&o);
	assert_int_equal(ike_chain_parse(first, b, len, false, &c), IKE_OK);
	assert_int_equal(c.n, 2);
	assert_int_equal(ike1_notify_parse(&c.p[0], &n2), IKE_OK);
	assert_int_equal(n2.type, n.type);
	assert_int_equal(n2.len, 8);
	assert_memory_equal(n2.spi, spi, 4);
	assert_int_equal(ike1_delete_parse(&c.p[1], &d2), IKE_OK);
	assert_int_equal(d2.n_spis, 2);
	assert_memory_equal(d2.spis, spi, 8);
	for (uint32_t cut = 0; cut < c.p[0].len; cut++) {
		struct ike_payload p = {.type = IKE1_P_NOTIFY, .body = c.p[0].body, .len = cut};

		assert_int_equal(ike1_notify_parse(&p, &n2), cut < 12 ? IKE_SHORT : IKE_OK);
	}
	for (uint32_t cut = 0; cut < c.p[1].len; cut++) {
		struct ike_payload p = {.type = IKE1_P_DELETE, .body = c.p[1].body, .len = cut};

		assert_int_equal(ike1_delete_parse(&p, &d2), IKE_SHORT);
	}
}

static void test_ike_original_addresses_come_back(void **state)
{
	static const char *const texts[] = {"192.0.2.77", "2001:db8::77"};
	uint8_t b[64], first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct inet_addr a, back;
		struct ike_chain c;
		struct ike_out o;
		size_t n;

		assert_int_equal(inet_addr_parse(texts[i], &a), 0);
		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike1_put_nat_oa(&o, IKE1_P_NAT_OA, &a);
		n = ike_out_end(&o);
		assert_int_equal(n, i ? 24 : 12);
		assert_int_equal(ike_chain_parse(first, b, n, false, &c), IKE_OK);
		assert_int_equal(ike1_nat_oa_parse(&c.p[0], &back), IKE_OK);
		assert_true(inet_addr_equal(&a, &back));
		b[4] = 2; /* a name is no address */
		assert_int_not_equal(ike1_nat_oa_parse(&c.p[0], &back), IKE_OK);
	}
}

static void test_ike_fragments_and_certificates(void **state)
{
	static const struct {
		uint8_t type;
		const char *hex;
		enum ike_fault want;
	} rows[] = {
	    {IKE1_P_FRAGMENT, "0001 01 00 aa", IKE_OK},
	    {IKE1_P_FRAGMENT, "0001 00 00 aa", IKE_BAD_VALUE},
	    {IKE1_P_FRAGMENT, "0001 01 01", IKE_BAD_VALUE},
	    {IKE1_P_FRAGMENT, "0001 01", IKE_SHORT},
	    {IKE1_P_CERT, "04 3082", IKE_OK},
	    {IKE1_P_CERT, "04", IKE_BAD_LEN},
	    {IKE1_P_CERT, "", IKE_SHORT},
	    {IKE1_P_CERT_REQ, "04", IKE_OK},
	    {IKE1_P_ATTRIBUTES, "01 00 1234 0001 0000 0002 0000", IKE_OK},
	    {IKE1_P_ATTRIBUTES, "01 00 1234 0001 0001", IKE_SHORT},
	    {IKE1_P_ATTRIBUTES, "01 00 12", IKE_SHORT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t b[64];
		struct ike_payload p = payload_of(rows[i].type, b, unhex(rows[i].hex, b, sizeof(b)));
		struct ike1_certificate cert;
		struct ike1_fragment f;
		struct ike1_config cfg;
		enum ike_fault got = p.type == IKE1_P_FRAGMENT     ? ike1_fragment_parse(&p, &f)
		                     : p.type == IKE1_P_ATTRIBUTES ? ike1_config_parse(&p, &cfg)
		                                                   : ike1_cert_parse(&p, &cert);

		if (got != rows[i].want)
			fail_msg("row %zu: %s", i, ike_fault_text(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ike_a_real_first_message_of_aggressive_mode),
	    cmocka_unit_test(test_ike_it_is_written_octet_by_octet_as_the_original),
	    cmocka_unit_test(test_ike_header_numbered_cases),
	    cmocka_unit_test(test_ike_chain_numbered_cases),
	    cmocka_unit_test(test_ike_chain_of_too_many_payloads),
	    cmocka_unit_test(test_ike_sa_numbered_cases),
	    cmocka_unit_test(test_ike_sa_that_multiplies_its_transforms_is_refused),
	    cmocka_unit_test(test_ike_attributes_are_as_short_as_they_can_be),
	    cmocka_unit_test(test_ike_identities_numbered_cases),
	    cmocka_unit_test(test_ike_identities_as_ranges),
	    cmocka_unit_test(test_ike_notify_and_delete_come_back),
	    cmocka_unit_test(test_ike_original_addresses_come_back),
	    cmocka_unit_test(test_ike_fragments_and_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
