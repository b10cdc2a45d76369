/*
 * The payloads of version 2: tables of right and wrong ones, octet by octet after the figures of RFC 7296,
 * and what is written read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v2_cfg.h"
#include "wire/ike/v2_payload.h"
#include "wire/ike/v2_sa.h"
#include "wire/ike/v2_transform.h"
#include "wire/ike/v2_ts.h"

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

struct row {
	int n;
	const char *what, *hex;
	enum ike_fault want;
};

typedef enum ike_fault parse_fn(const struct ike_payload *p);

static void try_rows(const struct row *rows, size_t n_rows, uint8_t type, parse_fn *parse)
{
	for (size_t i = 0; i < n_rows; i++) {
		uint8_t b[256];
		size_t n = unhex(rows[i].hex, b, sizeof(b));
		const struct ike_payload p = {.type = type, .body = b, .len = (uint32_t)n};
		enum ike_fault f = parse(&p);

		if (f != rows[i].want)
			fail_msg("case %d: %s: %s", rows[i].n, rows[i].what, ike_fault_text(f));
	}
}

#define ENCR "0300000c 0100000c 800e0100 "
#define LAST "00000008 04000013 "

static const struct row sas[] = {
    {1, "one proposal, one transform", "00000010 01010001 " LAST, IKE_OK},
    {2, "two transforms", "0000001c 01010002 " ENCR LAST, IKE_OK},
    {3, "two proposals", "02000010 01010001 " LAST "00000010 02010001 " LAST, IKE_OK},
    {4, "an SPI of ESP", "00000014 01030401 aabbccdd " LAST, IKE_OK},
    {5, "an SPI of IKE", "00000018 01010801 aabbccdd11223344 " LAST, IKE_OK},
    {6, "an answer with proposal 3", "00000014 03030401 aabbccdd " LAST, IKE_OK},
    {7, "no transform", "0000000c 01030400 aabbccdd", IKE_OK},
    {8, "another protocol with an SPI of 2", "00000012 01040201 aabb " LAST, IKE_OK},
    {9, "nothing", "", IKE_SHORT},
    {10, "half a proposal", "00000010 0101", IKE_SHORT},
    {11, "fewer transforms than it says", "00000010 01010002 " LAST, IKE_BAD_CHAIN},
    {12, "more transforms than it says", "0000001c 01010001 " ENCR LAST, IKE_BAD_CHAIN},
    {13, "a transform followed by a proposal", "00000010 01010001 02000008 04000013", IKE_BAD_CHAIN},
    {14, "a proposal followed by a transform", "03000010 01010001 " LAST, IKE_BAD_CHAIN},
    {15, "a promised proposal is not there", "02000010 01010001 " LAST, IKE_SHORT},
    {16, "a transform beyond its proposal", "00000010 01010001 00000009 04000013 00", IKE_SHORT},
    {17, "a proposal beyond the payload", "00000011 01010001 " LAST, IKE_SHORT},
    {18, "a proposal below its header", "00000003 01010001 " LAST, IKE_BAD_LEN},
    {19, "an SPI beyond the proposal", "0000000a 0163ff01 0000", IKE_SHORT},
    {20, "ESP without an SPI", "00000010 01030001 " LAST, IKE_BAD_VALUE},
    {21, "AH with an SPI of 8", "00000018 01020801 aabbccdd11223344 " LAST, IKE_BAD_VALUE},
    {22, "IKE with an SPI of 4", "00000014 01010401 aabbccdd " LAST, IKE_BAD_VALUE},
    {23, "numbers from 0", "00000010 00010001 " LAST, IKE_BAD_VALUE},
    {24, "two of the same number", "02000010 01010001 " LAST "00000010 01010001 " LAST, IKE_BAD_VALUE},
    {25, "numbers with a gap", "02000010 01010001 " LAST "00000010 03010001 " LAST, IKE_BAD_VALUE},
    {26, "octets behind the last proposal", "00000010 01010001 " LAST "00", IKE_BAD_LEN},
    {27, "octets behind the last transform", "00000011 01010001 " LAST "00", IKE_BAD_LEN},
    {28, "half an attribute", "00000013 01010001 0000000b 0100000c 800e01", IKE_SHORT},
    {29, "an attribute beyond the transform", "00000014 01010001 0000000c 0100000c 00120004", IKE_SHORT},
    {30, "a long attribute", "00000018 01010001 00000010 0100000c 00120004 00000000", IKE_OK},
    {31, "a transform shorter than its fields", "0000000f 01010001 00000007 040000", IKE_SHORT},
    {32, "a transform below its header", "00000010 01010001 00000003 04000013", IKE_BAD_LEN},
};

static bool same(const struct ike2_transform *a, const struct ike2_transform *b)
{
	return a->type == b->type && a->id == b->id && a->key_bits == b->key_bits && a->strange == b->strange;
}

static enum ike_fault parse_sa(const struct ike_payload *p)
{
	static struct ike2_sa sa;

	return ike2_sa_parse(p->body, p->len, &sa);
}

static void test_ike2_sa_numbered_cases(void **state)
{
	(void)state;
	try_rows(sas, ARRAY_SIZE(sas), IKE2_P_SA, parse_sa);
}

static void test_ike2_sa_comes_back(void **state)
{
	static const uint8_t spi[] = {1, 2, 3, 4};
	static const struct ike2_transform t[] = {
	    {.type = IKE2_T_ENCR, .id = IKE2_ENCR_AES_GCM_16, .key_bits = 256},
	    {.type = IKE2_T_ENCR, .id = IKE2_ENCR_CHACHA20_POLY1305}, {.type = IKE2_T_GROUP, .id = 19},
	    {.type = IKE2_T_ESN, .id = IKE2_ESN_YES}};
	const struct ike2_offer offers[] = {{.number = 1,
	                                        .protocol = IKE2_PROTO_ESP,
	                                        .spi = spi,
	                                        .spi_len = 4,
	                                        .transform = t,
	                                        .n_transforms = 4},
	    {.number = 2,
	        .protocol = IKE2_PROTO_AH,
	        .spi = spi,
	        .spi_len = 4,
	        .transform = t + 3,
	        .n_transforms = 1}};
	static struct ike2_sa sa;
	uint8_t b[256], first;
	struct ike_out o;
	size_t n;

	(void)state;
	for (size_t room = 0; room <= sizeof(b); room++) {
		ike_out_init_chain(&o, b, room, &first);
		ike_out_payload(&o, IKE2_P_SA);
		ike2_put_proposal(&o, false, &offers[0]);
		ike2_put_proposal(&o, true, &offers[1]);
		n = ike_out_end(&o);
		assert_int_equal(n, room < 4 + 48 + 20 ? 0 : 4 + 48 + 20);
	}
	assert_int_equal(ike2_sa_parse(b + 4, n - 4, &sa), IKE_OK);
	assert_int_equal(sa.n_proposals, 2);
	assert_int_equal(sa.n_transforms, 5);
	for (size_t i = 0; i < 4; i++)
		assert_true(same(&sa.transform[i], &t[i]));
	assert_memory_equal(sa.proposal[1].spi, spi, 4);
	assert_int_equal(sa.proposal[1].first, 4);
	assert_int_equal(
	    ike2_sa_transform(&sa, &sa.proposal[0], IKE2_T_ENCR, 1)->id, IKE2_ENCR_CHACHA20_POLY1305);
	assert_null(ike2_sa_transform(&sa, &sa.proposal[0], IKE2_T_ENCR, 2));
	assert_null(ike2_sa_transform(&sa, &sa.proposal[1], IKE2_T_ENCR, 0));
}

static void test_ike2_sa_with_more_parts_than_anybody_needs(void **state)
{
	static struct ike2_transform t[255];
	static uint8_t b[4096];
	static struct ike2_sa sa;
	const struct ike2_offer large = {.protocol = IKE2_PROTO_IKE, .transform = t, .n_transforms = 255};
	struct ike2_offer one = {.protocol = IKE2_PROTO_IKE, .transform = t, .n_transforms = 1};
	struct ike_out o;
	uint8_t first;
	size_t n;

	(void)state;
	for (uint8_t more = 0; more < 2; more++) {
		struct ike2_offer l = large;

		l.number = 1;
		one.number = 2;
		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike_out_payload(&o, IKE2_P_SA);
		ike2_put_proposal(&o, !more, &l);
		if (more)
			ike2_put_proposal(&o, true, &one);
		n = ike_out_end(&o);
		assert_int_equal(ike2_sa_parse(b + 4, n - 4, &sa), more ? IKE_TOO_MANY : IKE_OK);
	}
	for (uint8_t last = IKE2_PROPOSALS_MAX; last <= IKE2_PROPOSALS_MAX + 1; last++) {
		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike_out_payload(&o, IKE2_P_SA);
		for (one.number = 1; one.number <= last; one.number++)
			ike2_put_proposal(&o, one.number == last, &one);
		n = ike_out_end(&o);
		assert_int_equal(
		    ike2_sa_parse(b + 4, n - 4, &sa), last > IKE2_PROPOSALS_MAX ? IKE_TOO_MANY : IKE_OK);
	}
}

static const struct {
	int n;
	const char *what, *attributes;
	uint16_t key_bits;
	bool strange;
} transforms[] = {
    {1, "no attribute", "", 0, false},
    {2, "a key length", "800e0100", 256, false},
    {3, "a key length of nothing", "800e0000", 0, true},
    {4, "two key lengths", "800e0080 800e0100", 128, true},
    {5, "a key length in the long form", "000e0002 0100", 0, true},
    {6, "an attribute of nobody", "80120001 800e0080", 128, true},
};

static void test_ike2_transforms_that_ask_for_more_are_marked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(transforms); i++) {
		uint8_t b[64] = {0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 12};
		size_t n = 16 + unhex(transforms[i].attributes, b + 16, sizeof(b) - 16);
		static struct ike2_sa sa;

		b[3] = (uint8_t)n;
		b[11] = (uint8_t)(n - 8);
		assert_int_equal(ike2_sa_parse(b, n, &sa), IKE_OK);
		if (sa.transform[0].key_bits != transforms[i].key_bits ||
		    sa.transform[0].strange != transforms[i].strange)
			fail_msg("case %d: %s", transforms[i].n, transforms[i].what);
	}
}

static const struct {
	uint16_t id, bits;
	enum alg_enc enc; /* NONE: refused */
	size_t key_len;
} ciphers[] = {
    {IKE2_ENCR_AES_CBC, 128, ALG_ENC_AES_CBC, 16},
    {IKE2_ENCR_AES_CBC, 256, ALG_ENC_AES_CBC, 32},
    {IKE2_ENCR_AES_CBC, 0, ALG_ENC_NONE, 0},
    {IKE2_ENCR_AES_CBC, 160, ALG_ENC_NONE, 0},
    {IKE2_ENCR_AES_CBC, 129, ALG_ENC_NONE, 0},
    {IKE2_ENCR_AES_CTR, 192, ALG_ENC_AES_CTR, 28},
    {IKE2_ENCR_AES_GCM_16, 256, ALG_ENC_AES_GCM_16, 36},
    {IKE2_ENCR_AES_GCM_8, 128, ALG_ENC_AES_GCM_8, 20},
    {IKE2_ENCR_AES_CCM_12, 128, ALG_ENC_AES_CCM_12, 19},
    {IKE2_ENCR_CHACHA20_POLY1305, 0, ALG_ENC_CHACHA20_POLY1305, 36},
    {IKE2_ENCR_CHACHA20_POLY1305, 256, ALG_ENC_NONE, 0},
    {IKE2_ENCR_3DES, 0, ALG_ENC_3DES_CBC, 24},
    {IKE2_ENCR_DES, 0, ALG_ENC_DES_CBC, 8},
    {IKE2_ENCR_BLOWFISH, 448, ALG_ENC_BLOWFISH_CBC, 56},
    {IKE2_ENCR_CAST, 128, ALG_ENC_CAST128_CBC, 16},
    {IKE2_ENCR_CAMELLIA_CBC, 192, ALG_ENC_CAMELLIA_CBC, 24},
    {IKE2_ENCR_AES_GMAC, 128, ALG_ENC_AES_GMAC, 20},
    {IKE2_ENCR_NULL, 0, ALG_ENC_NULL, 0},
    {99, 128, ALG_ENC_NONE, 0},
};

