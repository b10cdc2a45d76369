/*
 * Transforms of version 1 by what they say: as racoon, Windows and others write them, and as nobody should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v1_transform.h"

static uint8_t octets[256];

static struct ike1_transform transform(const char *hex)
{
	struct ike1_transform t = {.number = 1, .id = 12, .attrs = octets};
	unsigned v;

	for (; hex[0]; hex += hex[0] == ' ' ? 1 : 2) {
		if (hex[0] == ' ')
			continue;
		assert_true(sscanf(hex, "%2x", &v) == 1 && t.attrs_len < sizeof(octets));
		octets[t.attrs_len++] = (uint8_t)v;
	}
	return t;
}

static const struct {
	int n;
	const char *what, *hex;
	struct ike1_phase1 want;
	uint16_t unknown;
	enum ike_fault fault;
} phase1[] = {
    {1, "the guide's (S210)", "800b0001 800c0e10 80010005 80030003 80020002 80040002",
        {.cipher = 5, .hash = 2, .auth = 3, .group = 2, .life.seconds = 3600}, 0, IKE_OK},
    {2, "Windows: a long lifetime", "80010005 80020002 80040002 80030001 800b0001 000c0004 00007080",
        {.cipher = 5, .hash = 2, .auth = 1, .group = 2, .life.seconds = 28800}, 0, IKE_OK},
    {3, "seconds and kilobytes", "800b0001 800c0e10 800b0002 000c0004 00019000",
        {.life = {.seconds = 3600, .kilobytes = 102400}}, 0, IKE_OK},
    {4, "a lifetime of eight octets", "800b0001 000c0008 0000000100000000",
        {.life.seconds = UINT64_C(1) << 32}, 0, IKE_OK},
    {5, "a key length", "80010007 800e0100", {.cipher = 7, .key_bits = 256}, 0, IKE_OK},
    {6, "nothing", "", {0}, 0, IKE_OK},
    {7, "XAuth", "8003fde9", {.auth = IKE1_AUTH_XAUTH_PSK_I}, 0, IKE_OK},
    {8, "an attribute nobody knows", "80010005 c0000001", {.cipher = 5}, 0x4000, IKE_OK},
    {9, "a prf, which we do not negotiate", "800d0001", {0}, IKE1_A1_PRF, IKE_OK},
    {10, "the same again", "80010005 80010005", {.cipher = 5}, 0, IKE_OK},
    {11, "something else again", "80010005 80010007", {0}, 0, IKE_BAD_VALUE},
    {12, "a cipher of nothing", "80010000", {0}, 0, IKE_BAD_VALUE},
    {13, "a cipher of nine octets", "00010009 000000000000000005", {0}, 0, IKE_BAD_VALUE},
    {14, "a cipher beyond two octets", "00010004 00010005", {0}, 0, IKE_BAD_VALUE},
    {15, "a lifetime without a type", "800c0e10", {0}, 0, IKE_BAD_VALUE},
    {16, "a type without a lifetime", "800b0001", {0}, 0, IKE_BAD_VALUE},
    {17, "two types and one lifetime", "800b0001 800b0002 800c0e10", {0}, 0, IKE_BAD_VALUE},
    {18, "a type nobody knows", "800b0003 800c0e10", {0}, 0, IKE_BAD_VALUE},
    {19, "a lifetime of nothing", "800b0001 800c0000", {0}, 0, IKE_BAD_VALUE},
    {20, "an empty lifetime", "800b0001 000c0000", {0}, 0, IKE_BAD_VALUE},
    {21, "two lifetimes in seconds", "800b0001 800c0e10 800b0001 800c0e11", {0}, 0, IKE_BAD_VALUE},
    {22, "a lifetime of nine octets", "800b0001 000c0009 000000000000000e10", {0}, 0, IKE_BAD_VALUE},
};

static void test_ike1_phase1_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(phase1); i++) {
		struct ike1_transform t = transform(phase1[i].hex);
		struct ike1_phase1 got;
		uint16_t unknown = 1;

		if (ike1_phase1_decode(&t, &got, &unknown) != phase1[i].fault)
			fail_msg("case %d: %s", phase1[i].n, phase1[i].what);
		if (phase1[i].fault != IKE_OK)
			continue;
		if (unknown != phase1[i].unknown || got.cipher != phase1[i].want.cipher ||
		    got.hash != phase1[i].want.hash || got.auth != phase1[i].want.auth ||
		    got.group != phase1[i].want.group || got.key_bits != phase1[i].want.key_bits ||
		    got.life.seconds != phase1[i].want.life.seconds ||
		    got.life.kilobytes != phase1[i].want.life.kilobytes)
			fail_msg("case %d: %s", phase1[i].n, phase1[i].what);
	}
}

static const struct {
	int n;
	const char *what, *hex;
	struct ike1_phase2 want;
	uint16_t unknown;
	enum ike_fault fault;
} phase2[] = {
    {1, "racoon's", "80010001 80027080 80040001 80050002 80030002",
        {.encap = 1, .auth = 2, .group = 2, .life.seconds = 28800}, 0, IKE_OK},
    {2, "Windows: seconds and kilobytes",
        "80040002 80010001 00020004 00000e10 80010002 00020004 0003d090 80050001",
        {.encap = 2, .auth = 1, .life = {.seconds = 3600, .kilobytes = 250000}}, 0, IKE_OK},
    {3, "extended numbers", "800b0001", {.esn = true}, 0, IKE_OK},
    {4, "numbers of 32 bits, said", "800b0002", {.esn = false}, 0, IKE_OK},
    {5, "numbers of some bits", "800b0003", {0}, 0, IKE_BAD_VALUE},
    {6, "in UDP, by the draft", "8004f003", {.encap = 61443}, 0, IKE_OK},
    {7, "key rounds", "80070008", {0}, IKE1_A2_KEY_ROUNDS, IKE_OK},
    {8, "two modes", "80040001 80040002", {0}, 0, IKE_BAD_VALUE},
    {9, "a lifetime without a type", "80020e10", {0}, 0, IKE_BAD_VALUE},
    {10, "a type without a lifetime", "80010002", {0}, 0, IKE_BAD_VALUE},
};

static bool same2(const struct ike1_phase2 *a, const struct ike1_phase2 *b)
{
	return a->encap == b->encap && a->auth == b->auth && a->group == b->group &&
	       a->key_bits == b->key_bits && a->esn == b->esn && a->life.seconds == b->life.seconds &&
	       a->life.kilobytes == b->life.kilobytes;
}

static void test_ike1_phase2_numbered_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(phase2); i++) {
		struct ike1_transform t = transform(phase2[i].hex);
		struct ike1_phase2 got;
		uint16_t unknown = 1;

		if (ike1_phase2_decode(&t, &got, &unknown) != phase2[i].fault)
			fail_msg("case %d: %s", phase2[i].n, phase2[i].what);
		if (phase2[i].fault == IKE_OK &&
		    (unknown != phase2[i].unknown || !same2(&got, &phase2[i].want)))
			fail_msg("case %d: %s", phase2[i].n, phase2[i].what);
		assert_int_equal(got.id, 12);
	}
}

static void test_ike1_what_is_written_is_read(void **state)
{
	static const uint64_t lives[] = {0, 1, 65535, 65536, UINT32_MAX};
	uint8_t b[128], first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lives) * ARRAY_SIZE(lives); i++) {
		const struct ike1_lifetimes life = {
		    .seconds = lives[i % ARRAY_SIZE(lives)], .kilobytes = lives[i / ARRAY_SIZE(lives)]};
		const struct ike1_phase1 p1 = {
		    .cipher = 7, .hash = 4, .auth = 65001, .group = 14, .key_bits = 256, .life = life};
		const struct ike1_phase2 p2 = {
		    .encap = 61444, .auth = 5, .group = 14, .key_bits = 128, .esn = i % 2, .life = life};
		struct ike1_transform t = {.attrs = b};
		struct ike1_phase1 got1;
		struct ike1_phase2 got2;
		struct ike_out o;
		uint16_t unknown;

		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike1_put_phase1(&o, &p1);
		t.attrs_len = (uint16_t)ike_out_end(&o);
		assert_int_equal(ike1_phase1_decode(&t, &got1, &unknown), IKE_OK);
		assert_int_equal(unknown, 0);
		assert_int_equal(got1.cipher, 7);
		assert_int_equal(got1.auth, 65001);
		assert_int_equal(got1.key_bits, 256);
		assert_int_equal(got1.life.seconds, life.seconds);
		assert_int_equal(got1.life.kilobytes, life.kilobytes);
		ike_out_init_chain(&o, b, sizeof(b), &first);
		ike1_put_phase2(&o, &p2);
		t.attrs_len = (uint16_t)ike_out_end(&o);
		assert_int_equal(ike1_phase2_decode(&t, &got2, &unknown), IKE_OK);
		assert_true(same2(&got2, &p2));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ike1_phase1_numbered_cases),
	    cmocka_unit_test(test_ike1_phase2_numbered_cases),
	    cmocka_unit_test(test_ike1_what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
