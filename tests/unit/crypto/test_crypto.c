#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "crypto/crypto.h"

enum { DATA_LEN = 96, ROOM = 8 + 16 + DATA_LEN + ALG_ICV_MAX };

/* Octets enough for any key; what they are does not matter here. */
static const uint8_t keys[ALG_KEY_MAX] = "an octet string that is long enough to be the key of any of them";

static struct crypto_sa *sa_of(enum crypto_dir dir, enum alg_enc enc, size_t enc_key_len, enum alg_auth auth)
{
	const struct alg_auth_info *a = alg_auth_by_id(auth);
	const struct crypto_sa_params p = {.dir = dir,
	    .enc = enc,
	    .auth = auth,
	    .enc_key = keys,
	    .auth_key = keys,
	    .enc_key_len = enc_key_len,
	    .auth_key_len = a ? a->key_min : 0};
	struct crypto_sa *sa = NULL;

	assert_int_equal(crypto_sa_new(&p, &sa), 0);
	return sa;
}

/* A packet laid out as on the wire. */
static struct crypto_op op_of(struct crypto_sa *sa, uint8_t b[ROOM], uint64_t seq)
{
	uint8_t iv_len = crypto_sa_iv_len(sa);

	for (size_t i = 0; i < ROOM; i++)
		b[i] = (uint8_t)i;
	return (struct crypto_op){.sa = sa,
	    .hdr = b,
	    .iv = b + 8,
	    .data = b + 8 + iv_len,
	    .icv = b + 8 + iv_len + DATA_LEN,
	    .seq = seq,
	    .len = DATA_LEN};
}

static const struct suite {
	enum alg_enc enc;
	size_t key_len;
	enum alg_auth auth;
} suites[] = {
    {ALG_ENC_NULL, 0, ALG_AUTH_HMAC_SHA1},
    {ALG_ENC_3DES_CBC, 24, ALG_AUTH_HMAC_MD5},
    {ALG_ENC_AES_CBC, 16, ALG_AUTH_HMAC_SHA256},
    {ALG_ENC_AES_CBC, 32, ALG_AUTH_HMAC_SHA512},
    {ALG_ENC_DES_CBC, 8, ALG_AUTH_HMAC_SHA384},
    {ALG_ENC_BLOWFISH_CBC, 5, ALG_AUTH_HMAC_RIPEMD160},
    {ALG_ENC_BLOWFISH_CBC, 56, ALG_AUTH_AES_XCBC},
    {ALG_ENC_CAST128_CBC, 5, ALG_AUTH_AES_CMAC},
    {ALG_ENC_CAST128_CBC, 16, ALG_AUTH_KEYED_MD5},
    {ALG_ENC_CAMELLIA_CBC, 24, ALG_AUTH_KEYED_SHA1},
    {ALG_ENC_AES_CTR, 28, ALG_AUTH_AES_XCBC},
    {ALG_ENC_NULL, 0, ALG_AUTH_AES_CMAC},
    {ALG_ENC_AES_GCM_8, 20, ALG_AUTH_NONE},
    {ALG_ENC_AES_GCM_12, 28, ALG_AUTH_NONE},
    {ALG_ENC_AES_GCM_16, 20, ALG_AUTH_NONE},
    {ALG_ENC_AES_GCM_16, 36, ALG_AUTH_NONE},
    {ALG_ENC_AES_CCM_8, 19, ALG_AUTH_NONE},
    {ALG_ENC_AES_CCM_12, 27, ALG_AUTH_NONE},
    {ALG_ENC_AES_CCM_16, 35, ALG_AUTH_NONE},
    {ALG_ENC_AES_GMAC, 20, ALG_AUTH_NONE},
    {ALG_ENC_CHACHA20_POLY1305, 36, ALG_AUTH_NONE},
};

/* Nothing is hidden, only protected. */
static bool is_clear(enum alg_enc enc)
{
	return enc == ALG_ENC_NULL || enc == ALG_ENC_AES_GMAC;
}

