/*
 * Key exchange: the key pair that the guide's trace shows (S207), the published vectors (RFC 5114
 * appendix A, RFC 5903 section 8.1, RFC 7748 sections 6.1 and 6.2), both sides of every group, and public
 * values that must not be taken.
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

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/dh.h"

static const enum alg_group all[] = {ALG_GROUP_MODP768, ALG_GROUP_MODP1024, ALG_GROUP_MODP1536,
    ALG_GROUP_MODP2048, ALG_GROUP_MODP3072, ALG_GROUP_MODP4096, ALG_GROUP_MODP6144, ALG_GROUP_MODP8192,
    ALG_GROUP_ECP256, ALG_GROUP_ECP384, ALG_GROUP_ECP521, ALG_GROUP_MODP1024_160, ALG_GROUP_MODP2048_224,
    ALG_GROUP_MODP2048_256, ALG_GROUP_CURVE25519, ALG_GROUP_CURVE448};

static bool is_of_rfc_5114(enum alg_group g)
{
	return g >= ALG_GROUP_MODP1024_160 && g <= ALG_GROUP_MODP2048_256;
}

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
    {ALG_GROUP_MODP1024_160, "b9a3b3ae8fefc1a2930496507086f8455d48943e",
        "2a853b3d92197501b9015b2deb3ed84f5e021dcc3e52f109d3273d2b7521281c"
        "babe0e76ff5727fa8acce26956ba9a1fca26f20228d8693feb10841d84a73600"
        "54ece5a7f5b7a61ad3dfb3c60d2e43106d8727da37df9cce95b478755d06bcea"
        "8f9d45965f75a5f3d1df3701165fc9e50c4279ceb07f989540ae96d5d88ed776",
        "9392c9f9eb6a7a6a9022f7d83e7223c6835bbdda",
        "717a6cb053371ff4a3b932941c1e5663f861a1d6ad34ae66576dfb98f6c6cbf9"
        "ddd5a56c7833f6bcfdff095582ad868e440e8d09fd769e3ceccdc3d3b1e4cfa0"
        "57776caaf9739b6a9fee8e7411f8d6dac09d6a4edb46cc2b5d5203090eae6126"
        "311e53fd2c14b574e6a3109a3da1be41bdceaa186f5ce06716a2b6a07b3c33fe",
        "5c804f454d30d9c4df85271f93528c91df6b48ab5f80b3b59caac1b28f8acba9"
        "cd3e39f3cb614525d9521d2e644c53b807b810f340062f257d7d6fbfe8d5e8f0"
        "72e9b6e9afda9413eafb2e8b0699b1fb5a0caceddeaead7e9cfbb36ae2b42083"
        "5bd83a19fb0b5e96bf8fa4d09e345525167ecd9155416f46f408ed31b63c6e6d"},
    {ALG_GROUP_MODP2048_224, "22e62601dbffd06708a680f747f361f76d8f4f721a0548e483294b0c",
        "1b3a63451bd886e699e67b494e288bd7f8e0d370badda7a0efd2fde7d8f66145"
        "cc9f280419975eb808877c8a4c0c8e0bd48d4a5401eb1e8776bfeee134c03831"
        "ac273cd9d635ab0ce006a42a887e3f52fb8766b650f38078bc8ee8580cefe243"
        "968cfc4f8dc3db084554171d41bf2e861b7bb4d69dd0e01ea387cbaa5ca672af"
        "cbe8bdb9d62d4ce15f17dd36f91ed1eedd65ca4a06455cb94cd40a52ec360e84"
        "b3c926e22c4380a3bf309d56849768b7f52cfdf655fd053a7ef706979e7e5806"
        "b17dfae53ad2a5bc568ebb529a7a61d68d256f8fc97c074a861d827e2ebc8c61"
        "34553115b70e7103920aa16d85e52bcbab8d786a68178fa8ff7c2f5c71648d6f",
        "4ff3bc96c7fc6a6d71d3b363800a7cdfef6fc41b4417ea15353b7590",
        "4dcee992a9762a13f2f83844ad3d77ee0e31c9718b3db6c2035d3961182c3e0b"
        "a247ec4182d760cd48d99599970622a1881bba2dc822939c78c3912c6661fa54"
        "38b20766222b75e24c2e3ad0c7287236129525ee15b5dd7998aa04c4a9696cac"
        "d7172083a97a81664ead2c479e444e4c0654cc19e28d7703cee8dacd6126f5d6"
        "65ec52c67255db92014b037eb621a2ac8e365de071ffc1400acf077a12913dd8"
        "de89473437ab7ba346743c1b215dd9c12164a7e4053118d199bec8ef6fc56117"
        "0c84c87d10ee9a674a1fa8ffe13bdfba1d44de48946d68dc0cdd777635a7ab5b"
        "fb1e4bb7b856f96827734c184138e915d9c3002ebce53120546a7e2002142b6c",
        "34d9bddc1b42176c313fea034c21034d074a6313bb4ecdb3703fff424567a46b"
        "df75530ede0a9da5229de7d76732286cbc0f91da4c3c852fc099c679531d94c7"
        "8ab03d9decb0a4e4ca8b2bb4591c4021cf8ce3a20a541d33994017d0200ae2c9"
        "516e2ff5145779269e862b0fb474a2d56dc31ed569a7700b4c4ab16b22a45513"
        "531ef523d71212077b5a169bdeffad7ad9608284c7795b6d5a5183b87066de17"
        "d8d671c9ebd8ec89544d45ec061593d442c62ab9ce3b1cb9943a1d23a5ea3bcf"
        "21a01471e67e003e7f8a69c728be490b2fc88cfeb92db6a215e5d03c17c464c9"
        "ac1a46e203e13f952995fb03c69d3cc47fcb510b6998ffd3aa6de73cf9f63869"},
    {ALG_GROUP_MODP2048_256, "0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e",
        "2e9380c8323af97545bc4941deb0ec3742c62fe0ece824a6abdbe66c59bee024"
        "2911bfb967235ceba35ae13e4ec752be630b92dc4bde2847a9c62cb815274542"
        "1fb7eb60a63c0fe9159fcce726ce7cd8523d7450667ef840e4919121eb5f01c8"
        "c9b0d3d648a93bfb75689e8244ac134af544711ce79a02dcc34226684780dddc"
        "b498594106c37f5bc79856487af5ab022a2e5e42f09897c1a85a11ea0212af04"
        "d9b4cebc937c3c1a3e15a8a0342e337615c84e7fe3b8b9b87fb1e73a15af12a3"
        "0d746e06dfc34f290d797ce51aa13aa785bf6658aff5e4b093003cbeaf665b3c"
        "2e113a3a4e905269341dc0711426685f4ef37e868a8126ff3f2279b57ca67e29",
        "7d62a7e3ef36de617b13d1afb82c780d83a23bd4ee6705645121f371f546a53d",
        "575f0351bd2b1b817448bdf87a6c362c1e289d3903a30b9832c5741fa250363e"
        "7acbc7f77f3dacbc1f131add8e03367eff8fbbb3e1c5784424809b25afe4d226"
        "2a1a6fd2fab64105ca30a674e07f7809852088632fc049233791ad4edd083a97"
        "8b883ee618bc5e0dd047415f2d95e683cf14826b5fbe10d3ce41c6c120c78ab2"
        "0008c698bf7f0bcab9d7f407bed0f43afb2970f57f8d12043963e66ddd320d59"
        "9ad9936c8f44137c08b180ec5e985cebe186f3d549677e80607331ee17af3380"
        "a725b0782317d7dd43f59d7af9568a9bb63a84d365f92244ed120988219302f4"
        "2924c7ca90b89d24f71b0ab697823d7deb1aff5b0e8e4a45d49f7f53757e1913",
        "86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef225"
        "46a68f005ad52dc84553b78fc60330be51ea7c0672cac1515e4b35c047b9a551"
        "b88f39dc26da14a09ef74774d47c762dd177f9ed5bc2f11e52c879bd95098504"
        "cd9eecd8a8f9b3efbd1f008ac5853097d9d1837f2b18f77cd7be01af80a7c7b5"
        "ea3ca54cc02d0c116fee3f95bb87399385875d7e86747e676e728938acbff709"
        "8e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee9"
        "4d4bf2bace9ffd4b57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080"
        "b4b9d6b3cefea115b2ceb8789bb8a3b0ea87febe63b6c8f846ec6db0c26c5d7c"},
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
		if (all[i] <= ALG_GROUP_MODP8192 || is_of_rfc_5114(all[i])) {
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

/* p - y: the prime is that of our own library's key, since no other way leads to it. */
static void negate(enum alg_group g, uint8_t *y)
{
	static const char *const names[] = {"dh_1024_160", "dh_2048_224", "dh_2048_256"};
	OSSL_PARAM group[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	                          (char *)(uintptr_t)names[g - ALG_GROUP_MODP1024_160], 0),
	    OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
	int n = (int)crypto_dh_public_len(g);
	BIGNUM *p = NULL, *v = BN_bin2bn(y, n, NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(c), 1);
	assert_int_equal(EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEY_PARAMETERS, group), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p), 1);
	assert_int_equal(BN_sub(v, p, v), 1);
	assert_int_equal(BN_bn2binpad(v, y, n), n);
	BN_free(p);
	BN_free(v);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(c);
}

