/*
 * Each kind of refusal has a code of its own in the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "certd/refusal.h"

static void test_refusal_codes_differ(void **state)
{
	static const int codes[] = {
	    EPERM, ENOENT, EKEYREJECTED, EACCES, EBADMSG, EBUSY, ESTALE, EKEYEXPIRED, EOPNOTSUPP, EINVAL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		assert_int_equal(strncmp(refusal_event(-codes[i]), "certd.", 6), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(refusal_event(-codes[i]), refusal_event(-codes[k]));
	}
	assert_string_equal(refusal_event(-EPERM), "certd.file_mode");
	assert_string_equal(refusal_event(-EKEYREJECTED), "certd.key_mismatch");
	assert_string_equal(refusal_event(-EINVAL), "certd.refused");
	assert_string_equal(refusal_event(-ENOMEM), "certd.refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusal_codes_differ)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
