/*
 * Version 2's keys and messages: the first of NIST's examples of its key derivation (800-135, ikev2.rsp,
 * SHA-1), RFC 4434 section 3 and RFC 4615 section 4 for the functions of AES, RFC 7634 appendix B for a
 * message, and every pair of algorithms both ways, with each octet of a message made wrong.
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

#include "crypto/crypto.h"
#include "crypto/ike2_seal.h"

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && sscanf(hex, "%2x", &v) == 1; hex += 2)
		to[n++] = (uint8_t)v;
	return n;
}

static struct secret *secret_of(const char *hex)
{
	uint8_t b[1024];
	struct secret *s = secret_dup_bytes(b, unhex(hex, b));

	assert_non_null(s);
	return s;
}

static void assert_is(const struct secret *s, const char *hex)
{
	uint8_t want[1024];
	size_t n = unhex(hex, want);

	assert_int_equal(secret_len(s), n);
	assert_memory_equal(secret_bytes(s), want, n);
}

#define M20 "000102030405060708090a0b0c0d0e0f10111213"
#define K10 "00010203040506070809"
#define K16 "000102030405060708090a0b0c0d0e0f"
#define K18 K16 "edcb"

static const struct {
	enum alg_prf id;
	const char *key, *data, *want;
} of_aes[] = {
    {ALG_PRF_AES128_XCBC, K16, M20, "47f51b4564966215b8985c63055ed308"},
    {ALG_PRF_AES128_XCBC, K10, M20, "0fa087af7d866e7653434e602fdde835"},
    {ALG_PRF_AES128_XCBC, K18, M20, "8cd3c93ae598a9803006ffb67c40e9e4"},
    {ALG_PRF_AES128_CMAC, K18, M20, "84a348a4a45d235babfffc0d2b4da09a"},
    {ALG_PRF_AES128_CMAC, K16, M20, "980ae87b5f4c9c5214f5b6a8455e4c2d"},
    {ALG_PRF_AES128_CMAC, K10, M20, "290d9e112edb09ee141fcf64c0b72f3d"},
};

static void test_ike2_functions_of_aes_with_keys_of_any_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of_aes); i++) {
		uint8_t key[32], data[32], want[16], got[ALG_PRF_LEN_MAX];
		size_t k = unhex(of_aes[i].key, key), n = unhex(of_aes[i].data, data);

		assert_true(crypto_has_prf(of_aes[i].id));
		assert_int_equal(crypto_prf_len(of_aes[i].id), unhex(of_aes[i].want, want));
		for (size_t cut = 0; cut <= n; cut++) {
			const struct iovec v[] = {{data, cut}, {data + cut, n - cut}};

			assert_int_equal(crypto_prf(of_aes[i].id, key, k, v, 2, got), 0);
			assert_memory_equal(got, want, sizeof(want));
		}
		assert_int_equal(crypto_hash(of_aes[i].id, NULL, 0, got), -EOPNOTSUPP);
		assert_int_equal(crypto_hash_len(of_aes[i].id), 0);
	}
}

/* NIST. */
#define G_IR                                                                                                 \
	"d084a30166a50fb7325c3960874a839449ef9741c2f4f947d0201dd8c1269273d79509f37e3ca3eb4fa2fe2a28254e28"   \
	"9cd3f34dad4eb4df1a07685a4b8a94fa61e2491f7598b3ce65547ff133b3f63d1ac4175eaa695033f3cedb026a6873a3"   \
	"6455172a8540b8a5d23a0143bed0390ee49b168269d75fffee9fb62be965993c"
#define G_IR_NEW                                                                                             \
	"52f00ab174c25d5b7139ae5ff4e8e9eddee5992d2e36adf8a559ffd90dab1442e4fbe429d320c0f33552a17d1557fa41"   \
	"ea70e8fb916c4fa27ed52b5f8ebd8461afa78f1159159a64055ac5f6319e29c28eae58cbc6847770f32c3fed1d047504"   \
	"84f854790f95e9ec01bc5bc461f24966462e359511329305038e94deb6dd42c2"
#define SKEYSEED "cd2e8050137832245f1dbacc6e4f0a92f94d45d6"
#define SK_D     "6f1b12cad3cbe097b35430356d869d54cddb0198"
#define DKM                                                                                                  \
	SK_D "ec859174d53ceb92dddedbe2436db69f60977c58fa63bbb667f8d36920b109baae8f6c61a9ac49feda01843225"    \
	     "d080ec5539d5881a25521ffb2a0a91874a9c0a27fcc2d717eb8963a9e3a89c7ab264757284c28cf8c3ca40576f"    \
	     "4220b052b1fb8e9ad60ba3c80557323331a8cbb89f20"