static void test_ike2_transforms_of_ciphers_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		const struct ike2_transform t = {
		    .type = IKE2_T_ENCR, .id = ciphers[i].id, .key_bits = ciphers[i].bits};
		struct ike2_transform back, strange = t;
		enum alg_enc enc = ALG_ENC_NONE;
		size_t len = 0;

		if (ike2_cipher_of(&t, &enc, &len) != (ciphers[i].enc != ALG_ENC_NONE) ||
		    enc != ciphers[i].enc || len != ciphers[i].key_len)
			fail_msg("row %zu", i);
		strange.strange = true;
		assert_false(ike2_cipher_of(&strange, &enc, &len));
		if (ciphers[i].enc == ALG_ENC_NONE)
			continue;
		assert_true(ike2_transform_of_cipher(enc, len, &back));
		assert_true(same(&back, &t));
	}
	assert_false(ike2_transform_of_cipher(ALG_ENC_AES_CBC, 17, &(struct ike2_transform){0}));
	assert_false(ike2_transform_of_cipher(ALG_ENC_NONE, 0, &(struct ike2_transform){0}));
}

static void test_ike2_transforms_of_integrity_both_ways(void **state)
{
	(void)state;
	for (uint16_t id = 0; id < 20; id++) {
		struct ike2_transform t = {.type = IKE2_T_INTEG, .id = id}, back;
		enum alg_auth auth;
		size_t len;

		if (!ike2_integ_of(&t, &auth, &len)) {
			assert_true(id == 3 || id == 4 || id == 6 || id == 7 || id >= 15);
			continue;
		}
		if (auth)
			assert_true(alg_auth_keylen_ok(alg_auth_by_id(auth), len));
		assert_true(ike2_transform_of_integ(auth, len, &back));
		assert_true(same(&back, &t));
		t.key_bits = 128;
		assert_false(ike2_integ_of(&t, &auth, &len));
	}
	assert_false(ike2_transform_of_integ(ALG_AUTH_HMAC_RIPEMD160, 20, &(struct ike2_transform){0}));
}

