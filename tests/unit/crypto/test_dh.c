/*
 * Key exchange: the key pair that the guide's trace shows (S207), the published vectors (RFC 5903
 * section 8.1, RFC 7748 sections 6.1 and 6.2), both sides of every group, and public values that must not be
 * taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "crypto/dh.h"

static const enum alg_group all[] = {ALG_GROUP_MODP768, ALG_GROUP_MODP1024, ALG_GROUP_MODP1536,
    ALG_GROUP_MODP2048, ALG_GROUP_MODP3072, ALG_GROUP_MODP4096, ALG_GROUP_MODP6144, ALG_GROUP_MODP8192,
    ALG_GROUP_ECP256, ALG_GROUP_ECP384, ALG_GROUP_ECP521, ALG_GROUP_CURVE25519, ALG_GROUP_CURVE448};

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && sscanf(hex, "%2x", &v) == 1; hex += 2)
		to[n++] = (uint8_t)v;
	return n;
}

static void test_dh_group_2_of_the_guides_trace(void **state)
{
	static const char priv[] = "59be842ff5290870c44b6c87eda449926da704346d6a585d89771721dfa39b64"
	                           "96e9394fca1ee34519f2af3b9c52768b0853a38e3177879d6e83c71739268af6"
	                           "aeeaaf01e57713cc5b5ac68b73763d176d246bd8c108656c82fcec640bf46c7c"
	                           "414ad3cb520c032bb3a2d699802fe007e011e2daf8d83dfb061c625699c6eb5d",
	                  pub[] = "5ee7b9c9c97c8d4397dcd2fd69b5017998c02cda2f3e9be79d00f2b98056078f"
	                          "0eba690bd5b3a39408e340ea37decc5773e575b4c5f1bf283c76dc87a4a0dc16"
	                          "cb5495518c51e521ef66c9a4094fc3f28ab048efe414b0c2abd03017c68440c5"
	                          "7117b7c3e0f2a13f6df8120c031634a2cb47fc90757cd9eabb7ad251219eff9a";
	AUTO_CRYPTO_DH struct crypto_dh *dh = NULL;
	uint8_t x[128], want[128], got[128];

	(void)state;
	assert_int_equal(crypto_dh_new_from(ALG_GROUP_MODP1024, x, unhex(priv, x), &dh), 0);
	assert_int_equal(unhex(pub, want), crypto_dh_public_len(ALG_GROUP_MODP1024));
	assert_int_equal(crypto_dh_public(dh, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static const struct {
	enum alg_group group;
	const char *a, *a_public, *b, *b_public, *shared;
} vectors[] = {
    {ALG_GROUP_ECP256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
        "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
        "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
        "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
        "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
        "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {ALG_GROUP_CURVE25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    {ALG_GROUP_CURVE448,
        "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2"
        "d8"
        "c0a598726b",
        "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f"
        "80"
        "e532c41fa0",
        "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f"
        "10"
        "b65173992d",
        "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bd"
        "c1"
        "c67bf33609",
        "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a"
        "50"
        "37514a879d"},
};

static void check_side(
    enum alg_group g, const char *priv, const char *pub, const char *peer, const char *shared)
{
	AUTO_CRYPTO_DH struct crypto_dh *dh = NULL;
	AUTO_SECRET struct secret *z = NULL;
	uint8_t x[128], want[256], got[256];
	size_t n;

	assert_int_equal(crypto_dh_new_from(g, x, unhex(priv, x), &dh), 0);
	assert_int_equal(crypto_dh_public(dh, got), 0);
	n = unhex(pub, want);
	assert_int_equal(n, crypto_dh_public_len(g));
	assert_memory_equal(got, want, n);
	assert_int_equal(crypto_dh_shared(dh, want, unhex(peer, want), &z), 0);
	n = unhex(shared, want);
	assert_int_equal(secret_len(z), n);
	assert_memory_equal(secret_bytes(z), want, n);
}

static void test_dh_published_vectors_from_both_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		check_side(vectors[i].group, vectors[i].a, vectors[i].a_public, vectors[i].b_public,
		    vectors[i].shared);
		check_side(vectors[i].group, vectors[i].b, vectors[i].b_public, vectors[i].a_public,
		    vectors[i].shared);
	}
}

static void test_dh_both_sides_of_every_group_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		size_t n = crypto_dh_public_len(all[i]);
		AUTO_CRYPTO_DH struct crypto_dh *a = NULL, *b = NULL;
		AUTO_SECRET struct secret *za = NULL, *zb = NULL;
		uint8_t pa[ALG_GROUP_PUBLIC_MAX], pb[ALG_GROUP_PUBLIC_MAX];

		assert_non_null(crypto_dh_name(all[i]));
		assert_int_equal(crypto_dh_new(all[i], &a), 0);
		assert_int_equal(crypto_dh_new(all[i], &b), 0);
		assert_int_equal(crypto_dh_public(a, pa), 0);
		assert_int_equal(crypto_dh_public(b, pb), 0);
		assert_memory_not_equal(pa, pb, n);
		assert_int_equal(crypto_dh_shared(a, pb, n, &za), 0);
		assert_int_equal(crypto_dh_shared(b, pa, n, &zb), 0);
		assert_true(secret_equal(za, zb));
		/* MODP: as long as the prime, also when it begins with zeros; curves: one coordinate. */
		assert_int_equal(
		    secret_len(za), all[i] >= ALG_GROUP_ECP256 && all[i] <= ALG_GROUP_ECP521 ? n / 2 : n);
	}
}

