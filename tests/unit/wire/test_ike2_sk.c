/*
 * The layout of encrypted messages: padding for every length and block, fragments, and messages whose lengths
 * or numbers cannot be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v2_sk.h"

enum { INNER_MAX = 70, ROOM = 256 };

static const struct ike_hdr hdr = {
    .major = 2, .exchange = IKE2_INFORMATIONAL, .flags = IKE2_F_INITIATOR, .msg_id = 7};
static const struct ike2_sk_sizes cbc = {16, 16, 12}, des = {8, 8, 16}, gcm = {8, 1, 16};

static void test_sk_sizes_of_algorithms(void **state)
{
	static const struct {
		enum alg_enc enc;
		enum alg_auth auth;
		struct ike2_sk_sizes want;
	} rows[] = {
	    {ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1, {16, 16, 12}},
	    {ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA512, {16, 16, 32}},
	    {ALG_ENC_3DES_CBC, ALG_AUTH_HMAC_SHA256, {8, 8, 16}},
	    {ALG_ENC_AES_CTR, ALG_AUTH_AES_XCBC, {8, 1, 12}},
	    {ALG_ENC_AES_GCM_8, ALG_AUTH_NONE, {8, 1, 8}},
	    {ALG_ENC_AES_CCM_12, ALG_AUTH_NONE, {8, 1, 12}},
	    {ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE, {8, 1, 16}},
	    {ALG_ENC_AES_CBC, ALG_AUTH_NONE, {0, 0, 0}},
	    {ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike2_sk_sizes s = ike2_sk_sizes(rows[i].enc, rows[i].auth);

		assert_int_equal(s.iv, rows[i].want.iv);
		assert_int_equal(s.block, rows[i].want.block);
		assert_int_equal(s.icv, rows[i].want.icv);
	}
}

static size_t write_sk(
    uint8_t *m, size_t room, struct ike2_sk_sizes s, const struct ike2_sk_part *p, struct ike2_sk *sk)
{
	struct ike_out o;

	ike_out_init(&o, m, room, &hdr);
	return ike2_put_sk(&o, s, p, sk);
}

static enum ike_fault read_sk(uint8_t *m, size_t n, struct ike2_sk_sizes s, struct ike2_sk *sk)
{
	struct ike_chain c;
	struct ike_hdr h;
	enum ike_fault f = ike_hdr_parse(m, n, &h);

	if (f == IKE_OK)
		f = ike2_chain_parse(&h, m, n, &c);
	return f == IKE_OK ? ike2_sk_find(m, n, &c, s, sk) : f;
}

static void same(const struct ike2_sk *a, const struct ike2_sk *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->first, b->first);
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->total, b->total);
	assert_ptr_equal(a->aad, b->aad);
	assert_ptr_equal(a->iv, b->iv);
	assert_ptr_equal(a->data, b->data);
	assert_ptr_equal(a->icv, b->icv);
	assert_int_equal(a->aad_len, b->aad_len);
	assert_int_equal(a->len, b->len);
}

static void try_length(struct ike2_sk_sizes s, const struct ike2_sk_part *p)
{
	uint8_t m[ROOM];
	struct ike2_sk out, in;
	uint32_t len;
	size_t n = write_sk(m, sizeof(m), s, p, &out);

	assert_true(n > 0);
	assert_int_equal(read_sk(m, n, s, &in), IKE_OK);
	same(&in, &out);
	assert_int_equal(in.len % s.block, 0);
	assert_true(in.len <= p->len + s.block);
	assert_ptr_equal(in.iv, m + in.aad_len);
	assert_ptr_equal(in.data, in.iv + s.iv);
	assert_ptr_equal(in.icv, in.data + in.len);
	assert_ptr_equal(in.icv + s.icv, m + n);
	assert_int_equal(ike2_sk_inner(&in, &len), IKE_OK);
	assert_int_equal(len, p->len);
	assert_memory_equal(in.data, p->inner, p->len);
	assert_int_equal(write_sk(m, n - 1, s, p, &out), 0);
}

static void test_sk_of_every_length(void **state)
{
	const struct ike2_sk_sizes all[] = {cbc, des, gcm};
	uint8_t inner[INNER_MAX];

	(void)state;
	memset(inner, 0x5a, sizeof(inner));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t n = 0; n <= INNER_MAX; n++) {
			struct ike2_sk_part p = {.first = n ? IKE2_P_NOTIFY : 0, .inner = inner, .len = n};

			try_length(all[i], &p);
			p.number = p.total = 9;
			p.first = 0;
			try_length(all[i], &p);
			p.number = 1;
			p.first = IKE2_P_NOTIFY;
			try_length(all[i], &p);
		}
}

/* As much as is promised fits, and not one octet more. */
static void test_sk_what_fits(void **state)
{
	const struct ike2_sk_sizes all[] = {cbc, des, gcm};
	uint8_t m[ROOM], inner[ROOM] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t room = 0; room <= ROOM; room++)
			for (uint16_t number = 0; number < 2; number++) {
				size_t n = ike2_sk_fits(all[i], room, number);
				struct ike2_sk_part p = {
				    .number = number, .total = number, .inner = inner, .len = n};
				struct ike2_sk sk;

				if (n)
					assert_true(write_sk(m, room, all[i], &p, &sk) > 0);
				p.len = n + 1;
				assert_int_equal(write_sk(m, room, all[i], &p, &sk), 0);
			}
	assert_int_equal(ike2_sk_fits((struct ike2_sk_sizes){0}, ROOM, false), 0);
}