static const struct row kes[] = {
    {1, "group 31", "001f 0000 aabb", IKE_OK},
    {2, "no value", "001f 0000", IKE_BAD_LEN},
    {3, "cut off", "001f 00", IKE_SHORT},
};

static enum ike_fault parse_ke(const struct ike_payload *p)
{
	struct ike2_ke k;

	return ike2_ke_parse(p, &k);
}

static const struct row idents[] = {
    {1, "IPv4", "01 000000 0a000064", IKE_OK},
    {2, "IPv4 of three octets", "01 000000 0a0000", IKE_BAD_LEN},
    {3, "IPv4 of five octets", "01 000000 0a00006400", IKE_BAD_LEN},
    {4, "IPv6", "05 000000 20010db8000000000000000000000001", IKE_OK},
    {5, "IPv6 as long as IPv4", "05 000000 0a000000", IKE_BAD_LEN},
    {6, "a name", "02 000000 6162", IKE_OK},
    {7, "an empty name", "02 000000", IKE_BAD_LEN},
    {8, "nobody", "0d 000000", IKE_OK},
    {9, "nobody with a name", "0d 000000 61", IKE_BAD_LEN},
    {10, "reserved octets that are not zero", "0b ffffff 61", IKE_OK},
    {11, "cut off", "02 0000", IKE_SHORT},
    {12, "of a type nobody knows", "c8 000000 00", IKE_OK},
};

