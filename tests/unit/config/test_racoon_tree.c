/*
 * The shape of racoon.conf: the guide's four files as they stand, forms that the manuals show, and files that
 * are broken, each told where.
 *
 * Usage: test-config-racoon-tree FOLDER (of the guide's files).
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

#include "config/racoon/tree.h"

static const char *folder;
static char told[16384];

static void say(void *arg, const char *text)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%s\n", text);
}

static int parse(const char *text, size_t n, struct rc_tree **ret)
{
	told[0] = '\0';
	return rc_tree_parse("f", text, n, say, NULL, ret);
}

/* "remote 10.0.0.1{exchange_mode main,aggressive;}": every word once more, strings in quotes. */
static void write_body(const struct rc_tree *t, uint32_t i, uint32_t end, FILE *to)
{
	const struct rc_stmt *s;

	for (; (s = rc_stmt_at(t, i, end)); i = s->end) {
		const struct rc_word *w;

		for (uint32_t k = 0; (w = rc_word_at(t, s, k)); k++) {
			const char *quote = w->kind == RC_STRING ? "\"" : "";

			fprintf(to, "%s%s%.*s%s", k ? " " : "", quote, (int)w->n, w->p, quote);
		}
		if (s->has_body) {
			fputs("{", to);
			write_body(t, i + 1, s->end, to);
			fputs("}", to);
		} else {
			fputs(";", to);
		}
	}
}

static char *again(const struct rc_tree *t)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	write_body(t, 0, t->n_stmts, f);
	fclose(f);
	return text;
}

static const struct {
	int n;
	const char *text, *shape;
} good[] = {
    {1, "", ""},
    {2, "# nothing but a \" in a comment", ""},
    {3, "log debug;", "log debug;"},
    {4, "log debug;remote anonymous{}", "log debug;remote anonymous{}"},
    {5, "path pre_shared_key \"/etc/psk.txt\" ;\n", "path pre_shared_key \"/etc/psk.txt\";"},
    {6, "remote 10.0.0.1 [500] { exchange_mode main, aggressive; };",
        "remote 10.0.0.1 [ 500 ]{exchange_mode main , aggressive;}"},
    {7, "remote fe80::1%eth0 { }", "remote fe80::1%eth0{}"},
    {8, "sainfo address 10.0.0.0/24[any] any address 10.1.0.1-10.1.0.9 udp { pfs_group 2; }",
        "sainfo address 10.0.0.0 / 24 [ any ] any address 10.1.0.1-10.1.0.9 udp{pfs_group 2;}"},
    {9, "a \"two\nlines\" b;", "a \"two\nlines\" b;"},
    {10, "a \"\";", "a \"\";"},
    {11, "a { b { c; } d; } e;", "a{b{c;}d;}e;"},
    {12, "a # ; {\n;", "a;"},
    {13, "proposal { encryption_algorithm aes 256; hash_algorithm sha1; }",
        "proposal{encryption_algorithm aes 256;hash_algorithm sha1;}"},
    {14, "my_identifier asn1dn \"C=XX, O=Org, CN=a;b{c}\";",
        "my_identifier asn1dn \"C=XX, O=Org, CN=a;b{c}\";"},
    {15, ";;;", ""},
    {16, "a\r\n{\r\nb;\r\n}\r\n", "a{b;}"},
};

static void test_racoon_shapes_that_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		AUTO_RC_TREE struct rc_tree *t = NULL;
		AUTO_FREE char *shape = NULL;

		if (parse(good[i].text, strlen(good[i].text), &t) != 0)
			fail_msg("case %d: %s", good[i].n, told);
		shape = again(t);
		if (strcmp(shape, good[i].shape) != 0)
			fail_msg("case %d: %s", good[i].n, shape);
		assert_string_equal(told, "");
	}
}

static const struct {
	int n;
	const char *text, *told;
} bad[] = {
    {1, "log debug", "f:1:10: the file ends, and a `;` is missing\n"},
    {2, "remote anonymous {\n", "f:2:1: the file ends, and the `}` of a block is missing\n"},
    {3, "remote anonymous { a; ", "f:1:23: the file ends, and the `}` of a block is missing\n"},
    {4, "}", "f:1:1: \"}\" is not expected here\n"},
    {5, "log debug; }\nlog info;", "f:1:12: \"}\" is not expected here\n"},
    {6, "{ a; }", "f:1:1: \"{\" is not expected here\nf:1:6: \"}\" is not expected here\n"},
    {7, "log = debug;\npath x;\nfoo ! bar;",
        "f:1:5: \"=\" is not expected here\nf:3:5: \"!\" is not expected here\n"},
    {8, "path \"/etc;\nlog debug;\n", "f:1:6: \"\"\" is not expected here\n"},
    {9, "a { b; c }", "f:1:10: \"}\" is not expected here\n"},
    {10, "a \xc3\xa4;", "f:1:3: \"?\" is not expected here\n"},
    {11, "a{b{c{d{e{f{g{h{i{j;}}}}}}}}}",
        "f:1:18: \"{\" opens a block too deep inside of others: is a `}` missing?\n"},
};