static void test_sk_behind_another_payload(void **state)
{
	const struct ike2_sk_part p = {.first = IKE2_P_NOTIFY, .inner = "12345678", .len = 8};
	uint8_t m[ROOM];
	struct ike2_sk out, in;
	struct ike_out o;
	size_t n;

	(void)state;
	ike_out_init(&o, m, sizeof(m), &hdr);
	ike_out_whole(&o, IKE2_P_VENDOR, "abcd", 4);
	n = ike2_put_sk(&o, gcm, &p, &out);
	assert_int_equal(out.aad_len, 28 + 8 + 4); /* all in front is authenticated */
	assert_int_equal(read_sk(m, n, gcm, &in), IKE_OK);
	same(&in, &out);
}

#define HDR(next, flags, len) "11111111111111112222222222222222" next "2025" flags "00000009000000" len

static const struct {
	int n;
	const char *what, *hex;
	enum ike_fault want; /* with AES-GCM's sizes */
} messages[] = {
    {1, "the shortest",
        HDR("2e", "00", "39") "0000001d 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_OK},
    {2, "the shortest less an octet",
        HDR("2e", "00", "38") "0000001c 1111111111111111 "
                              "00000000000000000000000000000000",
        IKE_BAD_LEN},
    {3, "nothing in it", HDR("2e", "00", "20") "00000004", IKE_BAD_LEN},
    {4, "none at all", HDR("00", "00", "1c"), IKE_BAD_CHAIN},
    {5, "a notification instead", HDR("29", "00", "20") "00000004", IKE_BAD_CHAIN},
    {6, "longer than the message",
        HDR("2e", "00", "39") "0000001e 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_SHORT},
    {7, "shorter than the message",
        HDR("2e", "00", "39") "0000001c 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_BAD_LEN},
    {8, "a length below its header", HDR("2e", "00", "20") "00000003", IKE_BAD_LEN},
    {9, "a payload that promises it", HDR("29", "00", "20") "2e000004", IKE_SHORT},
    {10, "a fragment",
        HDR("35", "00", "3d") "29000021 00010001 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_OK},
    {11, "half of a fragment's numbers", HDR("35", "00", "22") "29000006 0001", IKE_SHORT},
    {12, "fragment 0",
        HDR("35", "00", "3d") "00000021 00000001 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_BAD_VALUE},
    {13, "fragment 3 of 2",
        HDR("35", "00", "3d") "00000021 00030002 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_BAD_VALUE},
    {14, "fragment 0 of 0",
        HDR("35", "00", "3d") "00000021 00000000 1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_BAD_VALUE},
    {15, "fragment 2 that names a first payload",
        HDR("35", "00", "3d") "29000021 00020002 "
                              "1111111111111111 00 "
                              "00000000000000000000000000000000",
        IKE_BAD_VALUE},
};

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

static void test_sk_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		uint8_t m[ROOM];
		size_t n = unhex(messages[i].hex, m, sizeof(m));
		struct ike2_sk sk;
		enum ike_fault f = read_sk(m, n, gcm, &sk);

		if (f != messages[i].want)
			fail_msg("case %d: %s: %s", messages[i].n, messages[i].what, ike_fault_text(f));
	}
}

/* Any padding up to 255 octets is right (section 3.14), and none that is longer than all there is. */
static void test_sk_of_padding_any_is_taken_that_is_there(void **state)
{
	(void)state;
	for (uint32_t len = 1; len <= 300; len++)
		for (unsigned pad = 0; pad < 256; pad++) {
			uint8_t data[300] = {0};
			const struct ike2_sk sk = {.data = data, .len = len};
			uint32_t inner = UINT32_MAX;

			data[len - 1] = (uint8_t)pad;
			assert_int_equal(ike2_sk_inner(&sk, &inner), pad < len ? IKE_OK : IKE_BAD_LEN);
			assert_int_equal(inner, pad < len ? len - 1 - pad : UINT32_MAX);
		}
}

static void test_sk_of_half_a_block(void **state)
{
	const struct ike2_sk_part p = {.first = IKE2_P_NOTIFY, .inner = "12345678", .len = 8};
	uint8_t m[ROOM];
	struct ike2_sk sk;
	size_t n;

	(void)state;
	n = write_sk(m, sizeof(m), gcm, &p, &sk); /* 9 octets of data */
	assert_int_equal(read_sk(m, n, des, &sk), IKE_BAD_LEN);
	assert_int_equal(read_sk(m, n, (struct ike2_sk_sizes){0}, &sk), IKE_BAD_LEN);
	assert_int_equal(write_sk(m, sizeof(m), (struct ike2_sk_sizes){0}, &p, &sk), 0);
}

static void test_sk_chain_of_too_many_payloads(void **state)
{
	uint8_t m[28 + 4 * (IKE_PAYLOADS_MAX + 1)] = {0};
	struct ike_hdr h = {.next = IKE2_P_VENDOR};
	struct ike_chain c;

	(void)state;
	for (size_t i = 28; i < sizeof(m); i += 4) {
		m[i] = i + 4 < sizeof(m) ? IKE2_P_VENDOR : 0;
		m[i + 3] = 4;
	}
	assert_int_equal(ike2_chain_parse(&h, m, sizeof(m), &c), IKE_TOO_MANY);
	m[sizeof(m) - 8] = 0;
	assert_int_equal(ike2_chain_parse(&h, m, sizeof(m) - 4, &c), IKE_OK);
	assert_int_equal(c.n, IKE_PAYLOADS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sk_sizes_of_algorithms),
	    cmocka_unit_test(test_sk_of_every_length),
	    cmocka_unit_test(test_sk_what_fits),
	    cmocka_unit_test(test_sk_behind_another_payload),
	    cmocka_unit_test(test_sk_numbered_cases),
	    cmocka_unit_test(test_sk_of_padding_any_is_taken_that_is_there),
	    cmocka_unit_test(test_sk_of_half_a_block),
	    cmocka_unit_test(test_sk_chain_of_too_many_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