static enum ike_fault parse_ident(const struct ike_payload *p)
{
	struct ike2_ident id;

	return ike2_ident_parse(p, &id);
}

static const struct row certs[] = {
    {1, "X.509", "04 30", IKE_OK},
    {2, "no certificate", "04", IKE_BAD_LEN},
    {3, "nothing", "", IKE_SHORT},
};

static enum ike_fault parse_cert(const struct ike_payload *p)
{
	struct ike2_certificate c;

	return ike2_cert_parse(p, &c);
}

#define H20 "0102030405060708090a0b0c0d0e0f1011121314"

static const struct row requests[] = {
    {1, "one authority", "04" H20, IKE_OK},
    {2, "two authorities", "04" H20 H20, IKE_OK},
    {3, "any", "04", IKE_OK},
    {4, "half a hash", "04 0102030405060708090a", IKE_BAD_LEN},
    {5, "a hash and a half", "0c" H20 "0102", IKE_BAD_LEN},
    {6, "of another encoding, whatever it says", "07 0102", IKE_OK},
    {7, "nothing", "", IKE_SHORT},
};

static enum ike_fault parse_request(const struct ike_payload *p)
{
	struct ike2_request q;

	return ike2_request_parse(p, &q);
}

static const struct row auths[] = {
    {1, "a shared key", "02 000000 aabb", IKE_OK},
    {2, "nothing proved", "02 000000", IKE_BAD_LEN},
    {3, "cut off", "02 0000", IKE_SHORT},
    {4, "a signature with its algorithm", "0e 000000 02 3000 ff", IKE_OK},
    {5, "an algorithm and no signature", "0e 000000 02 3000", IKE_BAD_LEN},
    {6, "a signature and no algorithm", "0e 000000 00 ff", IKE_BAD_VALUE},
    {7, "an algorithm beyond the payload", "0e 000000 03 3000", IKE_SHORT},
    {8, "no length of an algorithm", "0e 000000", IKE_SHORT},
};

