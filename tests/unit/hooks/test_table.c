/*
 * A file for a peer's event, of one generation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#include "hooks/table.h"

static void test_table_finds_what_was_put(void **state)
{
	enum { PEERS = 50 };
	struct hook_table *t = hook_table_new();
	char path[32];

	(void)state;
	assert_non_null(t);
	t->generation = 9;
	for (uint32_t i = 0; i < PEERS; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		assert_int_equal(hook_table_add(t, i, i % 2 ? IKE_HOOK_UP : IKE_HOOK_DEAD, path, "f:1"), 0);
	}
	for (uint32_t i = 0; i < PEERS; i++) {
		enum ike_hook there = i % 2 ? IKE_HOOK_UP : IKE_HOOK_DEAD;

		snprintf(path, sizeof(path), "/%u", i);
		assert_string_equal(hook_table_find(t, 9, i, there)->path, path);
		assert_string_equal(hook_table_find(t, 9, i, there)->place, "f:1");
		assert_null(hook_table_find(t, 9, i, IKE_HOOK_DOWN));
		assert_null(hook_table_find(t, 8, i, there));
	}
	assert_null(hook_table_find(t, 9, PEERS, IKE_HOOK_UP));
	assert_null(hook_table_find(NULL, 9, 0, IKE_HOOK_DEAD));
	assert_int_equal(hook_table_add(t, 1, IKE_HOOK_UP, "/other", ""), -EEXIST);
	assert_string_equal(hook_table_find(t, 9, 1, IKE_HOOK_UP)->path, "/1");
	assert_null(hook_table_free(t));
	assert_null(hook_table_free(NULL));
}

/* A script for each event of as many peers as there can be, and no more. */
static void test_table_has_an_end(void **state)
{
	struct hook_table *t = hook_table_new();

	(void)state;
	t->file = calloc(HOOKS_MAX, sizeof(*t->file));
	assert_non_null(t->file);
	t->n = t->room = HOOKS_MAX;
	assert_int_equal(hook_table_add(t, 1, IKE_HOOK_UP, "/a", ""), -ENOSPC);
	assert_int_equal(t->n, HOOKS_MAX);
	hook_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table_finds_what_was_put),
	    cmocka_unit_test(test_table_has_an_end),
	};

	return cmocka_run_group_tests_name("hooks/table", tests, NULL, NULL);
}