static void test_racoon_shapes_that_are_broken_are_told_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rc_tree *t = NULL;
		int r = parse(bad[i].text, strlen(bad[i].text), &t);

		if (r != -EINVAL || t)
			fail_msg("case %d: %d", bad[i].n, r);
		if (strcmp(told, bad[i].told) != 0)
			fail_msg("case %d: %s", bad[i].n, told);
	}
}

static void test_racoon_places_are_those_of_the_words(void **state)
{
	static const char text[] = "# one\nremote anonymous {\n\tlog \"a\nb\" 12;\n}";
	AUTO_RC_TREE struct rc_tree *t = NULL;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &t), 0);
	assert_int_equal(t->words[0].line, 2);
	assert_int_equal(t->words[1].column, 8);
	assert_int_equal(t->words[2].line, 3);
	assert_int_equal(t->words[2].column, 2);
	assert_int_equal(t->words[3].kind, RC_STRING);
	assert_int_equal(t->words[4].line, 4);
	assert_int_equal(t->words[4].kind, RC_NUMBER);
	assert_true(rc_word_is(&t->words[0], "remote"));
	assert_false(rc_word_is(&t->words[0], "remot"));
	assert_false(rc_word_is(&t->words[3], "a\nb")); /* a string is no keyword */
}

static void test_racoon_endless_rubbish_is_given_up(void **state)
{
	struct rc_tree *t = NULL;
	size_t n = 0, lines = 0;
	char *text = malloc(RC_FILE_MAX + 1);

	(void)state;
	assert_non_null(text);
	for (; n + 2 <= RC_FILE_MAX; n += 2)
		memcpy(text + n, "=;", 2);
	assert_int_equal(parse(text, n, &t), -EINVAL);
	for (const char *p = told; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, RC_MESSAGES_MAX + 1);
	assert_non_null(strstr(told, "\nf:1:39: too many errors: the rest is not looked at\n"));
	for (n = 0; n + 2 <= RC_FILE_MAX; n += 2)
		memcpy(text + n, "a ", 2);
	assert_int_equal(parse(text, n, &t), -EINVAL);
	assert_string_equal(
	    told, "f:1:513: \"a\" is one word too many for a statement: is a `;` missing in front of it?\n");
	memset(text, '#', RC_FILE_MAX + 1);
	assert_int_equal(parse(text, RC_FILE_MAX + 1, &t), -EFBIG);
	assert_int_equal(parse(text, RC_FILE_MAX, &t), 0);
	rc_tree_free(t);
	free(text);
}

static void test_racoon_zeros_are_octets_like_others(void **state)
{
	struct rc_tree *t = NULL;

	(void)state;
	assert_int_equal(parse("log\0debug;", 10, &t), -EINVAL);
	assert_string_equal(told, "f:1:4: \"?\" is not expected here\n");
	assert_int_equal(parse("log \"a\0b\";", 10, &t), -EINVAL);
}

static char *read_all(const char *name, size_t *ret)
{
	char path[512], *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_true(f && text);
	*ret = fread(text, 1, 65535, f);
	fclose(f);
	return text;
}

static void test_racoon_the_guides_files_have_their_shape(void **state)
{
	static const struct {
		const char *name, *begins, *has;
	} files[] = {
	    {"psk-elmer.racoon.conf", "path pre_shared_key \"/etc/inet/psk.txt\";log debug;remote anonymous{",
	        "my_identifier address 10.0.0.110;lifetime time 1 hour;proposal{encryption_algorithm 3des;"},
	    {"psk-relent.racoon.conf",
	        "path pre_shared_key \"/etc/inet/psk.txt\";log debug;remote anonymous{",
	        "sainfo anonymous{pfs_group 2;lifetime time 10 hour;encryption_algorithm 3des , blowfish;"},
	    {"cert-elmer.racoon.conf",
	        "path certificate \"/usr/local/ssl/certs\";log debug;remote 10.0.0.100{",
	        "certificate_type x509 \"elmer_cert.pem\" \"privkey.pem\";peers_certfile "
	        "\"relent_cert.pem\";"},
	    {"cert-relent.racoon.conf",
	        "path certificate \"/usr/local/ssl/certs\";log debug;remote 10.0.0.110{",
	        "authentication_algorithm hmac_sha1 , hmac_md5;compression_algorithm deflate;}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t n;
		AUTO_FREE char *text = read_all(files[i].name, &n), *shape = NULL;
		AUTO_RC_TREE struct rc_tree *t = NULL;

		if (parse(text, n, &t) != 0)
			fail_msg("%s: %s", files[i].name, told);
		shape = again(t);
		assert_memory_equal(shape, files[i].begins, strlen(files[i].begins));
		if (!strstr(shape, files[i].has))
			fail_msg("%s: %s", files[i].name, shape);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_racoon_shapes_that_are_right),
	    cmocka_unit_test(test_racoon_shapes_that_are_broken_are_told_where),
	    cmocka_unit_test(test_racoon_places_are_those_of_the_words),
	    cmocka_unit_test(test_racoon_endless_rubbish_is_given_up),
	    cmocka_unit_test(test_racoon_zeros_are_octets_like_others),
	    cmocka_unit_test(test_racoon_the_guides_files_have_their_shape),
	};

	if (argc != 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
