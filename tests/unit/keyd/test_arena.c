/*
 * As many IKE SAs as keyd lets be, of the version with more keys and with the longest ones, have their keys
 * in the arena, and there is room left for negotiations and for what strangers have begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/ike2.h"
#include "keyd/core/core.h"
#include "keyd/ike2/sa.h"

enum {
	KEYS = 7,
	MORE = 300,
	CIPHER_KEY = 36,
	PRIVATE = 72, /* of group 21, in whole words */
	STEP = 500,
};

static struct secret *take(size_t n)
{
	struct secret *s = secret_new(n);

	assert_non_null(s);
	return s;
}

/* So many that are up, with as many strangers of either version as there may be beside them. */
static void hold(size_t n_up)
{
	size_t n_keys = (n_up + MORE) * KEYS, n_private = ike2_silent_max((uint32_t)n_up) + CORE_RETURNED_MAX;
	struct secret **key = calloc(n_keys + n_private, sizeof(*key));

	assert_non_null(key);
	/* Two of the seven are for the cipher, and shorter than the hash's. */
	for (size_t i = 0; i < n_keys; i++)
		key[i] = take(i % KEYS < 2 ? CIPHER_KEY : ALG_PRF_LEN_MAX);
	for (size_t i = 0; i < n_private; i++)
		key[n_keys + i] = take(PRIVATE);
	for (size_t i = 0; i < n_keys + n_private; i++)
		secret_free(key[i]);
	free(key);
}

static void test_arena_holds_the_keys_of_all(void **state)
{
	struct err_text e = {{0}};

	(void)state;
	assert_int_equal(secret_init(CORE_ARENA, &e), 0);
	for (size_t n_up = 0; n_up <= CORE_SAS_MAX; n_up += STEP)
		hold(n_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_arena_holds_the_keys_of_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
