/*
 * An OpenSSL that does not have everything. Which one is told by the environment (OPENSSL_MODULES,
 * OPENSSL_CONF) and is settled for a whole process, so each is a run of its own: the only argument says which
 * it is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/internal.h"

static const uint8_t keys[ALG_KEY_MAX] = "an octet string that is long enough to be the key of any of them";
static const enum alg_enc of_legacy[] = {ALG_ENC_DES_CBC, ALG_ENC_BLOWFISH_CBC, ALG_ENC_CAST128_CBC};

static int sa_outcome(enum alg_enc enc, enum alg_auth auth)
{
	const struct alg_enc_info *c = alg_enc_by_id(enc);
	const struct alg_auth_info *a = alg_auth_by_id(auth);
	const struct crypto_sa_params p = {.dir = CRYPTO_SEAL,
	    .enc = enc,
	    .auth = auth,
	    .enc_key = keys,
	    .auth_key = keys,
	    .enc_key_len = c ? c->key_min : 0,
	    .auth_key_len = a ? a->key_min : 0};
	struct crypto_sa *sa = NULL;
	int r = crypto_sa_new(&p, &sa);

	assert_int_equal(r == 0, sa != NULL);
	crypto_sa_free(sa);
	return r;
}

static bool is_legacy(enum alg_enc id)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(of_legacy); i++)
		found |= of_legacy[i] == id;
	return found;
}

static void all_but_legacy_are_here(const char *why)
{
	struct err_text e = {0};

	for (size_t i = 0; alg_enc_at(i); i++) {
		enum alg_enc id = alg_enc_at(i)->id;
		int want = is_legacy(id) ? -EOPNOTSUPP : 0;

		assert_int_equal(crypto_has_enc(id, 0), want == 0);
		assert_int_equal(crypto_has_enc(id, alg_enc_at(i)->key_min), want == 0);
		assert_int_equal(sa_outcome(id, ALG_AUTH_NONE), want);
		assert_int_equal(crypto_check_present(id, 0, ALG_AUTH_NONE, &e), want);
		if (want < 0) {
			assert_non_null(strstr(e.s, alg_enc_at(i)->name));
			assert_non_null(strstr(e.s, why));
		}
	}
	for (size_t i = 0; alg_auth_at(i); i++) {
		assert_true(crypto_has_auth(alg_auth_at(i)->id));
		assert_int_equal(sa_outcome(ALG_ENC_NONE, alg_auth_at(i)->id), 0);
	}
	assert_string_equal(crypto_absent_names(), "des-cbc, cast128-cbc, blowfish-cbc");
	for (size_t i = 0; i < ARRAY_SIZE(of_legacy); i++)
		assert_true(crypto_absent_at(i, &e));
	assert_false(crypto_absent_at(ARRAY_SIZE(of_legacy), &e));
}

static void test_no_legacy_provider_starts_without_its_ciphers(void **state)
{
	struct err_text e = {0};

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	all_but_legacy_are_here("its legacy provider is missing (package openssl-provider-legacy)");
	crypto_fini();
}

static void test_forbidden_legacy_provider_starts_without_its_ciphers(void **state)
{
	struct err_text e = {0};

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	all_but_legacy_are_here("forbidden by its configuration");
	crypto_fini();
}

static void test_no_core_does_not_start_and_says_what_is_missing(void **state)
{
	struct err_text e = {0};

	(void)state;
	assert_int_equal(crypto_init(&e), -EOPNOTSUPP);
	assert_non_null(strstr(e.s, "does not provide aes-cbc (AES-128-CBC)"));
	assert_int_equal(sa_outcome(ALG_ENC_AES_CBC, ALG_AUTH_NONE), -EOPNOTSUPP);
	assert_int_equal(sa_outcome(ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1), -EOPNOTSUPP);
}

static void test_all_here_nothing_is_absent(void **state)
{
	struct err_text e = {0};

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	assert_int_equal(crypto_init(&e), 0);
	assert_string_equal(crypto_absent_names(), "");
	assert_false(crypto_absent_at(0, &e));
	for (size_t i = 0; alg_enc_at(i); i++)
		assert_true(crypto_has_enc(alg_enc_at(i)->id, 0));
	assert_false(crypto_has_enc(99, 0));
	assert_false(crypto_has_enc(ALG_ENC_NONE, 0));
	assert_false(crypto_has_auth(99));
	assert_false(crypto_has_auth(ALG_AUTH_NONE));
	assert_int_equal(crypto_check_present(99, 0, ALG_AUTH_NONE, &e), -EOPNOTSUPP);
	assert_int_equal(crypto_check_present(ALG_ENC_AES_CBC, 16, ALG_AUTH_HMAC_MD5, &e), 0);
	assert_int_equal(crypto_check_present(ALG_ENC_NONE, 0, ALG_AUTH_AES_GMAC, &e), 0);
	crypto_fini();
	assert_false(crypto_has_enc(ALG_ENC_AES_CBC, 16));
	/* The legacy provider comes back too. */
	assert_int_equal(crypto_init(&e), 0);
	assert_string_equal(crypto_absent_names(), "");
	assert_int_equal(sa_outcome(ALG_ENC_DES_CBC, ALG_AUTH_NONE), 0);
	crypto_fini();
}