static void test_suites_name_every_algorithm_of_esp(void **state)
{
	(void)state;
	for (size_t i = 0; alg_enc_at(i); i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(suites) && suites[k].enc != alg_enc_at(i)->id)
			k++;
		assert_true(k < ARRAY_SIZE(suites));
	}
	for (size_t i = 0; alg_auth_at(i); i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(suites) && suites[k].auth != alg_auth_at(i)->id)
			k++;
		assert_true(k < ARRAY_SIZE(suites) || alg_auth_at(i)->id == ALG_AUTH_AES_GMAC);
	}
}

static void test_seal_open_every_suite_gives_the_octets_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct crypto_sa *seal = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);
		struct crypto_sa *open = sa_of(CRYPTO_OPEN, suites[i].enc, suites[i].key_len, suites[i].auth);
		uint8_t b[ROOM], was[ROOM];
		struct crypto_op op = op_of(seal, b, 1);

		memcpy(was, b, ROOM);
		assert_int_equal(crypto_seal_burst(&op, 1), 1);
		assert_memory_equal(b, was, 8);
		if (!is_clear(suites[i].enc))
			assert_memory_not_equal(op.data, was + (op.data - b), 16);
		op.sa = open;
		assert_int_equal(crypto_open_burst(&op, 1), 1);
		assert_memory_equal(op.data, was + (op.data - b), DATA_LEN);
		crypto_sa_free(seal);
		crypto_sa_free(open);
	}
}

/* Parts that do not lie behind each other take another path through the code and must give the same packet.
 */
static void test_seal_scattered_parts_give_what_adjacent_ones_give(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct crypto_sa *sa = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);
		struct crypto_sa *open = sa_of(CRYPTO_OPEN, suites[i].enc, suites[i].key_len, suites[i].auth);
		uint8_t b[ROOM], s[ROOM], hdr[8], iv[16], icv[ALG_ICV_MAX];
		struct crypto_op near = op_of(sa, b, 9), far = op_of(sa, s, 9);

		memcpy(hdr, far.hdr, sizeof(hdr));
		far.hdr = hdr, far.iv = iv, far.icv = icv;
		assert_int_equal(crypto_seal_burst(&near, 1), 1);
		assert_int_equal(crypto_seal_burst(&far, 1), 1);
		assert_memory_equal(near.iv, iv, crypto_sa_iv_len(sa));
		assert_memory_equal(near.data, far.data, DATA_LEN);
		assert_memory_equal(near.icv, icv, crypto_sa_icv_len(sa));
		far.sa = open;
		assert_int_equal(crypto_open_burst(&far, 1), 1);
		crypto_sa_free(sa);
		crypto_sa_free(open);
	}
}

static void test_open_any_changed_bit_is_a_bad_icv(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct crypto_sa *seal = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);
		struct crypto_sa *open = sa_of(CRYPTO_OPEN, suites[i].enc, suites[i].key_len, suites[i].auth);
		uint8_t sealed[ROOM], b[ROOM];
		struct crypto_op op = op_of(seal, sealed, 1);
		size_t total = (size_t)(op.icv - sealed) + crypto_sa_icv_len(seal);

		assert_int_equal(crypto_seal_burst(&op, 1), 1);
		for (size_t bit = 0; bit < total * 8; bit += 3) {
			op = op_of(open, b, 1);
			memcpy(b, sealed, sizeof(b));
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(crypto_open_burst(&op, 1), 0);
			assert_int_equal(op.result, CRYPTO_BAD_ICV);
		}
		crypto_sa_free(seal);
		crypto_sa_free(open);
	}
}

