#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "crypto/crypto.h"

enum { DES_KEY = 8, HALF = 28 };

/* FIPS 46-3, permuted choice 1: which bit of the key (from 1, parity among them) each bit of the halves is.
 */
static const uint8_t choice[2][HALF] = {
    {57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44,
        36},
    {63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12,
        4},
};

/* A key is weak or semi-weak when each half is one pattern of two bits over and over: then its round keys are
 * one or two. Made so from the standard's own table, for comparing with the list in the code. parity: of all
 * octets. */
static void weak_key(unsigned left, unsigned right, uint8_t parity, uint8_t key[DES_KEY])
{
	const unsigned pattern[2] = {left, right};

	memset(key, 0, DES_KEY);
	for (size_t h = 0; h < 2; h++)
		for (size_t i = 0; i < HALF; i++)
			if (pattern[h] >> (i & 1) & 1)
				key[(choice[h][i] - 1) / 8] |= (uint8_t)(0x80 >> (choice[h][i] - 1) % 8);
	for (size_t i = 0; i < DES_KEY; i++)
		key[i] |= parity;
}

static void test_des_all_16_keys_of_the_standard_are_faults(void **state)
{
	uint8_t key[DES_KEY];

	(void)state;
	for (unsigned n = 0; n < 32; n++) {
		weak_key(n & 3, n >> 2 & 3, n >> 4 & 1, key);
		assert_non_null(crypto_key_fault(ALG_ENC_DES_CBC, key, DES_KEY));
	}
}

static void test_des_keys_one_bit_beside_a_weak_one_are_not(void **state)
{
	uint8_t key[DES_KEY];

	(void)state;
	for (unsigned n = 0; n < 16; n++)
		for (size_t bit = 0; bit < DES_KEY * 8; bit++) {
			bool parity = bit % 8 == 7;

			weak_key(n & 3, n >> 2 & 3, 0, key);
			key[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(crypto_key_fault(ALG_ENC_DES_CBC, key, DES_KEY) != NULL, parity);
		}
}

static void test_3des_a_weak_part_is_named(void **state)
{
	static const char *const word[] = {"first", "second", "third"};
	uint8_t key[3 * DES_KEY];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		memcpy(key, "thescogp12341234thescogp", sizeof(key));
		assert_null(crypto_key_fault(ALG_ENC_3DES_CBC, key, sizeof(key)));
		weak_key(1, 2, 1, key + i * DES_KEY);
		assert_non_null(strstr(crypto_key_fault(ALG_ENC_3DES_CBC, key, sizeof(key)), word[i]));
	}
}

static void test_other_algorithms_have_no_faults(void **state)
{
	static const uint8_t zero[ALG_KEY_MAX];

	(void)state;
	for (size_t i = 0; alg_enc_at(i); i++) {
		const struct alg_enc_info *a = alg_enc_at(i);
		bool des = a->id == ALG_ENC_DES_CBC || a->id == ALG_ENC_3DES_CBC;

		assert_int_equal(crypto_key_fault(a->id, zero, a->key_min) != NULL, des);
	}
	/* Of another length it is no key, which others say. */
	assert_null(crypto_key_fault(ALG_ENC_DES_CBC, zero, 7));
}

static void test_sa_new_a_faulty_key_is_rejected_in_both_directions(void **state)
{
	uint8_t key[3 * DES_KEY];
	struct crypto_sa_params p = {.enc_key = key};
	struct crypto_sa *sa = NULL;

	(void)state;
	memcpy(key, "thescogp12341234thescogp", sizeof(key));
	weak_key(3, 3, 1, key);
	for (p.dir = CRYPTO_SEAL; p.dir <= CRYPTO_OPEN; p.dir++) {
		p.enc = ALG_ENC_DES_CBC, p.enc_key_len = DES_KEY;
		assert_int_equal(crypto_sa_new(&p, &sa), -EKEYREJECTED);
		p.enc = ALG_ENC_3DES_CBC, p.enc_key_len = sizeof(key);
		assert_int_equal(crypto_sa_new(&p, &sa), -EKEYREJECTED);
		assert_null(sa);
	}
}

static int setup(void **state)
{
	(void)state;
	return crypto_init(NULL);
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
	    cmocka_unit_test(test_des_all_16_keys_of_the_standard_are_faults),
	    cmocka_unit_test(test_des_keys_one_bit_beside_a_weak_one_are_not),
	    cmocka_unit_test(test_3des_a_weak_part_is_named),
	    cmocka_unit_test(test_other_algorithms_have_no_faults),
	    cmocka_unit_test(test_sa_new_a_faulty_key_is_rejected_in_both_directions),
	};

	return cmocka_run_group_tests_name("crypto/key_fault", tests, setup, teardown);
}
