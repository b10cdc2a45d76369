/*
 * postern.conf into the model: what is malformed is told with its place and never with a secret, all of it at
 * once; and what the short forms mean. Argument: the file of malformed statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "config/native/native.h"

enum { TEXT_MAX = 4096, ROWS_MIN = 280 };

#define CHILD " child 10.1.0.0/24 = 10.2.0.0/24\n"
#define REST  " remote 192.0.2.1\n secret \"0123456789abcdef0\"\n"

static const char *malformed_file;
static bool in_memory; /* what is included comes from load() */

struct heard {
	char first[TEXT_MAX], all[TEXT_MAX * 4], sources[TEXT_MAX * 4], warnings[TEXT_MAX];
	unsigned n_errors, n_warnings;
	mode_t mode;
	uid_t owner;
};

static void hear(void *arg, const struct native_note *n)
{
	struct heard *h = arg;
	char line[TEXT_MAX];

	snprintf(line, sizeof(line), "%s:%u:%u: %s", n->file, n->line, n->column, n->text);
	if (n->is_error && !h->n_errors)
		strcpy(h->first, line);
	h->n_errors += n->is_error;
	h->n_warnings += !n->is_error;
	strcat(n->is_error ? h->all : h->warnings, line);
	strcat(n->is_error ? h->all : h->warnings, "\n");
	strcat(h->sources, n->source);
	strcat(h->sources, "\n");
}

/* What files named in a text hold. */
static int load(void *arg, const char *path, struct native_text *ret)
{
	const struct heard *h = arg;
	const char *text = strcmp(path, "/self") == 0   ? "include /self\n"
	                   : strcmp(path, "/part") == 0 ? "connection part {\n" REST CHILD "}\n"
	                                                : NULL;

	if (!text)
		return -ENOENT;
	*ret = (struct native_text){.p = strdup(text), .n = strlen(text), .mode = h->mode, .owner = h->owner};
	return 0;
}

static struct native_conf *read_as(const char *text, mode_t mode, uid_t owner, struct heard *h)
{
	const struct native_options o = {.say = hear, .arg = h, .load = in_memory ? load : NULL};
	const struct native_text t = {
	    .p = (char *)(uintptr_t)text, .n = strlen(text), .mode = mode, .owner = owner};
	struct native_conf *conf = NULL;
	int r;

	memset(h, 0, sizeof(*h));
	h->mode = mode;
	h->owner = owner;
	r = native_read_text("f", &t, &o, &conf);
	assert_int_equal(r, h->n_errors ? -EINVAL : 0);
	assert_int_equal(conf != NULL, r == 0);
	return conf;
}

static struct native_conf *good(const char *text, struct heard *h)
{
	struct native_conf *conf = read_as(text, S_IFREG | 0600, 0, h);

	if (!conf)
		fail_msg("%s", h->all);
	return conf;
}

static void expect_error(const char *text, const char *error)
{
	struct heard h;

	assert_null(read_as(text, S_IFREG | 0600, 0, &h));
	assert_string_equal(h.first, error);
}

static void wrap(const char *block, const char *statement, char *buf)
{
	if (strcmp(block, "TOP") == 0)
		snprintf(buf, TEXT_MAX, "%s\n", statement);
	else if (strcmp(block, "CONN") == 0)
		snprintf(buf, TEXT_MAX, "connection x {\n %s\n" REST CHILD "}\n", statement);
	else if (strcmp(block, "CHILD") == 0)
		snprintf(buf, TEXT_MAX,
		    "connection x {\n" REST " child 10.1.0.0/24 = 10.2.0.0/24 {\n %s\n }\n}\n", statement);
	else
		fail_msg("no such block: %s", block);
}

