/*
 * Hashes, pseudorandom functions and CBC as key exchange uses them: RFC 2202 and 4231 with keys longer than a
 * block, RFC 3602 for AES, and the messages of the guide's traces (S206, S208, S209).
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
#include "crypto/ike.h"
#include "secret/secret.h"

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && sscanf(hex, "%2x", &v) == 1; hex += 2)
		to[n++] = (uint8_t)v;
	return n;
}

static struct iovec text(const char *s)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)s, .iov_len = strlen(s)};
}

#define LARGER "Test Using Larger Than Block-Size Key - Hash Key First"

/* RFC 2202 section 2 case 6 and section 3 case 6; RFC 4231 section 4.7. */
static const struct {
	enum alg_prf id;
	size_t key_len; /* of octets 0xaa */
	const char *data, *want;
} long_keys[] = {
    {ALG_PRF_HMAC_MD5, 80, LARGER, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
    {ALG_PRF_HMAC_SHA1, 80, LARGER, "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {ALG_PRF_HMAC_SHA256, 131, LARGER, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {ALG_PRF_HMAC_SHA384, 131, LARGER,
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
    {ALG_PRF_HMAC_SHA512, 131, LARGER,
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
};

static void test_prf_with_keys_longer_than_a_block_in_pieces(void **state)
{
	uint8_t key[131], want[ALG_PRF_LEN_MAX], got[ALG_PRF_LEN_MAX];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	for (size_t i = 0; i < ARRAY_SIZE(long_keys); i++) {
		size_t n = unhex(long_keys[i].want, want);

		assert_int_equal(n, crypto_prf_len(long_keys[i].id));
		assert_true(crypto_has_prf(long_keys[i].id));
		for (size_t cut = 0; cut <= strlen(LARGER); cut++) {
			struct iovec v[] = {text(LARGER), text(LARGER + cut)};

			v[0].iov_len = cut;
			assert_int_equal(
			    crypto_prf(long_keys[i].id, key, long_keys[i].key_len, v, 2, got), 0);
			assert_memory_equal(got, want, n);
		}
	}
}

static void test_prf_without_a_key_or_without_data(void **state)
{
	/* HMAC-SHA256 of nothing under an empty key. */
	uint8_t want[ALG_PRF_LEN_MAX], got[ALG_PRF_LEN_MAX];
	size_t n = unhex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", want);

	(void)state;
	assert_int_equal(crypto_prf(ALG_PRF_HMAC_SHA256, NULL, 0, NULL, 0, got), 0);
	assert_memory_equal(got, want, n);
}

static void test_hash_of_the_guides_second_phase_iv(void **state)
{
	uint8_t last_block[8], msg_id[4], want[8], got[ALG_PRF_LEN_MAX];
	struct iovec v[] = {{last_block, sizeof(last_block)}, {msg_id, sizeof(msg_id)}};

	(void)state;
	unhex("20f905a058df31e4", last_block);
	unhex("a3b13ba3", msg_id);
	unhex("be26f49086a556eb", want);
	assert_int_equal(crypto_hash(ALG_PRF_HMAC_SHA1, v, 2, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static const struct {
	const char *what;
	enum alg_enc id;
	const char *key, *iv, *plain, *cipher;
} messages[] = {
    {"quick mode's third message, initiator (S208)", ALG_ENC_3DES_CBC,
        "d0be6b9f2746a633188064b1be976e8457620259c1a9a4f4", "31c8fe85de3d0439",
        "0000001808b5e7c346ed883ba27b045dc83b87ae0a84ebe0e832dbecd5331307",
        "56fc30f69a753f67684cf6932fcf5adb137947bad8e343065036c7204678ee8b"},
    {"quick mode's third message, responder (S209)", ALG_ENC_3DES_CBC,
        "2eb698573bc11fde90f07315fb8121bccfb70f692e289b64", "a0819f08962cbcaf",
        "00000018e84dcf9ea78317503b62090c14c0dd7418378b23e9c563490c7ac907",
        "cc73d41567e3c374919d41ebaee767dca3d40b0903fdebecf31c4f1332777f7b"},
    {"RFC 3602 section 4, case 2", ALG_ENC_AES_CBC, "c286696d887c9aa0611bbb3e2025a45a",
        "562e17996d093d28ddb3ba695a2e6f58",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
};

static void test_cbc_of_real_messages_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		uint8_t key[32], iv[16], plain[64], cipher[64], b[64];
		size_t k = unhex(messages[i].key, key), n = unhex(messages[i].plain, plain);

		assert_int_equal(unhex(messages[i].iv, iv), crypto_cbc_block(messages[i].id));
		assert_int_equal(unhex(messages[i].cipher, cipher), n);
		memcpy(b, plain, n);
		assert_int_equal(crypto_cbc(messages[i].id, key, k, iv, b, n, true), 0);
		if (memcmp(b, cipher, n) != 0)
			fail_msg("%s", messages[i].what);
		assert_int_equal(crypto_cbc(messages[i].id, key, k, iv, b, n, false), 0);
		assert_memory_equal(b, plain, n);
	}
}

static void test_cbc_every_cipher_of_racoon_conf_comes_back(void **state)
{
	static const struct {
		enum alg_enc id;
		size_t key_len;
	} rows[] = {{ALG_ENC_DES_CBC, 8}, {ALG_ENC_3DES_CBC, 24}, {ALG_ENC_BLOWFISH_CBC, 5},
	    {ALG_ENC_BLOWFISH_CBC, 16}, {ALG_ENC_BLOWFISH_CBC, 56}, {ALG_ENC_CAST128_CBC, 5},
	    {ALG_ENC_CAST128_CBC, 16}, {ALG_ENC_AES_CBC, 16}, {ALG_ENC_AES_CBC, 24}, {ALG_ENC_AES_CBC, 32},
	    {ALG_ENC_CAMELLIA_CBC, 16}, {ALG_ENC_CAMELLIA_CBC, 32}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t key[56], iv[16] = {7}, b[64], was[64];

		if (!crypto_has_enc(rows[i].id, rows[i].key_len))
			continue; /* a host without the legacy provider */
		for (size_t k = 0; k < sizeof(key); k++)
			key[k] = (uint8_t)(17 * k + 3);
		memset(b, 0x5a, sizeof(b));
		memcpy(was, b, sizeof(b));
		assert_int_equal(crypto_cbc(rows[i].id, key, rows[i].key_len, iv, b, sizeof(b), true), 0);
		assert_memory_not_equal(b, was, sizeof(b));
		assert_memory_not_equal(b, b + 16, 16); /* chained */
		assert_int_equal(crypto_cbc(rows[i].id, key, rows[i].key_len, iv, b, sizeof(b), false), 0);
		assert_memory_equal(b, was, sizeof(b));
	}
}

static void test_lengths_that_do_not_fit_are_refused(void **state)
{
	uint8_t key[32] = {1}, iv[16] = {0}, b[64] = {0}, got[ALG_PRF_LEN_MAX];

	(void)state;
	assert_int_equal(crypto_cbc(ALG_ENC_AES_CBC, key, 16, iv, b, 0, true), -EINVAL);
	assert_int_equal(crypto_cbc(ALG_ENC_AES_CBC, key, 16, iv, b, 15, true), -EINVAL);
	assert_int_equal(crypto_cbc(ALG_ENC_AES_CBC, key, 16, iv, b, 17, false), -EINVAL);
	assert_int_equal(crypto_cbc(ALG_ENC_AES_CBC, key, 15, iv, b, 16, true), -EOPNOTSUPP);
	assert_int_equal(crypto_cbc(ALG_ENC_3DES_CBC, key, 16, iv, b, 16, true), -EINVAL);
	assert_int_equal(crypto_cbc(ALG_ENC_AES_GCM_16, key, 20, iv, b, 16, true), -EOPNOTSUPP);
	assert_int_equal(crypto_cbc_block(ALG_ENC_AES_GCM_16), 0);
	assert_int_equal(crypto_cbc_block(ALG_ENC_NULL), 0);
	assert_int_equal(crypto_prf((enum alg_prf)3, key, 16, NULL, 0, got), -EOPNOTSUPP);
	assert_int_equal(crypto_hash(ALG_PRF_NONE, NULL, 0, got), -EOPNOTSUPP);
	assert_int_equal(crypto_prf_len((enum alg_prf)3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prf_with_keys_longer_than_a_block_in_pieces),
	    cmocka_unit_test(test_prf_without_a_key_or_without_data),
	    cmocka_unit_test(test_hash_of_the_guides_second_phase_iv),
	    cmocka_unit_test(test_cbc_of_real_messages_both_ways),
	    cmocka_unit_test(test_cbc_every_cipher_of_racoon_conf_comes_back),
	    cmocka_unit_test(test_lengths_that_do_not_fit_are_refused),
	};
	struct err_text e = {{0}};

	if (crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