/* RFC 6989 section 2.2. Outside the subgroup are almost all numbers; 2 and 3 as good as any, and p - y, whose
 * order is twice that of y. */
static void test_dh_what_is_not_of_the_subgroup_is_refused(void **state)
{
	(void)state;
	for (enum alg_group g = ALG_GROUP_MODP1024_160; g <= ALG_GROUP_MODP2048_256; g++) {
		size_t n = crypto_dh_public_len(g);
		AUTO_CRYPTO_DH struct crypto_dh *dh = NULL, *other = NULL;
		AUTO_SECRET struct secret *z = NULL;
		uint8_t v[ALG_GROUP_PUBLIC_MAX] = {0};

		assert_int_equal(crypto_dh_new(g, &dh), 0);
		assert_int_equal(crypto_dh_new(g, &other), 0);
		for (uint8_t k = 2; k < 4; k++) {
			v[n - 1] = k;
			refuse(dh, v, n, "a small number");
		}
		assert_int_equal(crypto_dh_public(other, v), 0);
		assert_int_equal(crypto_dh_shared(dh, v, n, &z), 0);
		v[n - 1] ^= 1;
		refuse(dh, v, n, "one beside a public value");
		assert_int_equal(crypto_dh_public(other, v), 0);
		negate(g, v);
		refuse(dh, v, n, "the prime less a public value");
	}
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
		assert_true((crypto_dh_weakness(all[i]) != NULL) ==
		            (all[i] <= ALG_GROUP_MODP1536 || is_of_rfc_5114(all[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dh_group_2_of_the_guides_trace),
	    cmocka_unit_test(test_dh_published_vectors_from_both_sides),
	    cmocka_unit_test(test_dh_both_sides_of_every_group_agree),
	    cmocka_unit_test(test_dh_public_values_that_confine_the_result_are_refused),
	    cmocka_unit_test(test_dh_the_prime_less_one_is_refused),
	    cmocka_unit_test(test_dh_what_is_not_of_the_subgroup_is_refused),
	    cmocka_unit_test(test_dh_unknown_groups_and_weak_ones),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
