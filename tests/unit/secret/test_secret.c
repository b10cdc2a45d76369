#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "secret/secret.h"

static int setup(void **state)
{
	struct err_text e = {0};

	(void)state;
	if (secret_init(1 << 16, &e) < 0)
		print_error("%s\n", e.s);
	return secret_init(1 << 16, &e);
}

/* The mapping that holds p, from /proc/self/maps. */
static void mapping_of(const void *p, const uint8_t **ret_start, const uint8_t **ret_end)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long a, b;
	char line[512];

	assert_non_null(f);
	*ret_start = *ret_end = NULL;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &a, &b) == 2 && (uintptr_t)p >= a && (uintptr_t)p < b) {
			*ret_start = (const uint8_t *)a;
			*ret_end = (const uint8_t *)b;
		}
	fclose(f);
	assert_non_null(*ret_start);
}

/* The flags line of /proc/self/smaps for the mapping that holds p. */
static void flags_of(const void *p, char *ret, size_t room)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long a, b;
	char line[512];
	bool mine = false;

	assert_non_null(f);
	ret[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &a, &b) == 2)
			mine = (uintptr_t)p >= a && (uintptr_t)p < b;
		else if (mine && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(ret, room, "%s", line);
	}
	fclose(f);
}

static void test_secret_freed_octets_are_nowhere_in_the_arena(void **state)
{
	/* Built at run time from two halves, so that the pattern itself is in no readable constant of the
	 * arena. */
	uint8_t pattern[48];
	const uint8_t *start, *end;
	struct secret *s;

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 37 + 11);
	s = secret_new(200);
	assert_non_null(s);
	mapping_of(secret_bytes(s), &start, &end);
	assert_int_equal(secret_set(s, pattern, sizeof(pattern)), 0);
	assert_non_null(memmem(start, (size_t)(end - start), pattern, 16));
	s = secret_free(s);
	assert_null(s);
	assert_null(memmem(start, (size_t)(end - start), pattern, 16));
	assert_null(memmem(start, (size_t)(end - start), pattern + 32, 16));
}

static void test_secret_set_again_wipes_what_was_there(void **state)
{
	AUTO_SECRET struct secret *s = secret_new(32);

	(void)state;
	assert_int_equal(secret_set(s, "0123456789abcdef", 16), 0);
	assert_int_equal(secret_set(s, "xy", 2), 0);
	assert_int_equal(secret_len(s), 2);
	assert_memory_equal(secret_bytes(s), "xy\0\0\0\0", 6);
}

static void test_secret_set_beyond_capacity_changes_nothing(void **state)
{
	AUTO_SECRET struct secret *s = secret_dup_bytes("abcd", 4);

	(void)state;
	assert_int_equal(secret_cap(s), 4);
	assert_int_equal(secret_set(s, "abcde", 5), -90);
	assert_int_equal(secret_len(s), 4);
	assert_memory_equal(secret_bytes(s), "abcd", 4);
}

static void test_secret_equal_by_octets_and_length(void **state)
{
	AUTO_SECRET struct secret *a = secret_dup_bytes("abcd", 4);
	AUTO_SECRET struct secret *b = secret_dup_bytes("abcd", 4);
	AUTO_SECRET struct secret *c = secret_dup_bytes("abce", 4);
	AUTO_SECRET struct secret *d = secret_dup_bytes("abc", 3);
	AUTO_SECRET struct secret *none = secret_dup_bytes(NULL, 0);

	(void)state;
	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	assert_false(secret_equal(a, d));
	assert_false(secret_equal(d, a));
	assert_int_equal(secret_len(none), 0);
}

static void test_secret_full_arena_gives_null_and_recovers(void **state)
{
	struct secret *all[4096];
	size_t n = 0;

	(void)state;
	while (n < ARRAY_SIZE(all) && (all[n] = secret_new(64)))
		n++;
	assert_in_range(n, 100, ARRAY_SIZE(all) - 1);
	assert_null(secret_new(64));
	assert_null(secret_new(SIZE_MAX));
	while (n)
		secret_free(all[--n]);
	all[0] = secret_new(1 << 14);
	assert_non_null(all[0]);
	secret_free(all[0]);
}

static void test_secret_memory_is_locked_undumped_and_wiped_on_fork(void **state)
{
	AUTO_SECRET struct secret *s = secret_dup_bytes("only for the parent", 19);
	char flags[512];
	int status = -1;
	pid_t pid;

	(void)state;
	flags_of(secret_bytes(s), flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo")); /* locked */
	assert_non_null(strstr(flags, " dd")); /* left out of dumps */
	assert_non_null(strstr(flags, " wf")); /* zero in a child */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const volatile uint8_t *p = secret_bytes(s);

		_exit(p[0] == 0 && p[18] == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(secret_bytes(s), "only for the parent", 19);
}

static const volatile uint8_t *seen_by_guard;

__attribute__((noinline)) static void leave_octets_on_the_stack(bool early)
{
	uint8_t k[64];
	AUTO_WIPE(k);

	memset(k, 0xa7, sizeof(k));
	seen_by_guard = k;
	if (early)
		return;
	memset(k, 0xa8, sizeof(k));
}

/* Reads the dead frame on purpose, which a sanitizer would rightly object to. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static bool dead_frame_is_clean(void)
{
	for (size_t i = 0; i < 64; i++)
		if (seen_by_guard[i] == 0xa7 || seen_by_guard[i] == 0xa8)
			return false;
	return true;
}

static void test_auto_wipe_every_way_out_leaves_no_octets(void **state)
{
	(void)state;
	leave_octets_on_the_stack(true);
	assert_true(dead_frame_is_clean());
	leave_octets_on_the_stack(false);
	assert_true(dead_frame_is_clean());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_secret_freed_octets_are_nowhere_in_the_arena),
	    cmocka_unit_test(test_secret_set_again_wipes_what_was_there),
	    cmocka_unit_test(test_secret_set_beyond_capacity_changes_nothing),
	    cmocka_unit_test(test_secret_equal_by_octets_and_length),
	    cmocka_unit_test(test_secret_full_arena_gives_null_and_recovers),
	    cmocka_unit_test(test_secret_memory_is_locked_undumped_and_wiped_on_fork),
	    cmocka_unit_test(test_auto_wipe_every_way_out_leaves_no_octets),
	};

	return cmocka_run_group_tests_name("secret/secret", tests, setup, NULL);
}
