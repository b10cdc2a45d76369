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

enum { ROUNDS = 4000, LEN_MAX = 4096, ENGINES = 2, HEAD = 8 + 8, TAG = 16 };

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
	    cmocka_unit_test(test_mb_is_named),
	};
	struct err_text e = {0};

	if (crypto_init(&e) < 0 || !crypto_mb() || !crypto_use_engine(crypto_mb()))
		return 77; /* no such engine in this build, or a processor that is not for it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
