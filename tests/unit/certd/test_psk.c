/*
 * psk.txt: the guide's two files (S217, S218), what its manual says of lines, and who may have written it.
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

#include "certd/psk.h"

static const struct {
	int n;
	const char *file, *id, *key; /* NULL: there is none */
} cases[] = {
    {1, "10.0.0.100 mekmitasdigoat\n", "10.0.0.100", "mekmitasdigoat"},
    {2, "10.0.0.110 mekmitasdigoat", "10.0.0.110", "mekmitasdigoat"},
    {3, "10.0.0.100 mekmitasdigoat\n", "10.0.0.10", NULL},
    {4, "10.0.0.10 mekmitasdigoat\n", "10.0.0.100", NULL},
    {5, "", "10.0.0.100", NULL},
    {6, "a\tone two  three \nb four", "a", "one two  three "},
    {7, "a  \t two\n", "a", "two"},
    {8, "a one\r\nb two\r\n", "b", "two"},
    {9, "# a one\n#b two\nb two\n", "#", NULL},
    {10, " # is no comment in another column\nb #two\n", "b", "#two"},
    {11, "\n\n\nb two", "b", "two"},
    {12, "b one\nb two\n", "b", "one"},
    {13, "B one\n", "b", NULL},
    {14, "* one\nb two\n", "b", "one"},
    {15, "b two\n* one\n", "anybody", "one"},
    {16, "b two\n* one\n", "b", "two"},
    {17, "user@host.example key", "user@host.example", "key"},
    {18, "b", "b", NULL},
    {19, "b  \n", "b", NULL},
    {20, "b 0x6b6579", "b", "key"},
    {21, "b 0xa6b65", "b", "\nke"},
    {22, "b 0x6B65zz", "b", "0x6B65zz"},
    {23, "b 0x", "b", "0x"},
    {24, "b 0X6b", "b", "0X6b"},
    {25, " b key", "b", NULL}, /* the identity begins the line */
    {26, "b 0xa", "b", "\n"},
};

static void test_psk_numbered_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_SECRET struct secret *k = NULL;
		int r = psk_find(cases[i].file, strlen(cases[i].file), cases[i].id, strlen(cases[i].id), &k);

		if (r != (cases[i].key ? 0 : -ENOENT))
			fail_msg("case %d: %d", cases[i].n, r);
		if (k && (secret_len(k) != strlen(cases[i].key) ||
		             memcmp(secret_bytes(k), cases[i].key, secret_len(k)) != 0))
			fail_msg("case %d: another key", cases[i].n);
	}
}

static void test_psk_any_octets_may_be_an_identity_or_a_key(void **state)
{
	static const char file[] = "\xff\x01\0\x02 k\0y\n";
	AUTO_SECRET struct secret *k = NULL;

	(void)state;
	assert_int_equal(psk_find(file, sizeof(file) - 1, "\xff\x01\0\x02", 4, &k), 0);
	assert_int_equal(secret_len(k), 3);
	assert_memory_equal(secret_bytes(k), "k\0y", 3);
}

static void test_psk_lines_that_are_too_long_are_nobodys(void **state)
{
	char file[PSK_LINE_MAX + 16];
	struct secret *k = NULL;

	(void)state;
	memset(file, 'k', sizeof(file));
	memcpy(file, "b ", 2);
	assert_int_equal(psk_find(file, PSK_LINE_MAX + 1, "b", 1, &k), -ENOENT);
	assert_int_equal(psk_find(file, PSK_LINE_MAX, "b", 1, &k), 0);
	assert_int_equal(secret_len(k), PSK_LINE_MAX - 2);
	secret_free(k);
	memcpy(file + PSK_LINE_MAX + 8, "\nc key", 6);
	assert_int_equal(psk_find(file, PSK_LINE_MAX + 14, "c", 1, &k), 0);
	secret_free(k);
}

static const struct {
	mode_t mode;
	uid_t uid;
	const char *says; /* NULL: it may be used */
} files[] = {
    {S_IFREG | 0600, 0, NULL},
    {S_IFREG | 0400, 0, NULL},
    {S_IFREG | 0700, 0, NULL},
    {S_IFREG | 0640, 0, "psk.txt has weak file permission 0640: chmod 600 psk.txt"},
    {S_IFREG | 0604, 0, "has weak file permission 0604"},
    {S_IFREG | 0610, 0, "has weak file permission"},
    {S_IFREG | 0600, 1000, "psk.txt has invalid owner uid 1000: chown 0 psk.txt"},
    {S_IFDIR | 0700, 0, "is an invalid file type 040000"},
    {S_IFIFO | 0600, 0, "is an invalid file type"},
};

static void test_psk_who_may_have_written_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const struct stat st = {.st_mode = files[i].mode, .st_uid = files[i].uid};
		struct err_text e = {{0}};
		int r = psk_file_check("psk.txt", &st, 0, &e);

		if (r != (files[i].says ? -EPERM : 0) || (files[i].says && !strstr(e.s, files[i].says)))
			fail_msg("row %zu: %d: %s", i, r, e.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_psk_numbered_lines),
	    cmocka_unit_test(test_psk_any_octets_may_be_an_identity_or_a_key),
	    cmocka_unit_test(test_psk_lines_that_are_too_long_are_nobodys),
	    cmocka_unit_test(test_psk_who_may_have_written_the_file),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
