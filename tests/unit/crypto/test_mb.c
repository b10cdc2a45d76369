/*
 * The second engine against the first: the same octets out of both, in both directions, and what one refuses
 * the other refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "crypto/crypto.h"
#include "crypto/mb/mb.h"

enum { ROUNDS = 1000, LEN_MAX = 4096, ENGINES = 2, HEAD = 8 + 8, TAG = 16 };

static struct rng_seeded rng;

static void fill(void *p, size_t n)
{
	rng.rng.fill(&rng.rng, p, n);
}

/* 0: OpenSSL; 1: ipsec-mb. */
static struct crypto_sa *make(int engine, const struct crypto_sa_params *p)
{
	struct crypto_sa *sa = NULL;

	assert_true(crypto_use_engine(engine ? crypto_mb() : NULL));
	assert_int_equal(crypto_sa_new(p, &sa), 0);
	return sa;
}

static struct crypto_op op_on(struct crypto_sa *sa, uint8_t *packet, uint32_t len, uint64_t seq)
{
	return (struct crypto_op){.sa = sa,
	    .hdr = packet,
	    .iv = packet + 8,
	    .data = packet + HEAD,
	    .icv = packet + HEAD + len,
	    .seq = seq,
	    .len = len};
}

static void one_packet(void)
{
	static const size_t lengths[] = {16, 24, 32};
	static uint8_t plain[HEAD + LEN_MAX + TAG], sealed[ENGINES][HEAD + LEN_MAX + TAG],
	    opened[HEAD + LEN_MAX + TAG];
	uint8_t key[36];
	struct crypto_sa_params p = {.enc = ALG_ENC_AES_GCM_16,
	    .enc_key = key,
	    .enc_key_len = lengths[rng_below(&rng.rng, 3)] + 4,
	    .esn = rng_below(&rng.rng, 2)};
	uint32_t len = rng_below(&rng.rng, rng_below(&rng.rng, 2) ? 100 : LEN_MAX + 1), n = HEAD + len + TAG;
	uint64_t seq;

	fill(key, sizeof(key));
	fill(plain, n);
	fill(&seq, sizeof(seq));
	for (int e = 0; e < ENGINES; e++) {
		struct crypto_op op;

		p.dir = CRYPTO_SEAL;
		memcpy(sealed[e], plain, n);
		op = op_on(make(e, &p), sealed[e], len, seq);
		assert_int_equal(crypto_seal_burst(&op, 1), 1);
		crypto_sa_free(op.sa);
	}
	assert_memory_equal(sealed[0], sealed[1], n);
	for (int e = 0; e < ENGINES; e++) {
		struct crypto_op op;
		uint32_t at = rng_below(&rng.rng, n);

		p.dir = CRYPTO_OPEN;
		memcpy(opened, sealed[0], n);
		op = op_on(make(e, &p), opened, len, seq);
		assert_int_equal(crypto_open_burst(&op, 1), 1);
		assert_memory_equal(opened + HEAD, plain + HEAD, len);
		memcpy(opened, sealed[0], n);
		opened[at] ^= (uint8_t)(1 << rng_below(&rng.rng, 8));
		assert_int_equal(crypto_open_burst(&op, 1), 0);
		assert_int_equal(op.result, CRYPTO_BAD_ICV);
		for (uint32_t i = 0; i < len; i++)
			assert_int_equal(opened[HEAD + i], 0);
		crypto_sa_free(op.sa);
	}
}

static void test_mb_agrees_with_openssl(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 106);
	for (int i = 0; i < ROUNDS; i++)
		one_packet();
}

enum { BURST = 100, ROOM = HEAD + 8 + 1600 + ALG_ICV_MAX };

static uint8_t clear[BURST][ROOM], by[ENGINES][BURST][ROOM], bad[BURST][ROOM];
static uint32_t len_of[BURST];
static bool is_bad[BURST];

static struct crypto_sa_params any_pair(uint8_t *key)
{
	static const size_t lengths[] = {16, 24, 32};
	static const enum alg_auth auths[] = {ALG_AUTH_HMAC_SHA1, ALG_AUTH_HMAC_SHA256, ALG_AUTH_HMAC_SHA384,
	    ALG_AUTH_HMAC_SHA512, ALG_AUTH_HMAC_MD5};
	const struct alg_auth_info *auth = alg_auth_by_id(auths[rng_below(&rng.rng, 5)]);

	return (struct crypto_sa_params){.enc = ALG_ENC_AES_CBC,
	    .auth = auth->id,
	    .enc_key = key,
	    .enc_key_len = lengths[rng_below(&rng.rng, 3)],
	    .auth_key = key + 32,
	    .auth_key_len = auth->digest_len,
	    .icv_len = rng_below(&rng.rng, 2) || auth->digest_len > ALG_ICV_MAX ? 0 : auth->digest_len,
	    .esn = rng_below(&rng.rng, 2)};
}