/* Nobody may see what a forged packet would decipher to. */
static void test_open_bad_icv_shows_no_plaintext(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct crypto_sa *seal, *open;
		uint8_t b[ROOM], plain[ROOM];
		struct crypto_op op;

		if (is_clear(suites[i].enc))
			continue;
		seal = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);
		open = sa_of(CRYPTO_OPEN, suites[i].enc, suites[i].key_len, suites[i].auth);
		op = op_of(seal, b, 1);
		memcpy(plain, op.data, DATA_LEN);
		assert_int_equal(crypto_seal_burst(&op, 1), 1);
		op.icv[0] ^= 1;
		op.sa = open;
		assert_int_equal(crypto_open_burst(&op, 1), 0);
		for (size_t at = 0; at + 16 <= DATA_LEN; at += 16)
			assert_memory_not_equal(op.data + at, plain + at, 16);
		crypto_sa_free(seal);
		crypto_sa_free(open);
	}
}

/* Of eight packets three cannot be sealed and two cannot be opened; the others must not notice. */
static void burst_with_bad_neighbours(const struct suite *s)
{
	struct crypto_sa *seal = sa_of(CRYPTO_SEAL, s->enc, s->key_len, s->auth);
	struct crypto_sa *open = sa_of(CRYPTO_OPEN, s->enc, s->key_len, s->auth);
	struct crypto_sa *ah = sa_of(CRYPTO_SEAL, ALG_ENC_NONE, 0, ALG_AUTH_HMAC_SHA1);
	bool blocks = crypto_sa_block(seal) > 1, ccm = alg_enc_by_id(s->enc)->kind == ALG_KIND_CCM;
	static uint8_t b[8][ROOM];
	struct crypto_op ops[8], live[5];
	size_t n = 0;

	for (size_t i = 0; i < 8; i++)
		ops[i] = op_of(seal, b[i], i + 1);
	ops[1].len = blocks ? DATA_LEN - 1 : ccm ? 0 : UINT32_MAX;
	ops[3].sa = open;
	ops[5].sa = ah;
	assert_int_equal(crypto_seal_burst(ops, 8), 5);
	assert_int_equal(ops[1].result, CRYPTO_BAD_LEN);
	assert_int_equal(ops[3].result, CRYPTO_FAILED);
	assert_int_equal(ops[5].result, CRYPTO_FAILED);
	for (size_t i = 0; i < 8; i++)
		if (i != 1 && i != 3 && i != 5) {
			assert_int_equal(ops[i].result, CRYPTO_OK);
			live[n] = ops[i];
			live[n++].sa = open;
		}
	live[0].icv[0] ^= 1;
	live[2].hdr[7] ^= 1;
	assert_int_equal(crypto_open_burst(live, 5), 3);
	assert_int_equal(live[0].result, CRYPTO_BAD_ICV);
	assert_int_equal(live[2].result, CRYPTO_BAD_ICV);
	for (size_t i = 1; i < 5; i += i == 1 ? 2 : 1)
		for (size_t k = 0; k < DATA_LEN; k++)
			assert_int_equal(live[i].data[k], (uint8_t)(8 + crypto_sa_iv_len(open) + k));
	crypto_sa_free(seal);
	crypto_sa_free(open);
	crypto_sa_free(ah);
}

static void test_burst_bad_ops_do_not_disturb_their_neighbours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		burst_with_bad_neighbours(&suites[i]);
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Counting in clear would show here: IVs of consecutive packets must differ in about half their bits, and
 * none may repeat. */
static void test_seal_cbc_ivs_are_unique_and_do_not_count(void **state)
{
	enum { N = 4096 };
	static uint8_t ivs[N][16];
	struct crypto_sa *sa = sa_of(CRYPTO_SEAL, ALG_ENC_AES_CBC, 16, ALG_AUTH_NONE);
	uint64_t n_bits = 0;
	uint8_t b[ROOM];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct crypto_op op = op_of(sa, b, i + 1);

		assert_int_equal(crypto_seal_burst(&op, 1), 1);
		memcpy(ivs[i], op.iv, 16);
		for (size_t k = 0; i && k < 16; k++)
			n_bits += (uint64_t)__builtin_popcount(ivs[i][k] ^ ivs[i - 1][k]);
	}
	/* 64 of 128 bits on average; the mean of 4095 draws is within 1 of that but once in a universe. */
	assert_in_range(n_bits, (uint64_t)63 * (N - 1), (uint64_t)65 * (N - 1));
	qsort(ivs, N, 16, by_octets);
	for (size_t i = 1; i < N; i++)
		assert_memory_not_equal(ivs[i], ivs[i - 1], 16);
	crypto_sa_free(sa);
}