static enum ike_fault parse_auth(const struct ike_payload *p)
{
	struct ike2_authentication a;

	return ike2_auth_parse(p, &a);
}

static const struct row notes[] = {
    {1, "INITIAL_CONTACT", "00 00 4000", IKE_OK},
    {2, "REKEY_SA with an SPI", "03 04 4009 aabbccdd", IKE_OK},
    {3, "with data", "00 00 4006 aabb", IKE_OK},
    {4, "an SPI beyond the payload", "03 04 4009 aabbcc", IKE_SHORT},
    {5, "cut off", "00 00 40", IKE_SHORT},
};

static enum ike_fault parse_notify(const struct ike_payload *p)
{
	struct ike2_notification n;

	return ike2_notify_parse(p, &n);
}

static const struct row deletes[] = {
    {1, "the IKE SA", "01 00 0000", IKE_OK},
    {2, "one ESP SA", "03 04 0001 aabbccdd", IKE_OK},
    {3, "two AH SAs", "02 04 0002 aabbccdd 11223344", IKE_OK},
    {4, "the IKE SA with an SPI", "01 08 0001 aabbccdd11223344", IKE_BAD_VALUE},
    {5, "no ESP SA", "03 04 0000", IKE_BAD_VALUE},
    {6, "SPIs of 8 octets", "03 08 0001 aabbccdd11223344", IKE_BAD_VALUE},
    {7, "SPIs of no octets", "03 00 0009", IKE_BAD_VALUE},
    {8, "fewer than it says", "03 04 0002 aabbccdd", IKE_SHORT},
    {9, "more than it says", "03 04 0001 aabbccdd 11223344", IKE_BAD_LEN},
    {10, "four thousand SPIs of 255 octets", "03 ff 1000", IKE_SHORT},
    {11, "cut off", "01 00 00", IKE_SHORT},
};

static enum ike_fault parse_delete(const struct ike_payload *p)
{
	struct ike2_deletion d;

	return ike2_delete_parse(p, &d);
}

#define TS4 "07 00 0010 0000 ffff 0a000000 0a0000ff "
#define TS6 "08 06 0028 0050 0050 20010db8000000000000000000000000 20010db8000000000000000000000001 "

static const struct row selectors[] = {
    {1, "one of IPv4", "01 000000" TS4, IKE_OK},
    {2, "both families", "02 000000" TS4 TS6, IKE_OK},
    {3, "none", "00 000000", IKE_BAD_VALUE},
    {4, "cut off", "01 0000", IKE_SHORT},
    {5, "fewer than it says", "02 000000" TS4, IKE_SHORT},
    {6, "more than it says", "01 000000" TS4 TS4, IKE_BAD_LEN},
    {7, "an end before its beginning", "01 000000 07 00 0010 0000 ffff 0a0000ff 0a000000", IKE_BAD_VALUE},
    {8, "a last port before the first", "01 000000 07 06 0010 0050 0049 0a000000 0a0000ff", IKE_BAD_VALUE},
    {9, "OPAQUE", "01 000000 07 06 0010 ffff 0000 0a000000 0a0000ff", IKE_OK},
    {10, "nearly OPAQUE", "01 000000 07 06 0010 ffff 0001 0a000000 0a0000ff", IKE_BAD_VALUE},
    {11, "IPv4 as long as IPv6",
        "01 000000 07 06 0028 0050 0050 20010db8000000000000000000000000"
        "20010db8000000000000000000000001",
        IKE_BAD_LEN},
    {12, "IPv6 as long as IPv4", "01 000000 08 00 0010 0000 ffff 0a000000 0a0000ff", IKE_BAD_LEN},
    {13, "a length below its header", "01 000000 07 00 0003 0000 ffff 0a000000 0a0000ff", IKE_SHORT},
    {14, "a length beyond the payload", "01 000000 07 00 0011 0000 ffff 0a000000 0a0000ff", IKE_SHORT},
    {15, "a type nobody knows", "02 000000 09 00 0008 aabbccdd" TS4, IKE_OK},
};