#define DKM_CHILD                                                                                            \
	"4727dc0ef94eb326ce131cf282fb652faa638ad0ddae3786a11bcc0309876009f8c485de011ad962c5b1ca8a41ff8145"   \
	"445749079c5686e26ffebbc342f06981f3da745e11ca0976424d1f8caec623d59dc7186deb20a27b411d1dcb70a36544"   \
	"0bf7de905088b0692e8addc094e18d1939bdb67e89798ca6b239e2ccb81c2409dac0106c"
#define DKM_CHILD_DH                                                                                         \
	"b109c21ad4c0797768c1cec9e63554681e48f224bca7f23c20c4ea7041983451e9aa1d5408656c8a975ff1b9d9a12c75"   \
	"ffeb64bdecb30174664cccb4e14f1c377b7f6d1525af77c7092aac3e47f917ebae8297fb5539d2008ce830823a09cc19"   \
	"7361d4a289c72745f6ce9fefe812be5bf55b3200fbb82e41a4a40877d3fe106db909707b"
#define SKEYSEED_NEW "3b03bce748c96d5e8306918d2ff89b68f0648da3"

static const uint8_t ni[8] = {0x36, 0x51, 0xfe, 0xf5, 0xc9, 0xc3, 0x5e, 0x93},
                     nr[8] = {0xc0, 0x9a, 0x8b, 0x90, 0xa3, 0xf0, 0x4d, 0x59},
                     spi_i[8] = {0x8e, 0x5c, 0x3a, 0xe5, 0x07, 0x22, 0x16, 0x84},
                     spi_r[8] = {0xb1, 0xf2, 0x01, 0xbb, 0x15, 0x5c, 0x3a, 0xcd};
static const struct ike2_nonces nonces = {{ni, sizeof(ni)}, {nr, sizeof(nr)}};

static void test_ike2_nist_skeyseed_and_what_is_expanded_from_it(void **state)
{
	const struct ike2_octets pieces[] = {nonces.i, nonces.r, {spi_i, 8}, {spi_r, 8}};
	AUTO_SECRET struct secret *g = secret_of(G_IR), *seed = NULL, *dkm = NULL;

	(void)state;
	assert_int_equal(ike2_skeyseed(ALG_PRF_HMAC_SHA1, &nonces, g, &seed), 0);
	assert_is(seed, SKEYSEED);
	assert_int_equal(ike2_prf_plus(ALG_PRF_HMAC_SHA1, seed, pieces, 4, 132, &dkm), 0);
	assert_is(dkm, DKM);
}

/* AES-CBC of 128 bits with SHA-1: 3 times 20, 2 times 20, 2 times 16, in the order of section 2.14. */
static void test_ike2_nist_the_seven_keys_are_cut_in_order(void **state)
{
	const struct ike2_suite s = {ALG_PRF_HMAC_SHA1, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1, 16};
	AUTO_SECRET struct secret *seed = secret_of(SKEYSEED);
	uint8_t all[132];
	struct ike2_keys k;

	(void)state;
	unhex(DKM, all);
	assert_int_equal(ike2_keys_init(&k, &s, seed, &nonces, spi_i, spi_r), 0);
	{
		const struct {
			const struct secret *got;
			size_t at, n;
		} part[] = {{k.d, 0, 20}, {k.ai, 20, 20}, {k.ar, 40, 20}, {k.ei, 60, 16}, {k.er, 76, 16},
		    {k.pi, 92, 20}, {k.pr, 112, 20}};

		for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
			assert_int_equal(secret_len(part[i].got), part[i].n);
			assert_memory_equal(secret_bytes(part[i].got), all + part[i].at, part[i].n);
		}
	}
	ike2_keys_fini(&k);
	assert_null(k.d);
}

