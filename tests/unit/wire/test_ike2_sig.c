/*
 * AlgorithmIdentifiers of signatures: RFC 7427 appendix A and RFC 8420 section 2, other right encodings of
 * PSS (RFC 4055), and wrong ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v2_sig.h"

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

#define SHA1   "06052b0e03021a"
#define SHA256 "0609608648016503040201"
#define SHA384 "0609608648016503040202"
#define SHA512 "0609608648016503040203"
#define PSS    "06092a864886f70d01010a"
#define MGF1   "06092a864886f70d010108"

static const struct {
	const char *der;
	struct ike2_sig want;
} published[] = {
    {"300d06092a864886f70d0101050500", {IKE2_SIG_RSA, IKE2_HASH_SHA1, 0}},
    {"300d06092a864886f70d01010b0500", {IKE2_SIG_RSA, IKE2_HASH_SHA256, 0}},
    {"300d06092a864886f70d01010c0500", {IKE2_SIG_RSA, IKE2_HASH_SHA384, 0}},
    {"300d06092a864886f70d01010d0500", {IKE2_SIG_RSA, IKE2_HASH_SHA512, 0}},
    {"300906072a8648ce3d0401", {IKE2_SIG_ECDSA, IKE2_HASH_SHA1, 0}},
    {"300a06082a8648ce3d040302", {IKE2_SIG_ECDSA, IKE2_HASH_SHA256, 0}},
    {"300a06082a8648ce3d040303", {IKE2_SIG_ECDSA, IKE2_HASH_SHA384, 0}},
    {"300a06082a8648ce3d040304", {IKE2_SIG_ECDSA, IKE2_HASH_SHA512, 0}},
    {"300d06092a864886f70d01010a3000", {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA1, 20}},
    {"3041" PSS "3034 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a203020120",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 32}},
    {"3041" PSS "3034 a00f300d" SHA384 "0500 a11c301a" MGF1 "300d" SHA384 "0500 a203020130",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA384, 48}},
    {"3041" PSS "3034 a00f300d" SHA512 "0500 a11c301a" MGF1 "300d" SHA512 "0500 a203020140",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA512, 64}},
    {"300506032b6570", {IKE2_SIG_ED25519, IKE2_HASH_IDENTITY, 0}},
    {"300506032b6571", {IKE2_SIG_ED448, IKE2_HASH_IDENTITY, 0}},
};

static bool same(const struct ike2_sig *a, const struct ike2_sig *b)
{
	return a->kind == b->kind && a->hash == b->hash && a->salt_len == b->salt_len;
}

static void test_sig_the_published_encodings_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		uint8_t der[128], len;
		size_t n = unhex(published[i].der, der, sizeof(der));
		struct ike2_sig s = {0};
		const uint8_t *mine = ike2_sig_der(published[i].want.kind, published[i].want.hash, &len);

		if (!ike2_sig_parse(der, n, &s) || !same(&s, &published[i].want))
			fail_msg("row %zu", i);
		assert_non_null(mine);
		assert_int_equal(len, n);
		assert_memory_equal(mine, der, n);
	}
}

static void test_sig_cut_off_or_with_an_octet_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		uint8_t der[128] = {0};
		size_t n = unhex(published[i].der, der, sizeof(der));
		struct ike2_sig s;

		for (size_t k = 0; k < n; k++)
			assert_false(ike2_sig_parse(der, k, &s));
		assert_false(ike2_sig_parse(der, n + 1, &s));
	}
}

/* Whoever changes one octet has another algorithm, or none: never the same by another name. */
static void test_sig_each_octet_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		uint8_t der[128];
		size_t n = unhex(published[i].der, der, sizeof(der));

		for (size_t k = 0; k < n; k++)
			for (unsigned v = 0; v < 256; v++) {
				uint8_t was = der[k];
				struct ike2_sig s;

				der[k] = (uint8_t)v;
				if (v != was && ike2_sig_parse(der, n, &s))
					assert_false(same(&s, &published[i].want));
				der[k] = was;
			}
	}
}

static const struct {
	int n;
	const char *what, *der;
	struct ike2_sig want; /* kind NONE: refused */
} variants[] = {
    {1, "no NULL behind the hashes",
        "303d" PSS "3030 a00d300b" SHA256 "a11a3018" MGF1 "300b" SHA256 "a203020120",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 32}},
    {2, "the trailer said",
        "3046" PSS "3039 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a203020120 a303020101",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 32}},
    {3, "no salt", "3041" PSS "3034 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a203020100",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 0}},
    {4, "a salt of 222 octets",
        "3042" PSS "3035 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a204020200de",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 222}},
    {5, "the salt left out", "303c" PSS "302f a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500",
        {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 20}},
    {6, "the mask's hash left out", "3023" PSS "3016 a00f300d" SHA256 "0500 a203020120", {0}},
    {7, "another hash for the mask",
        "3041" PSS "3034 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA384 "0500 a203020120", {0}},
    {8, "another trailer",
        "3046" PSS "3039 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a203020120 a303020102",
        {0}},
    {9, "the parameters in another order",
        "3041" PSS "3034 a203020120 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500", {0}},
    {10, "a hash nobody knows",
        "3041" PSS "3034 a00f300d 0609608648016503040204 0500 a11c301a" MGF1
        "300d 0609608648016503040204 0500 a203020120",
        {0}},
    {11, "no parameters", "300b" PSS, {0}},
    {12, "a salt of three octets",
        "3043" PSS "3036 a00f300d" SHA256 "0500 a11c301a" MGF1 "300d" SHA256 "0500 a2050203000020", {0}},
    {13, "RSA without its NULL", "300b06092a864886f70d01010b", {0}},
    {14, "a length in the long form", "30810d06092a864886f70d01010b0500", {0}},
    {15, "DSA", "300906072a8648ce380403", {0}},
};

static void test_sig_other_encodings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		uint8_t der[128];
		size_t n = unhex(variants[i].der, der, sizeof(der));
		struct ike2_sig s = {0};

		if (ike2_sig_parse(der, n, &s) != (variants[i].want.kind != IKE2_SIG_NONE) ||
		    !same(&s, &variants[i].want))
			fail_msg("case %d: %s", variants[i].n, variants[i].what);
	}
}

static void test_sig_there_is_none_of_these(void **state)
{
	uint8_t len;

	(void)state;
	assert_null(ike2_sig_der(IKE2_SIG_RSA, IKE2_HASH_IDENTITY, &len));
	assert_null(ike2_sig_der(IKE2_SIG_ED25519, IKE2_HASH_SHA512, &len));
	assert_null(ike2_sig_der(IKE2_SIG_NONE, 0, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sig_the_published_encodings_both_ways),
	    cmocka_unit_test(test_sig_cut_off_or_with_an_octet_more),
	    cmocka_unit_test(test_sig_each_octet_changed),
	    cmocka_unit_test(test_sig_other_encodings),
	    cmocka_unit_test(test_sig_there_is_none_of_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