static enum ike_fault parse_ts(const struct ike_payload *p)
{
	static struct ike2_ts_list l;
	uint8_t unknown;

	return ike2_ts_parse(p, &l, &unknown);
}

static const struct row configs[] = {
    {1, "an address asked for", "01 000000 0001 0000", IKE_OK},
    {2, "an address", "02 000000 0001 0004 0a000001", IKE_OK},
    {3, "an address of three octets", "02 000000 0001 0003 0a0000", IKE_BAD_LEN},
    {4, "an IPv6 address with its prefix", "02 000000 0008 0011 20010db800000000000000000000000140", IKE_OK},
    {5, "an IPv6 address without its prefix", "02 000000 0008 0010 20010db8000000000000000000000001",
        IKE_BAD_LEN},
    {6, "a subnet", "02 000000 000d 0008 0a000000 ffffff00", IKE_OK},
    {7, "a subnet without its mask", "02 000000 000d 0004 0a000000", IKE_BAD_LEN},
    {8, "no attribute", "04 000000", IKE_OK},
    {9, "an attribute of nobody", "01 000000 7000 0003 616263", IKE_OK},
    {10, "supported ones", "02 000000 000e 0004 0001 0003", IKE_OK},
    {11, "one and a half supported ones", "02 000000 000e 0003 0001 00", IKE_BAD_LEN},
    {12, "an attribute beyond the payload", "01 000000 0001 0004 0a0000", IKE_SHORT},
    {13, "half an attribute", "01 000000 0001 00", IKE_SHORT},
    {14, "cut off", "01 0000", IKE_SHORT},
    {15, "a DNS server of IPv6 as long as IPv4", "02 000000 000a 0004 0a000001", IKE_BAD_LEN},
};

static enum ike_fault parse_config(const struct ike_payload *p)
{
	struct ike2_config c;

	return ike2_config_parse(p, &c);
}