static void test_seal_counter_iv_is_the_whole_number(void **state)
{
	static const uint64_t numbers[] = {1, 0xffffffff, 0x100000000, 0xfedcba9876543210};
	uint8_t b[ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct crypto_sa *sa;

		if (!alg_enc_by_id(suites[i].enc)->counter)
			continue;
		sa = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);
		for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
			struct crypto_op op = op_of(sa, b, numbers[k]);
			uint64_t iv = 0;

			assert_int_equal(crypto_seal_burst(&op, 1), 1);
			for (size_t j = 0; j < 8; j++)
				iv = iv << 8 | op.iv[j];
			assert_int_equal(iv, numbers[k]);
		}
		crypto_sa_free(sa);
	}
}

/* What the wire code frames with must be what the table says. */
static void test_sa_lengths_are_those_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		const struct alg_enc_info *enc = alg_enc_by_id(suites[i].enc);
		const struct alg_auth_info *auth = alg_auth_by_id(suites[i].auth);
		struct crypto_sa *sa = sa_of(CRYPTO_SEAL, suites[i].enc, suites[i].key_len, suites[i].auth);

		assert_int_equal(crypto_sa_iv_len(sa), enc->iv_len);
		assert_int_equal(crypto_sa_block(sa), enc->block);
		assert_int_equal(crypto_sa_icv_len(sa), auth ? auth->icv_len : enc->icv_len);
		crypto_sa_free(sa);
	}
}

/* Numbered: what crypto_sa_new() must say to parameters that do not fit together. */
static const struct {
	int n;
	struct crypto_sa_params p;
	int want;
} misfits[] = {
    {1, {.dir = CRYPTO_SEAL}, -EOPNOTSUPP},
    {2, {.dir = CRYPTO_SEAL, .enc = 99}, -EOPNOTSUPP},
    {3, {.dir = CRYPTO_SEAL, .auth = 99}, -EOPNOTSUPP},
    {4, {.enc = ALG_ENC_NULL}, -EINVAL},
    {5, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_NULL}, 0},
    {6, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CBC, .enc_key_len = 17}, -EINVAL},
    {7, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CBC, .enc_key_len = 24}, 0},
    {8, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_GCM_16, .enc_key_len = 16}, -EINVAL},
    {9, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_GCM_16, .enc_key_len = 28}, 0},
    {10,
        {.dir = CRYPTO_SEAL,
            .enc = ALG_ENC_AES_GCM_16,
            .enc_key_len = 20,
            .auth = ALG_AUTH_HMAC_MD5,
            .auth_key_len = 16},
        -EINVAL},
    {11, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20, .icv_len = 12}, -EINVAL},
    {12, {.dir = CRYPTO_OPEN, .auth = ALG_AUTH_HMAC_SHA1, .auth_key_len = 19}, -EINVAL},
    {13, {.dir = CRYPTO_OPEN, .auth = ALG_AUTH_HMAC_SHA1, .auth_key_len = 20, .icv_len = 21}, -EINVAL},
    {14, {.dir = CRYPTO_OPEN, .auth = ALG_AUTH_HMAC_SHA1, .auth_key_len = 20, .icv_len = 20}, 0},
    {15, {.dir = CRYPTO_OPEN, .auth = ALG_AUTH_HMAC_SHA512, .auth_key_len = 64, .icv_len = 33}, -EINVAL},
    {16, {.dir = CRYPTO_OPEN, .enc = ALG_ENC_NULL, .icv_len = 12}, -EINVAL},
    {17, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_BLOWFISH_CBC, .enc_key_len = 4}, -EINVAL},
    {18, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_BLOWFISH_CBC, .enc_key_len = 37}, 0},
    {19, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_BLOWFISH_CBC, .enc_key_len = 57}, -EINVAL},
    {20, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_CAST128_CBC, .enc_key_len = 4}, -EINVAL},
    {21, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_CAST128_CBC, .enc_key_len = 17}, -EINVAL},
    {22, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_DES_CBC, .enc_key_len = 7}, -EINVAL},
    {23, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_CAMELLIA_CBC, .enc_key_len = 20}, -EINVAL},
    {24, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CTR, .enc_key_len = 16}, -EINVAL},
    {25, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CTR, .enc_key_len = 36}, 0},
    {26, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CCM_8, .enc_key_len = 20}, -EINVAL},
    {27, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CCM_8, .enc_key_len = 19, .icv_len = 8}, 0},
    {28, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_AES_CCM_8, .enc_key_len = 19, .icv_len = 16}, -EINVAL},
    {29, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_CHACHA20_POLY1305, .enc_key_len = 32}, -EINVAL},
    {30, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 16}, -EINVAL},
    {31, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 28}, 0},
    {32, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 20, .icv_len = 24}, 0},
    {33, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 20, .icv_len = 12}, -EINVAL},
    {34, {.dir = CRYPTO_SEAL, .enc = ALG_ENC_NULL, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 20}, -EINVAL},
    {35, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_XCBC, .auth_key_len = 24}, -EINVAL},
    {36, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_CMAC, .auth_key_len = 16, .icv_len = 16}, 0},
    {37, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_AES_CMAC, .auth_key_len = 16, .icv_len = 17}, -EINVAL},
    {38, {.dir = CRYPTO_SEAL, .auth = ALG_AUTH_KEYED_MD5, .auth_key_len = 20}, -EINVAL},
};

