/*
 * Errors per thread, key lengths, and the hexadecimal dump.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet6/ipsec.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_errors_last_until_the_next_failure(void **state)
{
	const char *first, *own;
	char *policy;

	(void)state;
	assert_null(ipsec_set_policy("bad", 3));
	first = ipsec_strerror();
	policy = ipsec_set_policy("out none", 8);
	assert_string_equal(ipsec_strerror(), "Success");
	assert_string_equal(first, "Invalid direction");
	assert_null(ipsec_set_policy("out none $", 10));
	own = ipsec_strerror();
	assert_string_equal(own, "Syntax error at [$]");
	assert_int_equal(ipsec_get_policylen(policy), 16);
	assert_string_equal(ipsec_strerror(), "Success");
	assert_string_equal(own, "Syntax error at [$]"); /* a call that succeeds takes nothing away */
	free(policy);
}

enum { THREADS = 8, ROUNDS = 500 };

static pthread_barrier_t all;

/* Each thread fails in its own way, again and again, with all others at it; NULL when nothing was wrong. */
static void *fail_in_my_way(void *arg)
{
	static const struct {
		const char *text, *want;
	} ways[] = {
	    {"bad", "Invalid direction"},
	    {"out none $", "Syntax error at [$]"},
	    {"out none @", "Syntax error at [@]"},
	    {"out ipsec esp", "Too few arguments"},
	    {"out none", "Success"},
	};
	size_t i = (size_t)(uintptr_t)arg % COUNT(ways);
	void *wrong = NULL;

	pthread_barrier_wait(&all);
	for (int round = 0; round < ROUNDS; round++) {
		char *policy = ipsec_set_policy(ways[i].text, (int)strlen(ways[i].text));

		if (strcmp(ipsec_strerror(), ways[i].want) != 0)
			wrong = (void *)(uintptr_t)ways[i].text;
		free(policy);
	}
	return wrong;
}