static void test_ike2_other_payloads_numbered_cases(void **state)
{
	static const struct {
		const struct row *rows;
		size_t n;
		uint8_t type;
		parse_fn *parse;
	} tables[] = {
	    {kes, ARRAY_SIZE(kes), IKE2_P_KE, parse_ke},
	    {idents, ARRAY_SIZE(idents), IKE2_P_ID_I, parse_ident},
	    {certs, ARRAY_SIZE(certs), IKE2_P_CERT, parse_cert},
	    {requests, ARRAY_SIZE(requests), IKE2_P_CERT_REQ, parse_request},
	    {auths, ARRAY_SIZE(auths), IKE2_P_AUTH, parse_auth},
	    {notes, ARRAY_SIZE(notes), IKE2_P_NOTIFY, parse_notify},
	    {deletes, ARRAY_SIZE(deletes), IKE2_P_DELETE, parse_delete},
	    {selectors, ARRAY_SIZE(selectors), IKE2_P_TS_I, parse_ts},
	    {configs, ARRAY_SIZE(configs), IKE2_P_CONFIG, parse_config},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		try_rows(tables[i].rows, tables[i].n, tables[i].type, tables[i].parse);
}

static void test_ike2_selectors_of_unknown_types_are_counted_and_too_many_refused(void **state)
{
	uint8_t b[4 + 16 * (IKE2_TS_MAX + 1)] = {0};
	struct ike_payload p = {.type = IKE2_P_TS_I, .body = b, .len = 4 + 16 * IKE2_TS_MAX};
	static struct ike2_ts_list l;
	uint8_t unknown;

	(void)state;
	for (size_t i = 0; i <= IKE2_TS_MAX; i++)
		unhex(TS4, b + 4 + 16 * i, 16);
	b[0] = IKE2_TS_MAX;
	b[4] = 9;
	assert_int_equal(ike2_ts_parse(&p, &l, &unknown), IKE_OK);
	assert_int_equal(unknown, 1);
	assert_int_equal(l.n, IKE2_TS_MAX - 1);
	b[4] = 7;
	assert_int_equal(ike2_ts_parse(&p, &l, &unknown), IKE_OK);
	assert_int_equal(l.n, IKE2_TS_MAX);
	b[0]++;
	p.len += 16;
	assert_int_equal(ike2_ts_parse(&p, &l, &unknown), IKE_TOO_MANY);
}

static void put_all(struct ike_out *o, const uint8_t *x)
{
	const struct ike2_ident id = {.type = IKE2_ID_FQDN, .data = x, .len = 5};
	const struct ike2_authentication auth = {
	    .method = IKE2_AUTH_SIGNATURE, .alg = x, .alg_len = 3, .data = x + 3, .len = 7};
	const struct ike2_notification n = {.protocol = IKE2_PROTO_ESP,
	    .spi_len = 4,
	    .type = IKE2_N_REKEY_SA,
	    .spi = x,
	    .data = x + 4,
	    .len = 2};
	const struct ike2_deletion d = {.protocol = IKE2_PROTO_AH, .spi_len = 4, .n_spis = 2, .spis = x};
	const struct ike2_ts ts[] = {{.last_port = IKE2_PORT_LAST,
	                                 .first = inet_addr_v4(0x0a000000),
	                                 .last = inet_addr_v4(0x0a0000ff)},
	    {.proto = 6,
	        .first_port = 80,
	        .last_port = 80,
	        .first = inet_addr_from_bytes(x, 16),
	        .last = inet_addr_from_bytes(x, 16)}};

	ike2_put_ke(o, 19, x, 8);
	ike2_put_ident(o, IKE2_P_ID_R, &id);
	ike2_put_cert(o, IKE2_CERT_X509_SIG, x, 9);
	ike2_put_request(o, IKE2_CERT_X509_SIG, x, IKE2_KEY_HASH_LEN);
	ike2_put_auth(o, &auth);
	ike2_put_notify(o, &n);
	ike2_put_note(o, IKE2_N_COOKIE, x, 6);
	ike2_put_note(o, IKE2_N_TS_UNACCEPTABLE, NULL, 0);
	ike2_put_delete(o, &d);
	ike2_put_ts(o, IKE2_P_TS_R, ts, ARRAY_SIZE(ts));
	ike2_put_config(o, IKE2_CFG_REPLY);
	ike2_put_cfg(o, IKE2_CFG_IP4_ADDRESS, x, 4);
	ike2_put_cfg(o, IKE2_CFG_IP4_DNS, NULL, 0);
}

static void check_first_half(const struct ike_chain *c, const uint8_t *x)
{
	struct ike2_ke ke;
	struct ike2_ident id;
	struct ike2_certificate cert;
	struct ike2_request q;
	struct ike2_authentication a;

	assert_int_equal(ike2_ke_parse(&c->p[0], &ke), IKE_OK);
	assert_int_equal(ke.group, 19);
	assert_int_equal(ke.len, 8);
	assert_int_equal(ike2_ident_parse(&c->p[1], &id), IKE_OK);
	assert_int_equal(id.type, IKE2_ID_FQDN);
	assert_memory_equal(id.data, x, 5);
	assert_int_equal(ike2_cert_parse(&c->p[2], &cert), IKE_OK);
	assert_int_equal(cert.len, 9);
	assert_int_equal(ike2_request_parse(&c->p[3], &q), IKE_OK);
	assert_int_equal(q.len, 20);
	assert_int_equal(ike2_auth_parse(&c->p[4], &a), IKE_OK);
	assert_int_equal(a.method, IKE2_AUTH_SIGNATURE);
	assert_int_equal(a.alg_len, 3);
	assert_memory_equal(a.alg, x, 3);
	assert_int_equal(a.len, 7);
	assert_memory_equal(a.data, x + 3, 7);
}

static void check_second_half(const struct ike_chain *c, const uint8_t *x)
{
	struct ike2_notification n;
	struct ike2_deletion d;
	static struct ike2_ts_list l;
	struct ike2_config cfg;
	struct ike2_cfg one;
	uint8_t unknown;
	struct rd r;

	assert_true(ike2_notify_find(c, IKE2_N_REKEY_SA, &n));
	assert_int_equal(n.protocol, IKE2_PROTO_ESP);
	assert_memory_equal(n.spi, x, 4);
	assert_int_equal(n.len, 2);
	assert_true(ike2_notify_find(c, IKE2_N_COOKIE, &n));
	assert_int_equal(n.len, 6);
	assert_true(ike2_notify_find_error(c, &n));
	assert_int_equal(n.type, IKE2_N_TS_UNACCEPTABLE);
	assert_false(ike2_notify_find(c, IKE2_N_REDIRECT, &n));
	assert_int_equal(ike2_delete_parse(&c->p[8], &d), IKE_OK);
	assert_int_equal(d.n_spis, 2);
	assert_int_equal(ike2_ts_parse(&c->p[9], &l, &unknown), IKE_OK);
	assert_int_equal(l.n, 2);
	assert_true(ike2_ts_any_port(&l.ts[0]));
	assert_false(ike2_ts_any_port(&l.ts[1]));
	assert_false(ike2_ts_opaque_port(&l.ts[1]));
	assert_int_equal(l.ts[0].last.b[3], 255);
	assert_int_equal(l.ts[1].first.family, INET_V6);
	assert_int_equal(ike2_config_parse(&c->p[10], &cfg), IKE_OK);
	assert_int_equal(cfg.type, IKE2_CFG_REPLY);
	r = ike2_cfgs(&cfg);
	assert_true(ike2_cfg_next(&r, &one));
	assert_int_equal(one.type, IKE2_CFG_IP4_ADDRESS);
	assert_true(ike2_cfg_next(&r, &one));
	assert_int_equal(one.len, 0);
	assert_false(ike2_cfg_next(&r, &one));
}

static void test_ike2_all_of_them_come_back(void **state)
{
	uint8_t x[32], b[512], first;
	struct ike_chain c;
	struct ike_out o;
	size_t n, whole = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(x); i++)
		x[i] = (uint8_t)(i + 1);
	for (size_t room = sizeof(b); room > 0; room--) {
		ike_out_init_chain(&o, b, room, &first);
		put_all(&o, x);
		n = ike_out_end(&o);
		if (room < sizeof(b)) {
			assert_int_equal(n, room < whole ? 0 : whole);
			continue;
		}
		whole = n;
		assert_int_equal(ike_chain_parse(first, b, n, false, &c), IKE_OK);
		assert_int_equal(c.n, 11);
		check_first_half(&c, x);
		check_second_half(&c, x);
	}
}