static void test_ike2_nist_keys_of_children_and_of_the_next_sa(void **state)
{
	struct ike2_keys k = {.suite.prf = ALG_PRF_HMAC_SHA1};
	AUTO_SECRET struct secret *d = secret_of(SK_D), *g = secret_of(G_IR_NEW), *seed = NULL;
	const char *want[] = {DKM_CHILD, DKM_CHILD_DH};

	(void)state;
	k.d = d;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		AUTO_SECRET struct secret *out = NULL, *in = NULL;
		uint8_t all[132];

		unhex(want[i], all);
		assert_int_equal(ike2_child_keymat(&k, &nonces, i ? g : NULL, 66, &out, &in), 0);
		assert_int_equal(secret_len(out), 66);
		assert_int_equal(secret_len(in), 66);
		assert_memory_equal(secret_bytes(out), all, 66);
		assert_memory_equal(secret_bytes(in), all + 66, 66);
	}
	assert_int_equal(ike2_rekey_skeyseed(&k, &nonces, g, &seed), 0);
	assert_is(seed, SKEYSEED_NEW);
}

static void test_ike2_what_cannot_be_is_refused(void **state)
{
	static const uint8_t big[300];
	const struct ike2_nonces large = {{big, sizeof(big)}, {nr, 8}}, small = {{ni, 7}, {nr, 8}};
	const struct ike2_octets many[8] = {{ni, 8}};
	AUTO_SECRET struct secret *g = secret_of(G_IR), *ret = NULL, *other = NULL;
	const struct ike2_keys k = {.suite.prf = ALG_PRF_HMAC_SHA1, .d = g};

	(void)state;
	assert_int_equal(ike2_skeyseed(ALG_PRF_HMAC_SHA256, &large, g, &ret), -EINVAL);
	assert_int_equal(ike2_skeyseed(ALG_PRF_AES128_CMAC, &small, g, &ret), -EINVAL);
	assert_int_equal(ike2_skeyseed((enum alg_prf)3, &nonces, g, &ret), -EOPNOTSUPP);
	assert_int_equal(ike2_prf_plus(ALG_PRF_HMAC_SHA1, g, many, 1, IKE2_KEYMAT_MAX + 1, &ret), -EINVAL);
	assert_int_equal(ike2_prf_plus(ALG_PRF_HMAC_SHA1, g, many, 8, 20, &ret), -EINVAL);
	assert_int_equal(ike2_prf_plus(ALG_PRF_NONE, g, many, 1, 20, &ret), -EOPNOTSUPP);
	assert_int_equal(ike2_child_keymat(&k, &nonces, NULL, 0, &ret, &other), -EINVAL);
	assert_int_equal(
	    ike2_child_keymat(&k, &nonces, NULL, IKE2_KEYMAT_MAX / 2 + 1, &ret, &other), -EINVAL);
	assert_null(ret);
	assert_null(other);
}

static const struct {
	struct ike2_suite s;
	int want;
} suites[] = {
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 16}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 24}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA384, 32}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA512, 32}, 0},
    {{ALG_PRF_HMAC_SHA1, ALG_ENC_3DES_CBC, ALG_AUTH_HMAC_SHA1, 24}, 0},
    {{ALG_PRF_HMAC_MD5, ALG_ENC_CAMELLIA_CBC, ALG_AUTH_HMAC_MD5, 32}, 0},
    {{ALG_PRF_AES128_XCBC, ALG_ENC_AES_CTR, ALG_AUTH_AES_XCBC, 20}, 0},
    {{ALG_PRF_AES128_CMAC, ALG_ENC_AES_CTR, ALG_AUTH_AES_CMAC, 36}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GCM_8, 0, 20}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GCM_12, 0, 28}, 0},
    {{ALG_PRF_HMAC_SHA384, ALG_ENC_AES_GCM_16, 0, 36}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CCM_8, 0, 19}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CCM_12, 0, 27}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CCM_16, 0, 35}, 0},
    {{ALG_PRF_HMAC_SHA512, ALG_ENC_CHACHA20_POLY1305, 0, 36}, 0},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA256, 0}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GMAC, 0, 20}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_AES_GMAC, 16}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, 0, 16}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CTR, 0, 20}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GCM_16, ALG_AUTH_HMAC_SHA256, 20}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 17}, -EINVAL},
    {{ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GCM_16, 0, 16}, -EINVAL},
    {{(enum alg_prf)3, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 16}, -EOPNOTSUPP},
    {{ALG_PRF_HMAC_SHA256, (enum alg_enc)99, ALG_AUTH_HMAC_SHA256, 16}, -EOPNOTSUPP},
};