static void test_sa_new_numbered_misfits_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(misfits); i++) {
		struct crypto_sa_params p = misfits[i].p;
		struct crypto_sa *sa = NULL;
		int r;

		p.enc_key = p.auth_key = keys;
		r = crypto_sa_new(&p, &sa);
		if (r != misfits[i].want || (r == 0) != (sa != NULL))
			fail_msg("case %d: %d", misfits[i].n, r);
		crypto_sa_free(sa);
	}
}

static void test_mac_too_many_pieces_or_wrong_direction_fails(void **state)
{
	struct crypto_sa *sa = sa_of(CRYPTO_SEAL, ALG_ENC_NONE, 0, ALG_AUTH_HMAC_SHA1);
	const struct iovec v[CRYPTO_MAC_PIECES_MAX + 1] = {{0}};
	uint8_t icv[ALG_ICV_MAX];
	struct crypto_mac_op op = {.sa = sa, .piece = v, .n_pieces = CRYPTO_MAC_PIECES_MAX + 1, .icv = icv};

	(void)state;
	assert_int_equal(crypto_mac_seal_burst(&op, 1), 0);
	assert_int_equal(op.result, CRYPTO_FAILED);
	op.n_pieces = CRYPTO_MAC_PIECES_MAX;
	assert_int_equal(crypto_mac_seal_burst(&op, 1), 1);
	assert_int_equal(crypto_mac_open_burst(&op, 1), 0);
	assert_int_equal(op.result, CRYPTO_FAILED);
	crypto_sa_free(sa);
}

/* However the octets are cut, the value is the same: the chain of AES blocks keeps octets back between
 * pieces. */