/* "\n" in the file of statements stands for the end of a line. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		bool is_end = s[0] == '\\' && s[1] == 'n';

		*to++ = is_end ? '\n' : *s;
		s += is_end;
	}
	*to = '\0';
}

static void one_row(char *row)
{
	char *statement = strchr(row, '\t'), *message = statement ? strchr(statement + 1, '\t') : NULL;
	char text[TEXT_MAX], expected[TEXT_MAX];

	assert_non_null(message);
	*statement++ = '\0';
	*message++ = '\0';
	unescape(statement);
	wrap(row, statement, text);
	snprintf(expected, sizeof(expected), "f:%s", message);
	expect_error(text, expected);
}

static void test_native_what_is_malformed_is_told_with_its_place(void **state)
{
	FILE *f = fopen(malformed_file, "re");
	char row[TEXT_MAX];
	unsigned n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(row, sizeof(row), f)) {
		row[strcspn(row, "\n")] = '\0';
		if (row[0] == '#')
			continue;
		one_row(row);
		n++;
	}
	fclose(f);
	assert_in_range(n, ROWS_MIN, 10000);
}

static void test_native_all_faults_are_told_at_once(void **state)
{
	static const char text[] = "conection a { }\n"
	                           "connection b {\n"
	                           " remot any\n"
	                           " secret \"0123456789abcdef0\n"
	                           " child 10.0.0.1/8 = any { esp aes }\n"
	                           " ike aes256-sha256\n"
	                           "}\n"
	                           "policy none 10.0.0.0/8\n";
	struct heard h;

	(void)state;
	assert_null(read_as(text, S_IFREG | 0600, 0, &h));
	assert_string_equal(h.all,
	    "f:4:9: \"\"\" has no second one on its line: a text in quotes ends with its line\n"
	    "f:1:1: \"conection\" is no statement here; did you mean `connection`?\n"
	    "f:3:2: \"remot\" is no statement here; did you mean `remote`?\n"
	    "f:5:8: \"10.0.0.1/8\" has bits set behind its length: did you mean `10.0.0.0/8`?\n"
	    "f:5:31: \"aes\" is not the name of an algorithm; did you mean aes128, aes192 or aes256?\n"
	    "f:6:6: \"aes256-sha256\" has no group, as modp2048 or ecp256\n"
	    "f:8:13: \"10.0.0.0/8\" wants `=` and the remote side behind it\n");
}

static void test_native_faults_have_an_end(void **state)
{
	char text[200 * 4 + 1] = "";
	struct heard h;

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(text, "xx\n");
	assert_null(read_as(text, S_IFREG | 0600, 0, &h));
	assert_int_equal(h.n_errors, 100);
}

/* Wherever the slip is, neither the remark nor the line under it has an octet of the secret. */
static void test_native_no_remark_shows_a_secret(void **state)
{
	static const char *const lines[] = {
	    "secret \"SESAME\" more",
	    "secret SESAME",
	    "secret SESAME SESAME",
	    "secret = SESAME",
	    "secret \"SESAME",
	    "secret SES$AME",
	    "secrt SESAME",
	    "Secret SESAME",
	    "secret {\n SESAME \"SESAME\"\n }",
	    "sekret \"SESAME\"",
	    "secret \"SESAME\" { }",
	    "local \"SESAME\"; secret \"SESAME\"",
	    "psk \"SESAME\"",
	    "192.0.2.1 SESAME",
	    "secret \"SESAME\"\n secret \"SESAME\"",
	    "secret-file /x\n secret \"SESAME\"",
	    "secret \"SESAME\"; SESAME",
	    "secret \"\"; $SESAME",
	};
	char text[TEXT_MAX];
	struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		wrap("CONN", lines[i], text);
		assert_null(read_as(text, S_IFREG | 0600, 0, &h));
		if (strstr(h.all, "SESAME") || strstr(h.sources, "SESAME") || strstr(h.warnings, "SESAME"))
			fail_msg("%s: %s%s", lines[i], h.all, h.sources);
	}
}

static void test_native_lines_are_shown_up_to_what_is_harmless(void **state)
{
	struct heard h;

	(void)state;
	assert_null(read_as("connection x {\n\tremot any; secret \"x\"\n}\n", S_IFREG | 0600, 0, &h));
	assert_non_null(strstr(h.sources, " remot any; secret..."));
}

static void test_native_a_secret_wants_a_private_file(void **state)
{
	static const char text[] = "connection x {\n" REST CHILD "}\n";
	static const char with_file[] = "connection x {\n remote any\n secret-file /s\n" CHILD "}\n";
	struct heard h;

	(void)state;
	assert_null(read_as(text, S_IFREG | 0640, 0, &h));
	assert_string_equal(h.first, "f:3:2: \"secret\" stands in a file that others may read or write, mode "
	                             "0640: chmod 600 f, and take a new "
	                             "secret if others could read it");
	assert_null(read_as(text, S_IFREG | 0600, geteuid() + 1, &h));
	assert_non_null(strstr(h.first, "chown root f"));
	native_conf_free(good(text, &h));
	assert_string_equal(h.all, "");
	native_conf_free(read_as(with_file, S_IFREG | 0644, 0, &h));
	assert_int_equal(h.n_errors, 0);
}