static size_t run_burst(
    int engine, struct crypto_sa_params *p, enum crypto_dir dir, uint8_t (*packet)[ROOM], uint32_t n)
{
	struct crypto_op op[BURST];
	struct crypto_sa *sa;
	size_t n_ok;

	p->dir = dir;
	sa = make(engine, p);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *d = packet[i] + 8 + 16;

		op[i] = (struct crypto_op){.sa = sa,
		    .hdr = packet[i],
		    .iv = packet[i] + 8,
		    .data = d,
		    .icv = d + len_of[i],
		    .seq = i * 0x100000001ull,
		    .len = len_of[i],
		    .iv_given = true};
	}
	n_ok = dir == CRYPTO_SEAL ? crypto_seal_burst(op, n) : crypto_open_burst(op, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(op[i].result, packet == bad && is_bad[i] ? CRYPTO_BAD_ICV : CRYPTO_OK);
	crypto_sa_free(sa);
	return n_ok;
}

static void one_burst(void)
{
	uint8_t key[32 + 64];
	struct crypto_sa_params p = any_pair(key);
	uint32_t n = 1 + rng_below(&rng.rng, BURST), n_bad = 0;
	uint8_t icv = p.icv_len ? p.icv_len : alg_auth_by_id(p.auth)->icv_len;

	fill(key, sizeof(key));
	fill(clear, sizeof(clear));
	for (uint32_t i = 0; i < n; i++)
		len_of[i] = 16 * rng_below(&rng.rng, 100);
	for (int e = 0; e < ENGINES; e++) {
		memcpy(by[e], clear, sizeof(clear));
		assert_int_equal(run_burst(e, &p, CRYPTO_SEAL, by[e], n), n);
	}
	assert_memory_equal(by[0], by[1], sizeof(by[0]));
	memcpy(bad, by[0], sizeof(bad));
	for (uint32_t i = 0; i < n; i++) {
		is_bad[i] = rng_below(&rng.rng, 4) == 0;
		if (is_bad[i])
			bad[i][rng_below(&rng.rng, 8 + 16 + len_of[i] + icv)] ^= 4;
		n_bad += is_bad[i];
	}
	for (int e = 0; e < ENGINES; e++) {
		uint8_t before[ROOM];

		assert_int_equal(run_burst(e, &p, CRYPTO_OPEN, by[e], n), n);
		for (uint32_t i = 0; i < n; i++)
			assert_memory_equal(by[e][i] + 24, clear[i] + 24, len_of[i]);
		if (!e)
			continue;
		memcpy(before, bad[0], sizeof(before));
		assert_int_equal(run_burst(e, &p, CRYPTO_OPEN, bad, n), n - n_bad);
		if (is_bad[0]) /* nothing was deciphered */
			assert_memory_equal(bad[0], before, sizeof(before));
	}
}

static void test_mb_bursts_agree_with_openssl(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 4231);
	for (int i = 0; i < ROUNDS / 10; i++)
		one_burst();
}

/* Without a given IV: no two packets begin alike, and the other engine reads them. */
static void test_mb_makes_ivs_of_its_own(void **state)
{
	uint8_t key[32 + 64] = {1}, packet[2][ROOM];
	struct crypto_sa_params p = {.dir = CRYPTO_SEAL,
	    .enc = ALG_ENC_AES_CBC,
	    .auth = ALG_AUTH_HMAC_SHA256,
	    .enc_key = key,
	    .enc_key_len = 16,
	    .auth_key = key,
	    .auth_key_len = 32};
	struct crypto_sa *seal = make(1, &p);

	(void)state;
	memset(packet, 0x55, sizeof(packet));
	for (int i = 0; i < 2; i++) {
		struct crypto_op op = {.sa = seal,
		    .hdr = packet[i],
		    .iv = packet[i] + 8,
		    .data = packet[i] + 24,
		    .icv = packet[i] + 24 + 160,
		    .seq = (uint64_t)i,
		    .len = 160};

		assert_int_equal(crypto_seal_burst(&op, 1), 1);
	}
	assert_memory_not_equal(packet[0] + 8, packet[1] + 8, 16);
	crypto_sa_free(seal);
	for (int i = 0; i < ENGINES; i++)
		len_of[i] = 160;
	memcpy(by[0], packet, sizeof(packet));
	p.dir = CRYPTO_OPEN;
	assert_int_equal(run_burst(0, &p, CRYPTO_OPEN, by[0], 2), 2);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 160; k++)
			assert_int_equal(by[0][i][24 + k], 0x55);
}

static void test_mb_is_named(void **state)
{
	(void)state;
	assert_true(crypto_use_engine(crypto_mb()));
	assert_non_null(strstr(crypto_engine_name(), "ipsec-mb"));
	assert_true(crypto_use_engine(NULL));
	assert_null(strstr(crypto_engine_name(), "ipsec-mb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mb_agrees_with_openssl),
	    cmocka_unit_test(test_mb_bursts_agree_with_openssl),
	    cmocka_unit_test(test_mb_makes_ivs_of_its_own),
	    cmocka_unit_test(test_mb_is_named),
	};
	struct err_text e = {0};

	if (crypto_init(&e) < 0 || !crypto_mb() || !crypto_use_engine(crypto_mb()))
		return 77; /* no such engine in this build, or a processor that is not for it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