static void test_mac_pieces_give_what_the_whole_gives(void **state)
{
	uint8_t data[70], whole[ALG_ICV_MAX], got[ALG_ICV_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t a = 0; alg_auth_at(a); a++) {
		struct crypto_sa *sa = sa_of(CRYPTO_SEAL, ALG_ENC_NONE, 0, alg_auth_at(a)->id);

		for (size_t len = 0; len <= sizeof(data); len++) {
			struct iovec v[3] = {{data, len}};
			struct crypto_mac_op op = {
			    .sa = sa, .piece = v, .n_pieces = 1, .icv = whole, .seq = 3};

			assert_int_equal(crypto_mac_seal_burst(&op, 1), 1);
			op.n_pieces = 3;
			op.icv = got;
			for (size_t cut = 0; cut <= len; cut++) {
				v[0] = (struct iovec){data, cut / 2};
				v[1] = (struct iovec){data + cut / 2, cut - cut / 2};
				v[2] = (struct iovec){data + cut, len - cut};
				assert_int_equal(crypto_mac_seal_burst(&op, 1), 1);
				assert_memory_equal(got, whole, crypto_sa_icv_len(sa));
			}
		}
		crypto_sa_free(sa);
	}
}

/* AH: each bit of the field, GMAC's IV among them, and the top half of an extended number. */
static void test_mac_any_changed_bit_is_a_bad_icv(void **state)
{
	uint8_t data[50] = {7}, icv[ALG_ICV_MAX];
	const struct iovec v = {data, sizeof(data)};

	(void)state;
	for (size_t a = 0; alg_auth_at(a); a++) {
		const struct alg_auth_info *auth = alg_auth_at(a);
		struct crypto_sa_params p = {.dir = CRYPTO_SEAL,
		    .auth = auth->id,
		    .auth_key = keys,
		    .auth_key_len = auth->key_min,
		    .esn = true};
		struct crypto_mac_op op = {.piece = &v, .n_pieces = 1, .icv = icv, .seq = 0x700000001};

		assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
		assert_int_equal(crypto_mac_seal_burst(&op, 1), 1);
		crypto_sa_free(op.sa);
		p.dir = CRYPTO_OPEN;
		assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
		assert_int_equal(crypto_mac_open_burst(&op, 1), 1);
		for (size_t bit = 0; bit < auth->icv_len * 8u; bit++) {
			icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(crypto_mac_open_burst(&op, 1), 0);
			assert_int_equal(op.result, CRYPTO_BAD_ICV);
			icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		op.seq ^= 1ULL << 32;
		assert_int_equal(crypto_mac_open_burst(&op, 1), 0);
		op.seq ^= 1ULL << 32;
		data[49] ^= 1;
		assert_int_equal(crypto_mac_open_burst(&op, 1), 0);
		data[49] ^= 1;
		assert_int_equal(crypto_mac_open_burst(&op, 1), 1);
		crypto_sa_free(op.sa);
	}
}

static int setup(void **state)
{
	struct err_text e = {0};

	(void)state;
	if (crypto_init(&e) < 0)
		print_error("%s\n", e.s);
	return crypto_init(&e);
}

static int teardown(void **state)
{
	(void)state;
	crypto_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_suites_name_every_algorithm_of_esp),
	    cmocka_unit_test(test_seal_open_every_suite_gives_the_octets_back),
	    cmocka_unit_test(test_seal_scattered_parts_give_what_adjacent_ones_give),
	    cmocka_unit_test(test_open_any_changed_bit_is_a_bad_icv),
	    cmocka_unit_test(test_open_bad_icv_shows_no_plaintext),
	    cmocka_unit_test(test_burst_bad_ops_do_not_disturb_their_neighbours),
	    cmocka_unit_test(test_seal_cbc_ivs_are_unique_and_do_not_count),
	    cmocka_unit_test(test_seal_counter_iv_is_the_whole_number),
	    cmocka_unit_test(test_sa_lengths_are_those_of_the_table),
	    cmocka_unit_test(test_sa_new_numbered_misfits_are_refused),
	    cmocka_unit_test(test_mac_pieces_give_what_the_whole_gives),
	    cmocka_unit_test(test_mac_any_changed_bit_is_a_bad_icv),
	    cmocka_unit_test(test_mac_too_many_pieces_or_wrong_direction_fails),
	};

	return cmocka_run_group_tests_name("crypto/crypto", tests, setup, teardown);
}