/* The file that has the secret counts, not the one that includes it. */
static void test_native_included_files(void **state)
{
	AUTO_NATIVE_CONF struct native_conf *c;
	struct heard h;

	(void)state;
	in_memory = true;
	c = good("include /part\n", &h);
	assert_int_equal(c->n_conns, 1);
	assert_string_equal(c->conn[0].name, "part");
	assert_string_equal(c->file[c->conn[0].at.file], "/part");
	assert_null(read_as("include /part\n", S_IFREG | 0644, 0, &h));
	assert_memory_equal(h.first, "/part:3:2: \"secret\"", 19);
	expect_error(
	    "include /none\n", "f:1:9: \"/none\" cannot be included: /none: No such file or directory");
	assert_null(read_as("include /self\n", S_IFREG | 0600, 0, &h));
	assert_non_null(strstr(h.first, "is included too deep"));
	in_memory = false;
}

static void test_native_six_lines_are_a_tunnel(void **state)
{
	AUTO_NATIVE_CONF struct native_conf *c;
	const struct native_conn *x;
	const struct native_child *k;
	struct heard h;

	(void)state;
	c = good("connection office {\n"
	         "    version 1\n"
	         "    remote 192.0.2.2\n"
	         "    secret \"a long shared secret\"\n"
	         "    child 10.1.0.0/24 = 10.2.0.0/24\n"
	         "}\n",
	    &h);
	assert_int_equal(h.n_warnings, 0);
	x = &c->conn[0];
	k = &x->child[0];
	assert_string_equal(x->name, "office");
	assert_int_equal(x->version, 1);
	assert_int_equal(x->remote.kind, NATIVE_HOST_ADDRESS);
	assert_int_equal(x->local.kind, NATIVE_HOST_UNSAID);
	assert_int_equal(secret_len(x->secret), 20);
	assert_memory_equal(secret_bytes(x->secret), "a long shared secret", 20);
	assert_int_equal(x->keep, NATIVE_KEEP_ON_DEMAND);
	assert_int_equal(x->encap, IKE_ON);
	assert_int_equal(x->seconds, 28800);
	assert_int_equal(x->dpd_s, 30);
	assert_true(x->ike.n > 0 && k->offers.n > 0);
	assert_int_equal(k->mode, IPSEC_TUNNEL);
	assert_int_equal(k->proto, IPSEC_ESP);
	assert_int_equal(k->seconds, 3600);
	assert_int_equal(k->local.ts[0].plen, 24);
	assert_int_equal(k->remote.ts[0].first.b[1], 2);
}