static void test_ike2_nonces_of_16_to_256_octets(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 300; n++) {
		const struct ike_payload p = {.len = n};

		assert_int_equal(ike2_nonce_ok(&p), n >= 16 && n <= 256);
	}
}

static void test_ike2_names(void **state)
{
	(void)state;
	assert_string_equal(ike2_notify_name(IKE2_N_TS_UNACCEPTABLE), "TS_UNACCEPTABLE");
	assert_string_equal(ike2_notify_name(IKE2_N_INITIAL_CONTACT), "INITIAL_CONTACT");
	assert_string_equal(ike2_exchange_name(IKE2_AUTH), "IKE_AUTH");
	assert_string_equal(ike2_payload_name(IKE2_P_ID_R), "IDr");
	assert_null(ike2_notify_name(2));
	assert_null(ike2_exchange_name(33));
	assert_null(ike2_payload_name(IKE2_P_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ike2_sa_numbered_cases),
	    cmocka_unit_test(test_ike2_sa_comes_back),
	    cmocka_unit_test(test_ike2_sa_with_more_parts_than_anybody_needs),
	    cmocka_unit_test(test_ike2_transforms_that_ask_for_more_are_marked),
	    cmocka_unit_test(test_ike2_transforms_of_ciphers_both_ways),
	    cmocka_unit_test(test_ike2_transforms_of_integrity_both_ways),
	    cmocka_unit_test(test_ike2_other_payloads_numbered_cases),
	    cmocka_unit_test(test_ike2_selectors_of_unknown_types_are_counted_and_too_many_refused),
	    cmocka_unit_test(test_ike2_all_of_them_come_back),
	    cmocka_unit_test(test_ike2_nonces_of_16_to_256_octets),
	    cmocka_unit_test(test_ike2_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