static void test_ike2_which_pairs_may_protect_an_sa(void **state)
{
	AUTO_SECRET struct secret *seed = secret_of(SKEYSEED);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct ike2_keys k;
		int r = ike2_keys_init(&k, &suites[i].s, seed, &nonces, spi_i, spi_r);

		if (ike2_suite_check(&suites[i].s) != suites[i].want || r != suites[i].want)
			fail_msg("suite %zu", i);
		assert_true((k.d != NULL) == (r == 0));
		assert_true((k.ai != NULL) == (r == 0 && suites[i].s.auth));
		ike2_keys_fini(&k);
	}
}

/* RFC 7634 appendix B: an informational request with SET_WINDOW_SIZE. */
#define CHACHA_AAD   "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029"
#define CHACHA_IV    "1011121314151617"
#define CHACHA_PLAIN "0000000c000040010000000a00"
#define CHACHA_DATA  "610394701f8d017f7c12924889"
#define CHACHA_ICV   "6b71bfe25236efd7cdc67066906315b2"

static void test_ike2_the_message_of_rfc_7634(void **state)
{
	AUTO_SECRET struct secret *e =
	    secret_of("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
	const struct ike2_guard g = {
	    .suite = {ALG_PRF_HMAC_SHA256, ALG_ENC_CHACHA20_POLY1305, 0, 36}, .e = e};
	uint8_t m[69], want[69], plain[13];
	const struct ike2_text t = {
	    .aad = m, .aad_len = 32, .iv = m + 32, .data = m + 40, .len = 13, .icv = m + 53};
	uint64_t counter = 0x1011121314151617;

	(void)state;
	assert_int_equal(unhex(CHACHA_AAD CHACHA_IV CHACHA_DATA CHACHA_ICV, want), sizeof(want));
	unhex(CHACHA_PLAIN, plain);
	memcpy(m, want, sizeof(m));
	assert_int_equal(ike2_open(&g, &t), 0);
	assert_memory_equal(t.data, plain, sizeof(plain));
	memset(m + 32, 0, 8);
	memset(m + 53, 0, 16);
	assert_int_equal(ike2_seal(&g, &counter, NULL, &t), 0);
	assert_memory_equal(m, want, sizeof(m));
	assert_true(counter == 0x1011121314151618);
}

enum { AAD = 32, TEXT = 96, WHOLE = AAD + ALG_IV_MAX + TEXT + ALG_ICV_MAX };

/* A message of this suite with its parts one behind the other; returns its length. */
static size_t lay_out(const struct ike2_suite *s, uint8_t m[WHOLE], struct ike2_text *ret)
{
	const struct alg_enc_info *e = alg_enc_by_id(s->enc);
	const struct alg_auth_info *a = alg_auth_by_id(s->auth);

	memset(m, 0, WHOLE);
	*ret = (struct ike2_text){.aad = m,
	    .aad_len = AAD,
	    .iv = m + AAD,
	    .data = m + AAD + e->iv_len,
	    .len = TEXT,
	    .icv = m + AAD + e->iv_len + TEXT};
	for (size_t i = 0; i < TEXT; i++)
		ret->data[i] = (uint8_t)(5 * i + 1);
	return AAD + e->iv_len + TEXT + (size_t)(a ? a->icv_len : e->icv_len);
}

static void test_ike2_every_pair_both_ways_and_no_octet_made_wrong(void **state)
{
	AUTO_SECRET struct secret *seed = secret_of(SKEYSEED);
	static const uint8_t nothing[TEXT];
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 7296);
	for (size_t i = 0; i < ARRAY_SIZE(suites) && suites[i].want == 0; i++) {
		uint8_t m[WHOLE], sealed[WHOLE], plain[TEXT];
		struct ike2_guard mine, his;
		struct ike2_text t;
		struct ike2_keys k;
		uint64_t counter = 5;
		size_t n = lay_out(&suites[i].s, m, &t);

		memcpy(plain, t.data, TEXT);
		assert_int_equal(ike2_keys_init(&k, &suites[i].s, seed, &nonces, spi_i, spi_r), 0);
		mine = ike2_guard(&k, true);
		his = ike2_guard(&k, false);
		assert_int_equal(ike2_seal(&mine, &counter, &rng.rng, &t), 0);
		assert_memory_not_equal(t.data, plain, TEXT);
		assert_true(counter == (alg_enc_by_id(suites[i].s.enc)->counter ? 6 : 5));
		memcpy(sealed, m, n);
		assert_int_equal(ike2_open(&his, &t), -EBADMSG); /* the other direction has other keys */
		for (size_t at = 0; at < n; at++) {
			memcpy(m, sealed, n);
			m[at] ^= 0x20;
			if (ike2_open(&mine, &t) != -EBADMSG)
				fail_msg("suite %zu with octet %zu wrong is taken", i, at);
			if (mine.a)
				m[at] ^= 0x20;
			/* As it came with an ICV of its own, wiped by a combined mode. */
			assert_memory_equal(t.data, mine.a ? sealed + (t.data - m) : nothing, TEXT);
		}
		memcpy(m, sealed, n);
		assert_int_equal(ike2_open(&mine, &t), 0);
		assert_memory_equal(t.data, plain, TEXT);
		ike2_keys_fini(&k);
	}
}

