/*
 * As many IKE SAs as keyd lets be, of the version with more keys and with the longest ones, have their keys
 * in the arena, and there is room left for negotiations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/ike2.h"
#include "keyd/core/core.h"

static void test_arena_holds_the_keys_of_all(void **state)
{
	enum { KEYS = 7, MORE = 300, CIPHER_KEY = 36 };
	struct secret **key = calloc((CORE_SAS_MAX + MORE) * KEYS, sizeof(*key));
	struct err_text e = {{0}};

	(void)state;
	assert_non_null(key);
	assert_int_equal(secret_init(CORE_ARENA, &e), 0);
	for (size_t i = 0; i < (CORE_SAS_MAX + MORE) * KEYS; i++) {
		/* Two of the seven are for the cipher, and shorter than the hash's. */
		key[i] = secret_new(i % KEYS < 2 ? CIPHER_KEY : ALG_PRF_LEN_MAX);
		assert_non_null(key[i]);
	}
	for (size_t i = 0; i < (CORE_SAS_MAX + MORE) * KEYS; i++)
		secret_free(key[i]);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_arena_holds_the_keys_of_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