static void test_native_every_statement(void **state)
{
	AUTO_NATIVE_CONF struct native_conf *c;
	const struct native_conn *x;
	const struct native_child *k;
	struct heard h;

	(void)state;
	c = good(
	    "connection a\n{\n"
	    " version 2; local gate.example.org; remote 2001:db8::2\n"
	    " local-id \"C=DE, CN=gate\"; remote-id me@example.org; remote-id keyid \"a key\"; remote-id "
	    "192.0.2.7\n"
	    " certificate /c.pem; key /k.pem; authority /1.pem, /2.pem; remote-certificate /r.pem\n"
	    " ike aes256gcm-sha384-ecp384, aes128-sha256-x25519; lifetime 4h; keep up; encap always; dpd 10s "
	    "3\n"
	    " child web 10.0.0.0/8[tcp/443],\n"
	    "           10.9.0.1-10.9.0.7[udp] = any {\n"
	    "  mode tunnel; esp aes256gcm16, aes192-sha512; compress yes; pfs no; lifetime 30m; volume 10G\n"
	    " }\n"
	    " child local = remote { mode transport; ah sha512 }\n"
	    "}\n"
	    "policy discard in any[tcp/23] = any # no telnet\n"
	    "policy none 10.0.0.0/8 = 10.3.0.0/16\n",
	    &h);
	x = &c->conn[0];
	assert_string_equal(x->local.name, "gate.example.org");
	assert_int_equal(x->remote.addr.family, INET_V6);
	assert_int_equal(x->local_id.kind, IKE_ID_DN);
	assert_int_equal(x->n_remote_ids, 3);
	assert_int_equal(x->remote_id[0].kind, IKE_ID_USER_FQDN);
	assert_int_equal(x->remote_id[1].kind, IKE_ID_KEYID);
	assert_int_equal(x->remote_id[2].kind, IKE_ID_ADDRESS);
	assert_int_equal(x->n_authorities, 2);
	assert_string_equal(x->authority[1], "/2.pem");
	assert_int_equal(x->ike.n, 2);
	assert_int_equal(x->ike.p[0].enc, ALG_ENC_AES_GCM_16);
	assert_int_equal(x->ike.p[0].hash, ALG_PRF_HMAC_SHA384);
	assert_int_equal(x->ike.p[1].group, ALG_GROUP_CURVE25519);
	assert_int_equal(x->ike.p[1].at.column, 31);
	assert_int_equal(x->seconds, 4 * 3600);
	assert_int_equal(x->keep, NATIVE_KEEP_UP);
	assert_int_equal(x->encap, IKE_FORCE);
	assert_true(x->dpd_s == 10 && x->dpd_tries == 3);
	k = &x->child[0];
	assert_string_equal(k->name, "web");
	assert_true(k->local.n == 2 && k->local.ts[0].proto == 6 && k->local.ts[0].port == 443);
	assert_true(k->local.ts[1].kind == NATIVE_TS_RANGE && k->local.ts[1].proto == 17);
	assert_int_equal(k->remote.ts[0].kind, NATIVE_TS_ANY);
	assert_true(k->compress && k->has_pfs && !k->pfs);
	assert_int_equal(k->offers.p[1].key_bits, 192);
	assert_int_equal(k->offers.p[1].auth, ALG_AUTH_HMAC_SHA512);
	assert_int_equal(k->bytes, 10ULL << 30);
	k = &x->child[1];
	assert_true(
	    k->local.ts[0].kind == NATIVE_TS_SELF && k->mode == IPSEC_TRANSPORT && k->proto == IPSEC_AH);
	assert_int_equal(c->n_policies, 2);
	assert_true(c->policy[0].dir == POLICY_IN && c->policy[0].action == POLICY_DISCARD);
	assert_true(c->policy[1].dir == POLICY_DIR_NONE && c->policy[1].action == POLICY_PASS);
}

static void test_native_a_short_secret_is_warned_of(void **state)
{
	struct heard h;

	(void)state;
	native_conf_free(
	    good("connection x { remote any; secret \"fifteen octets.\"; child any = any }\n", &h));
	assert_int_equal(h.n_warnings, 1);
	assert_non_null(strstr(h.warnings, "is short: 15 octets"));
	native_conf_free(
	    good("connection x { remote any; secret \"sixteen octets..\"; child any = any }\n", &h));
	assert_int_equal(h.n_warnings, 0);
}

static void test_native_files_of_the_file_system(void **state)
{
	char path[] = "/tmp/postern-native-XXXXXX";
	struct heard h = {.n_errors = 0};
	const struct native_options o = {.say = hear, .arg = &h};
	AUTO_NATIVE_CONF struct native_conf *c = NULL;
	AUTO_CLOSE int fd = mkstemp(path);
	struct err_text e = {""};
	static const char text[] = "policy none any = any\n";

	(void)state;
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(native_read(path, &o, &c, &e), 0);
	assert_int_equal(c->n_policies, 1);
	unlink(path);
	assert_int_equal(native_read(path, &o, &c, &e), -ENOENT);
	assert_non_null(strstr(e.s, "cannot be read"));
	assert_int_equal(native_read("/dev/null", &o, &c, &e), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_native_what_is_malformed_is_told_with_its_place),
	    cmocka_unit_test(test_native_all_faults_are_told_at_once),
	    cmocka_unit_test(test_native_faults_have_an_end),
	    cmocka_unit_test(test_native_no_remark_shows_a_secret),
	    cmocka_unit_test(test_native_lines_are_shown_up_to_what_is_harmless),
	    cmocka_unit_test(test_native_a_secret_wants_a_private_file),
	    cmocka_unit_test(test_native_included_files),
	    cmocka_unit_test(test_native_six_lines_are_a_tunnel),
	    cmocka_unit_test(test_native_every_statement),
	    cmocka_unit_test(test_native_a_short_secret_is_warned_of),
	    cmocka_unit_test(test_native_files_of_the_file_system),
	};
	struct err_text e = {""};

	if (argc != 2 || secret_init(1 << 16, &e) < 0) {
		fprintf(stderr, "usage: %s MALFORMED-FILE %s\n", argv[0], e.s);
		return 2;
	}
	malformed_file = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