static void test_ike2_an_iv_never_comes_twice(void **state)
{
	AUTO_SECRET struct secret *seed = secret_of(SKEYSEED);
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 1);
	for (size_t i = 0; i < ARRAY_SIZE(suites) && suites[i].want == 0; i++) {
		uint8_t m[WHOLE], before[ALG_IV_MAX];
		struct ike2_text t;
		struct ike2_keys k;
		struct ike2_guard g;
		uint64_t counter = UINT64_MAX - 2;
		size_t iv_len = alg_enc_by_id(suites[i].s.enc)->iv_len;

		(void)lay_out(&suites[i].s, m, &t);
		assert_int_equal(ike2_keys_init(&k, &suites[i].s, seed, &nonces, spi_i, spi_r), 0);
		g = ike2_guard(&k, true);
		assert_int_equal(ike2_seal(&g, &counter, &rng.rng, &t), 0);
		memcpy(before, t.iv, iv_len);
		assert_int_equal(ike2_seal(&g, &counter, &rng.rng, &t), 0);
		assert_memory_not_equal(before, t.iv, iv_len);
		assert_int_equal(ike2_seal(&g, &counter, &rng.rng, &t),
		    alg_enc_by_id(suites[i].s.enc)->counter ? -ERANGE : 0);
		ike2_keys_fini(&k);
	}
}

static void test_ike2_lengths_and_keys_that_do_not_fit(void **state)
{
	const struct ike2_suite cbc = {ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 16};
	AUTO_SECRET struct secret *seed = secret_of(SKEYSEED);
	uint8_t m[WHOLE];
	struct ike2_text t;
	struct ike2_keys k;
	struct ike2_guard g;
	uint64_t counter = 0;

	(void)state;
	(void)lay_out(&cbc, m, &t);
	assert_int_equal(ike2_keys_init(&k, &cbc, seed, &nonces, spi_i, spi_r), 0);
	g = ike2_guard(&k, true);
	t.len = TEXT - 1;
	assert_int_equal(ike2_seal(&g, &counter, &rng_kernel, &t), -EINVAL);
	assert_int_equal(ike2_open(&g, &t), -EINVAL);
	t.len = 0;
	assert_int_equal(ike2_open(&g, &t), -EINVAL);
	t.len = TEXT;
	g.a = k.ei; /* of another length */
	assert_int_equal(ike2_open(&g, &t), -EINVAL);
	g.a = NULL;
	assert_int_equal(ike2_open(&g, &t), -EINVAL);
	g = ike2_guard(&k, true);
	g.e = k.d;
	assert_int_equal(ike2_open(&g, &t), -EINVAL);
	g.e = NULL;
	assert_int_equal(ike2_seal(&g, &counter, &rng_kernel, &t), -EINVAL);
	ike2_keys_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ike2_functions_of_aes_with_keys_of_any_length),
	    cmocka_unit_test(test_ike2_nist_skeyseed_and_what_is_expanded_from_it),
	    cmocka_unit_test(test_ike2_nist_the_seven_keys_are_cut_in_order),
	    cmocka_unit_test(test_ike2_nist_keys_of_children_and_of_the_next_sa),
	    cmocka_unit_test(test_ike2_what_cannot_be_is_refused),
	    cmocka_unit_test(test_ike2_which_pairs_may_protect_an_sa),
	    cmocka_unit_test(test_ike2_the_message_of_rfc_7634),
	    cmocka_unit_test(test_ike2_every_pair_both_ways_and_no_octet_made_wrong),
	    cmocka_unit_test(test_ike2_an_iv_never_comes_twice),
	    cmocka_unit_test(test_ike2_lengths_and_keys_that_do_not_fit),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0 || crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