static void refuse(const struct crypto_dh *dh, const uint8_t *peer, size_t n, const char *what)
{
	struct secret *z = NULL;
	int r = crypto_dh_shared(dh, peer, n, &z);

	if (r != -EBADMSG || z)
		fail_msg("%s: %d", what, r);
}

static void test_dh_public_values_that_confine_the_result_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		size_t n = crypto_dh_public_len(all[i]);
		AUTO_CRYPTO_DH struct crypto_dh *dh = NULL;
		uint8_t v[ALG_GROUP_PUBLIC_MAX + 1] = {0};

		assert_int_equal(crypto_dh_new(all[i], &dh), 0);
		refuse(dh, v, n, "zero");
		refuse(dh, v, n + 1, "one octet more");
		refuse(dh, v, n - 1, "one octet less");
		refuse(dh, v, 0, "nothing");
		if (all[i] <= ALG_GROUP_MODP8192) {
			v[n - 1] = 1;
			refuse(dh, v, n, "one");
			memset(v, 0xff, n);
			refuse(dh, v, n, "more than the prime");
		}
		if (all[i] >= ALG_GROUP_ECP256 && all[i] <= ALG_GROUP_ECP521) {
			assert_int_equal(crypto_dh_public(dh, v), 0);
			v[n - 1] ^= 1;
			refuse(dh, v, n, "a point that is not on the curve");
		}
	}
}

static void test_dh_the_prime_less_one_is_refused(void **state)
{
	/* RFC 2409 section 6.2. */
	static const char prime[] = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
	                            "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
	                            "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
	                            "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";
	AUTO_CRYPTO_DH struct crypto_dh *dh = NULL;
	struct secret *z = NULL;
	uint8_t p[128];

	(void)state;
	assert_int_equal(unhex(prime, p), sizeof(p));
	assert_int_equal(crypto_dh_new(ALG_GROUP_MODP1024, &dh), 0);
	refuse(dh, p, sizeof(p), "the prime");
	p[127] = 0xfe;
	refuse(dh, p, sizeof(p), "the prime less one");
	p[127] = 0xfd;
	assert_int_equal(crypto_dh_shared(dh, p, sizeof(p), &z), 0);
	secret_free(z);
}

static void test_dh_unknown_groups_and_weak_ones(void **state)
{
	struct crypto_dh *dh = NULL;

	(void)state;
	assert_int_equal(crypto_dh_new((enum alg_group)3, &dh), -EOPNOTSUPP);
	assert_int_equal(crypto_dh_new(ALG_GROUP_NONE, &dh), -EOPNOTSUPP);
	assert_null(crypto_dh_name((enum alg_group)3));
	assert_int_equal(crypto_dh_public_len((enum alg_group)3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_true((crypto_dh_weakness(all[i]) != NULL) == (all[i] <= ALG_GROUP_MODP1536));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dh_group_2_of_the_guides_trace),
	    cmocka_unit_test(test_dh_published_vectors_from_both_sides),
	    cmocka_unit_test(test_dh_both_sides_of_every_group_agree),
	    cmocka_unit_test(test_dh_public_values_that_confine_the_result_are_refused),
	    cmocka_unit_test(test_dh_the_prime_less_one_is_refused),
	    cmocka_unit_test(test_dh_unknown_groups_and_weak_ones),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