/* Wrong in its last octet, as a library that computes wrongly looks from here. */
static struct cipher_answer spoilt_cipher(enum alg_enc id, char text[256])
{
	size_t i = 0;
	struct cipher_answer a;

	while (crypto_cipher_answers[i].id != id)
		i++;
	a = crypto_cipher_answers[i];
	snprintf(text, 256, "%s", a.cipher);
	text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
	a.cipher = text;
	return a;
}

static void test_wrong_answer_of_an_extra_makes_it_absent(void **state)
{
	struct cipher_answer c;
	struct mac_answer m = {
	    ALG_AUTH_AES_XCBC, "000102030405060708090a0b0c0d0e0f", "00", "000000000000000000000000"};
	struct err_text e = {0};
	char text[256];

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	c = spoilt_cipher(ALG_ENC_CHACHA20_POLY1305, text);
	assert_int_equal(crypto_known_answers(&c, 1, &m, 1, &e), 0);
	assert_false(crypto_has_enc(ALG_ENC_CHACHA20_POLY1305, 0));
	assert_false(crypto_has_auth(ALG_AUTH_AES_XCBC));
	assert_int_equal(sa_outcome(ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE), -EOPNOTSUPP);
	assert_int_equal(sa_outcome(ALG_ENC_NONE, ALG_AUTH_AES_XCBC), -EOPNOTSUPP);
	assert_int_equal(crypto_check_present(ALG_ENC_CHACHA20_POLY1305, 0, ALG_AUTH_NONE, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.s, "computes chacha20-poly1305 wrongly, so it is not used"));
	/* What is made from the same primitive and is right, stays. */
	assert_true(crypto_has_auth(ALG_AUTH_AES_CMAC));
	crypto_fini();
}

static void test_wrong_answer_of_one_key_length_leaves_the_others(void **state)
{
	struct cipher_answer c;
	struct err_text e = {0};
	char text[256];

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	c = spoilt_cipher(ALG_ENC_AES_CTR, text);
	assert_int_equal(crypto_known_answers(&c, 1, NULL, 0, &e), 0);
	assert_false(crypto_has_enc(ALG_ENC_AES_CTR, 20));
	assert_true(crypto_has_enc(ALG_ENC_AES_CTR, 28));
	assert_false(crypto_has_enc(ALG_ENC_AES_CTR, 0));
	crypto_fini();
}

static void test_wrong_answer_of_the_core_is_an_error(void **state)
{
	static const enum alg_enc core[] = {ALG_ENC_AES_CBC, ALG_ENC_AES_GCM_16};
	struct mac_answer m = {
	    ALG_AUTH_HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "00", "000000000000000000000000"};
	struct err_text e = {0};
	char text[256];

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(core); i++) {
		struct cipher_answer c = spoilt_cipher(core[i], text);

		assert_int_equal(crypto_known_answers(&c, 1, NULL, 0, &e), -EIO);
		assert_non_null(strstr(e.s, alg_enc_by_id(core[i])->name));
	}
	assert_int_equal(crypto_known_answers(NULL, 0, &m, 1, &e), -EIO);
	assert_non_null(strstr(e.s, "hmac-sha1"));
	crypto_fini();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest whole[] = {
	    cmocka_unit_test(test_all_here_nothing_is_absent),
	    cmocka_unit_test(test_wrong_answer_of_an_extra_makes_it_absent),
	    cmocka_unit_test(test_wrong_answer_of_one_key_length_leaves_the_others),
	    cmocka_unit_test(test_wrong_answer_of_the_core_is_an_error),
	};
	const struct CMUnitTest no_module[] = {
	    cmocka_unit_test(test_no_legacy_provider_starts_without_its_ciphers),
	};
	const struct CMUnitTest forbidden[] = {
	    cmocka_unit_test(test_forbidden_legacy_provider_starts_without_its_ciphers),
	};
	const struct CMUnitTest no_core[] = {
	    cmocka_unit_test(test_no_core_does_not_start_and_says_what_is_missing),
	};

	if (argc == 2 && strcmp(argv[1], "whole") == 0)
		return cmocka_run_group_tests_name("crypto/whole", whole, NULL, NULL);
	if (argc == 2 && strcmp(argv[1], "no-module") == 0)
		return cmocka_run_group_tests_name("crypto/no-module", no_module, NULL, NULL);
	if (argc == 2 && strcmp(argv[1], "forbidden") == 0)
		return cmocka_run_group_tests_name("crypto/forbidden", forbidden, NULL, NULL);
	if (argc == 2 && strcmp(argv[1], "no-core") == 0)
		return cmocka_run_group_tests_name("crypto/no-core", no_core, NULL, NULL);
	fprintf(stderr, "usage: test-crypto-absent whole | no-module | forbidden | no-core\n");
	return 2;
}