static void test_errors_belong_to_their_thread(void **state)
{
	pthread_t threads[THREADS];
	void *wrong;

	(void)state;
	assert_null(ipsec_set_policy("out ipsec esp/nomode", 20));
	assert_int_equal(pthread_barrier_init(&all, NULL, THREADS), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fail_in_my_way, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	pthread_barrier_destroy(&all);
	assert_string_equal(ipsec_strerror(), "Invalid ipsec mode");
}

static void test_key_lengths(void **state)
{
	/* From the documents that define the algorithms: FIPS 46-3 and 197, RFC 2451, 3686, 4106, 4868. */
	static const struct {
		unsigned type, alg, bits;
		const char *want;
	} cases[] = {
	    {SADB_SATYPE_ESP, SADB_EALG_DESCBC, 64, "Success"},
	    {SADB_SATYPE_ESP, SADB_EALG_DESCBC, 56, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_EALG_3DESCBC, 192, "Success"},
	    {SADB_SATYPE_ESP, SADB_EALG_3DESCBC, 128, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_BLOWFISHCBC, 40, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_BLOWFISHCBC, 448, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_BLOWFISHCBC, 456, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AESCBC, 128, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AESCBC, 192, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AESCBC, 136, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AESCBC, 129, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AESCTR, 160, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AES_GCM_ICV16, 288, "Success"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_AES_GCM_ICV16, 256, "Invalid key length"},
	    {SADB_SATYPE_ESP, SADB_EALG_NULL, 0, "Success"},
	    {SADB_SATYPE_ESP, SADB_EALG_NONE, 0, "unsupported algorithm"},
	    {SADB_SATYPE_ESP, SADB_X_EALG_TWOFISHCBC, 128, "unsupported algorithm"},
	    {SADB_SATYPE_ESP, 100000, 128, "unsupported algorithm"},
	    {SADB_SATYPE_AH, SADB_AALG_MD5HMAC, 128, "Success"},
	    {SADB_SATYPE_AH, SADB_AALG_SHA1HMAC, 160, "Success"},
	    {SADB_SATYPE_AH, SADB_AALG_SHA1HMAC, 128, "Invalid key length"},
	    {SADB_SATYPE_AH, SADB_X_AALG_SHA2_256HMAC, 256, "Success"},
	    {SADB_SATYPE_AH, SADB_X_AALG_SHA2_512HMAC, 512, "Success"},
	    {SADB_SATYPE_AH, 0, 128, "unsupported algorithm"},
	    {SADB_X_SATYPE_IPCOMP, SADB_X_CALG_DEFLATE, 0, "Invalid SA type"},
	    {0, SADB_EALG_DESCBC, 64, "Invalid SA type"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool ok = strcmp(cases[i].want, "Success") == 0;

		assert_int_equal(
		    ipsec_check_keylen2(cases[i].type, cases[i].alg, cases[i].bits), ok ? 0 : -1);
		assert_string_equal(ipsec_strerror(), cases[i].want);
	}
	assert_int_equal(ipsec_check_keylen(SADB_EXT_SUPPORTED_AUTH, SADB_AALG_MD5HMAC, 128), 0);
	assert_int_equal(ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_EALG_DESCBC, 64), 0);
	assert_int_equal(ipsec_check_keylen(SADB_EXT_SA, SADB_EALG_DESCBC, 64), -1);
	assert_string_equal(ipsec_strerror(), "Unexpected extension type");
}

static void test_key_lengths_of_an_algorithm(void **state)
{
	struct sadb_alg alg;

	(void)state;
	assert_int_equal(ipsec_get_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, &alg), 0);
	assert_int_equal(alg.sadb_alg_id, SADB_X_EALG_AESCBC);
	assert_int_equal(alg.sadb_alg_ivlen, 16);
	assert_int_equal(alg.sadb_alg_minbits, 128);
	assert_int_equal(alg.sadb_alg_maxbits, 256);
	assert_int_equal(ipsec_get_keylen(SADB_EXT_SUPPORTED_AUTH, SADB_X_AALG_SHA2_512HMAC, &alg), 0);
	assert_int_equal(alg.sadb_alg_ivlen, 0);
	assert_int_equal(alg.sadb_alg_minbits, 512);
	assert_int_equal(alg.sadb_alg_maxbits, 512);
	assert_int_equal(ipsec_get_keylen(SADB_EXT_SUPPORTED_AUTH, SADB_X_EALG_AESCTR, &alg), -1);
	assert_string_equal(ipsec_strerror(), "unsupported algorithm");
	assert_int_equal(ipsec_get_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, NULL), -1);
	assert_string_equal(ipsec_strerror(), "Invalid argument");
}

/* Runs ipsec_hexdump() with standard output in a pipe. */
static const char *hexdump(const void *p, int n, char *got, size_t room)
{
	int pipes[2], saved = dup(STDOUT_FILENO);
	ssize_t len;

	assert_int_equal(pipe(pipes), 0);
	fflush(stdout);
	dup2(pipes[1], STDOUT_FILENO);
	ipsec_hexdump(p, n);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(pipes[1]);
	len = read(pipes[0], got, room - 1);
	close(pipes[0]);
	got[len > 0 ? len : 0] = '\0';
	return got;
}

static void test_hexdump(void **state)
{
	uint8_t bytes[34];
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0xf0 + i);
	assert_string_equal(hexdump(bytes, 5, got, sizeof(got)), "f0f1f2f3 f4\n");
	assert_string_equal(hexdump(bytes, 34, got, sizeof(got)),
	    "f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff 00010203 04050607 08090a0b 0c0d0e0f\n1011\n");
	assert_string_equal(hexdump(bytes, 0, got, sizeof(got)), "");
	assert_string_equal(hexdump(NULL, 5, got, sizeof(got)), "");
	assert_string_equal(hexdump(bytes, -1, got, sizeof(got)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors_last_until_the_next_failure),
	    cmocka_unit_test(test_errors_belong_to_their_thread),
	    cmocka_unit_test(test_key_lengths),
	    cmocka_unit_test(test_key_lengths_of_an_algorithm),
	    cmocka_unit_test(test_hexdump),
	};

	return cmocka_run_group_tests_name("libipsec errors, key lengths, dump", tests, NULL, NULL);
}
