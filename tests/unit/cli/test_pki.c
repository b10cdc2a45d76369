/*
 * `ipsecctl pki` as it is typed, in a folder of the test's own: what is made where, with which mode, what is
 * never overwritten, and what is said of a wrong word.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/auto.h"
#include "cli/verbs.h"

static char folder[] = "/tmp/postern-pki-XXXXXX";

struct ran {
	int code;
	char *out, *err;
};

static void ran_fini(struct ran *r)
{
	free(r->out);
	free(r->err);
}
#define AUTO_RAN __attribute__((cleanup(ran_fini)))

/* Runs `ipsecctl pki LINE`; blanks part words. */
static struct ran run(const char *line)
{
	char copy[512], name[] = "ipsecctl", verb[] = "pki", *argv[30] = {name, verb};
	struct ran r = {0};
	size_t n_out = 0, n_err = 0;
	struct cli cli = {.out = open_memstream(&r.out, &n_out), .err = open_memstream(&r.err, &n_err)};
	int argc = 2;

	assert_non_null(cli.out);
	assert_non_null(cli.err);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w && argc < 29; w = strtok(NULL, " "))
		argv[argc++] = w;
	r.code = cli_run(&cli, "ipsecctl", argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	return r;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void ok(const char *line)
{
	struct ran r AUTO_RAN = run(line);

	if (r.code != CLI_OK)
		fail_msg("`%s` ended with %d: %s", line, r.code, r.err);
}

static void refused(const char *line, int code, const char *said)
{
	struct ran r AUTO_RAN = run(line);

	if (r.code != code)
		fail_msg("`%s` ended with %d: %s", line, r.code, r.err);
	assert_memory_equal(r.err, "ipsecctl: ", 10);
	assert_has(r.err, said);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		fail_msg("%s is not there", path);
	return st.st_mode & 07777;
}

static char *text_of(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 20000);

	assert_non_null(f);
	assert_true(fread(text, 1, 19999, f) > 0);
	fclose(f);
	return text;
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	umask(022);
	ok("ca --type ecdsa --name Example -d ca");
	return 0;
}

static int teardown(void **state)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return chdir("/") < 0 || system(command);
}

static void test_pki_wrong_words_say_what_helps(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
	    {"", "say what to do with certificates"},
	    {"isue --host gw", "Did you mean `issue`?"},
	    {"destroy", "pki cannot `destroy`."},
	    {"ca gw", "there is a word too many: gw"},
	    {"ca --host gw", "pki ca does not take `--host`."},
	    {"ca --nmae x", "Did you mean `--name`?"},
	    {"ca --name", "--name wants a value"},
	    {"ca --name x --type dsa", "--type is rsa, rsa-pss, ecdsa, ed25519 or ed448, not dsa"},
	    {"ca --name x --days 0", "--days wants a number from 1 to 36500, not 0"},
	    {"ca --name x --days 365000", "--days wants a number"},
	    {"ca --name x --bits -1", "--bits wants a number, not -1"},
	    {"issue --host *.example.org", "fits many hosts"},
	    {"issue --address gw", "no address"},
	    {"issue --user ../joe@x", "no user's name"},
	    {"issue --host gw --legacy", "pki issue does not take `--legacy`"},
	    {"request -d ca --host gw", "pki request does not take `-d`"},
	    {"sign --host gw", "a word is missing"},
	    {"p12 gw.pem", "a word is missing"},
	    {"revoke --reason bored gw", "--reason is key-compromise"},
	    {"p12 --passphrase-fd 77 a b", "--passphrase-fd wants the number of an open descriptor, not 77"},
	    {"issue --host gw --json", "pki issue has no JSON form"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ran r AUTO_RAN = run(cases[i].line);

		if (r.code != CLI_USAGE)
			fail_msg("`%s` ended with %d: %s", cases[i].line, r.code, r.err);
		assert_has(r.err, cases[i].said);
		assert_string_equal(r.out, "");
	}
}

static void test_pki_refusals(void **state)
{
	refused("ca -d none", CLI_FAILED, "--name");
	refused("ca --name x --bits 1024 -d none", CLI_FAILED, "2048 to 8192");
	refused("issue -d ca", CLI_FAILED, "say what the bearer is called in IKE");
	refused("issue -d none --host gw", CLI_FAILED,
	    "there is no authority in none: make one with ipsecctl pki ca");
	refused("issue -d ca --host gw --name CNN=x", CLI_FAILED, "no part of a name");
	refused("issue -d ca --host gw --bits 1024", CLI_FAILED, "as it can be broken");
	refused("issue -d ca --host gw --name Example", CLI_FAILED, "the authority itself has this name");
	refused("show none", CLI_FAILED, "none cannot be opened: No such file");
	refused("show ca", CLI_FAILED, "ca is no regular file");
	refused("revoke -d ca gw", CLI_FAILED, "has issued no certificate with this name or serial");
	refused("revoke -d ca ca/ca.pem", CLI_FAILED, "was not issued by the authority");
	assert_int_equal(access("gw", F_OK), -1);
	assert_int_equal(access("none", F_OK), -1);
	assert_int_equal(access("ca/crl.pem", F_OK), -1);
}

static void test_pki_a_host_s_folder_is_complete(void **state)
{
	char link[PATH_MAX], name[80], *hash;
	struct ran shown AUTO_RAN = {0}, made AUTO_RAN = {0};
	ssize_t n;

	made = run("issue -d ca --host gw.example.org --type ecdsa --days 30");
	assert_int_equal(made.code, CLI_OK);
	assert_has(made.err, "can sign with RSA keys only");
	assert_int_equal(mode_of("gw.example.org"), 0700);
	assert_int_equal(mode_of("gw.example.org/gw.example.org.key"), 0600);
	assert_int_equal(mode_of("gw.example.org/gw.example.org.pem"), 0644);
	assert_int_equal(mode_of("ca/ca.key"), 0600);
	assert_int_equal(mode_of("ca"), 0700);
	shown = run("--json show gw.example.org/ca.pem");
	assert_int_equal(shown.code, CLI_OK);
	hash = strstr(shown.out, "\"link\": \"");
	assert_non_null(hash);
	snprintf(name, sizeof(name), "gw.example.org/%.8s.0", hash + 9);
	n = readlink(name, link, sizeof(link));
	assert_int_equal(n, 6);
	assert_memory_equal(link, "ca.pem", 6);
	/* Once more into the same folder: no second link. */
	ok("issue -d ca --host other --type ecdsa -o gw.example.org");
	name[strlen(name) - 1] = '1';
	assert_int_equal(access(name, F_OK), -1);
}

static void test_pki_says_the_lines_of_racoon_conf(void **state)
{
	struct ran r AUTO_RAN = run("issue -d ca --user joe@example.org --bits 2048 -o joe");
	char line[200];

	assert_int_equal(r.code, CLI_OK);
	assert_string_equal(r.err, "");
	snprintf(line, sizeof(line), "path certificate \"%s/joe\";", folder);
	assert_has(r.out, line);
	assert_has(r.out, "certificate_type x509 \"joe@example.org.pem\" \"joe@example.org.key\";");
	assert_has(r.out, "my_identifier user_fqdn \"joe@example.org\";");
}

static void test_pki_overwrites_nothing_unless_told(void **state)
{
	AUTO_FREE char *before = NULL, *after = NULL, *forced = NULL;

	ok("issue -d ca --host once --type ecdsa");
	before = text_of("once/once.key");
	refused("issue -d ca --host once --type ecdsa", CLI_FAILED, "once/once.key is there already");
	unlink("once/once.pem");
	refused("issue -d ca --host once --type ecdsa", CLI_FAILED, "is not overwritten without --force");
	refused("ca --name x -d ca", CLI_FAILED, "ca/ca.key is there already");
	after = text_of("once/once.key");
	assert_string_equal(before, after);
	ok("issue -d ca --host once --type ecdsa --force");
	forced = text_of("once/once.key");
	assert_string_not_equal(before, forced);
	assert_int_equal(mode_of("once/once.key"), 0600);
	/* A link in the place of a file is not followed. */
	unlink("once/once.key");
	assert_int_equal(symlink("stolen", "once/once.key"), 0);
	refused("issue -d ca --host once --type ecdsa", CLI_FAILED, "is there already");
	assert_int_equal(access("once/stolen", F_OK), -1);
}

static void test_pki_another_authority_s_folder_is_left_alone(void **state)
{
	ok("ca --type ecdsa --name Other -d other-ca");
	ok("issue -d ca --host mine --type ecdsa");
	refused("issue -d other-ca --host yours --type ecdsa -o mine", CLI_FAILED,
	    "mine/ca.pem is another authority's certificate");
	assert_int_equal(access("mine/yours.pem", F_OK), -1);
}

static void test_pki_a_request_is_signed_for_what_the_authority_says(void **state)
{
	struct ran r AUTO_RAN = {0}, shown AUTO_RAN = {0};

	ok("request --host evil.example.org --address 192.0.2.66 --type ecdsa -o asks");
	r = run("sign asks/evil.example.org.req -d ca --host good.example.org --days 5");
	assert_int_equal(r.code, CLI_OK);
	assert_has(r.out, "host evil.example.org  not granted");
	assert_has(r.out, "address 192.0.2.66  not granted");
	assert_int_equal(access("good.example.org/good.example.org.key", F_OK), -1);
	shown = run("show good.example.org/good.example.org.pem");
	assert_int_equal(shown.code, CLI_OK);
	assert_has(shown.out, "host good.example.org");
	assert_null(strstr(shown.out, "evil"));
	assert_null(strstr(shown.out, "192.0.2.66"));
	refused("sign ca/ca.pem -d ca --host x", CLI_FAILED, "ca/ca.pem: there is no request in it");
}

/* The number of the certificate that has this name. */
static char *serial_of(const char *name)
{
	struct ran r AUTO_RAN = run("list -d ca");
	char *line = r.out, *at = strstr(r.out, name);

	assert_non_null(at);
	for (char *p = r.out; p < at; p++)
		if (*p == '\n')
			line = p + 1;
	return strndup(line, strcspn(line, " "));
}

static void test_pki_revoked_by_name_number_and_file(void **state)
{
	AUTO_FREE char *serial = NULL;
	struct ran list AUTO_RAN = {0}, shown AUTO_RAN = {0};
	char line[120];

	ok("issue -d ca --host by-name --type ecdsa");
	ok("issue -d ca --host by-number --type ecdsa");
	ok("issue -d ca --host by-file --type ecdsa");
	ok("issue -d ca --host twice --type ecdsa -o t1");
	ok("issue -d ca --host twice --type ecdsa -o t2");
	serial = serial_of("by-number");
	ok("revoke -d ca by-name --reason superseded");
	snprintf(line, sizeof(line), "revoke -d ca %s", serial);
	ok(line);
	ok("revoke -d ca by-file/by-file.pem -o watcher");
	refused("revoke -d ca by-file/by-file.pem", CLI_FAILED, "is revoked already");
	refused("revoke -d ca by-name", CLI_FAILED, "every certificate of this name is revoked already");
	refused("revoke -d ca twice", CLI_FAILED, "more than one certificate is called twice");
	ok("crl -d ca --days 7 -o watcher");
	shown = run("show watcher/crl.pem");
	assert_has(shown.out, serial);
	assert_has(shown.out, "superseded");
	assert_has(shown.out, "within 14 days");
	list = run("list -d ca --json");
	assert_int_equal(list.code, CLI_OK);
	assert_has(list.out, "\"state\": \"revoked\"");
	/* Who comes later gets the list too. */
	ok("issue -d ca --host late --type ecdsa");
	assert_int_equal(mode_of("late/crl.pem"), 0644);
}

static void test_pki_show_says_no_with_its_exit_code(void **state)
{
	struct ran r AUTO_RAN = {0}, key AUTO_RAN = {0}, json AUTO_RAN = {0};
	json_t *doc, *item;
	FILE *f;

	r = run("show ca/ca.pem");
	assert_int_equal(r.code, CLI_OK);
	assert_has(r.out, "ca/ca.pem: certificate of an authority\n");
	assert_has(r.out, "\n  fit for IKE  yes, but see the warnings\n");
	key = run("show ca/ca.key");
	assert_int_equal(key.code, CLI_OK);
	assert_string_equal(key.out, "ca/ca.key: private key\n  key          ECDSA P-256\n");
	f = fopen("bad.pem", "w");
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	refused("show bad.pem", CLI_FAILED, "bad.pem: a block of it is damaged");
	json = run("show --json ca/ca.pem");
	doc = json_loads(json.out, 0, NULL);
	item = json_array_get(json_object_get(json_array_get(json_object_get(doc, "files"), 0), "items"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "subject")), "CN=Example");
	assert_true(json_is_true(json_object_get(item, "ca")));
	assert_true(json_is_true(json_object_get(item, "fit")));
	json_decref(doc);
}

/* From a descriptor, a line for each file in order: the authority's key, then the new one. */
/* A key without a certificate: for its owner alone, and its public half for everybody. */
static void test_pki_keys_without_certificates(void **state)
{
	struct ran r AUTO_RAN = {0};

	(void)state;
	r = run("key bare.key --type ed25519");
	assert_int_equal(r.code, CLI_OK);
	assert_has(r.out, "in postern.conf: key bare.key\n");
	assert_has(r.out, "ipsecctl pki public bare.key\n");
	assert_int_equal(mode_of("bare.key"), 0600);
	refused("key bare.key --type ed25519", CLI_FAILED, "bare.key");
	ok("public bare.key -o bare.pub");
	assert_int_equal(mode_of("bare.pub"), 0644);
	refused("public bare.key -o bare.pub", CLI_FAILED, "bare.pub");
	refused("public bare.pub", CLI_FAILED, "bare.pub: there is no private key in it");
	refused("public nothing", CLI_FAILED, "nothing");
	refused("key", CLI_USAGE, "a word is missing");
	refused("key x.key --host a", CLI_USAGE, "pki key does not take `--host`");
	refused(
	    "key x.key --type dsa", CLI_USAGE, "--type is rsa, rsa-pss, ecdsa, ed25519 or ed448, not dsa");
	ran_fini(&r);
	r = run("show bare.pub");
	assert_int_equal(r.code, CLI_OK);
	assert_has(r.out, "bare.pub: public key\n  key          Ed25519\n  fingerprint  SHA-256 ");
	assert_null(strstr(r.out, "names"));
}

static void test_pki_passphrases(void **state)
{
	char line[200];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "one\none\ntwo\ntwo\nthree\nthree\nwrong\n", 34), 34);
	close(fds[1]);
	snprintf(line, sizeof(line), "ca --type ecdsa --name Locked -d locked --encrypt --passphrase-fd %d",
	    fds[0]);
	ok(line);
	snprintf(line, sizeof(line), "issue -d locked --host gw2 --type ecdsa --encrypt --passphrase-fd %d",
	    fds[0]);
	ok(line);
	snprintf(line, sizeof(line), "p12 gw2/gw2.pem gw2/gw2.key --passphrase-fd %d", fds[0]);
	ok(line);
	assert_int_equal(mode_of("gw2/gw2.p12"), 0600);
	snprintf(line, sizeof(line), "show gw2/gw2.p12 --passphrase-fd %d", fds[0]);
	ok(line);
	refused(line, CLI_FAILED, "gw2/gw2.p12: the passphrase does not open it");
	refused(line, CLI_FAILED, "has no line for gw2/gw2.p12");
	close(fds[0]);
}

static void test_pki_says_when_others_can_read_a_key(void **state)
{
	struct ran r AUTO_RAN = {0};

	assert_int_equal(chmod("ca/ca.key", 0640), 0);
	r = run("crl -d ca");
	assert_int_equal(chmod("ca/ca.key", 0600), 0);
	assert_int_equal(r.code, CLI_OK);
	assert_has(r.err, "warning: ca/ca.key has weak file permission 0640: chmod 600 ca/ca.key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pki_wrong_words_say_what_helps),
	    cmocka_unit_test(test_pki_refusals),
	    cmocka_unit_test(test_pki_a_host_s_folder_is_complete),
	    cmocka_unit_test(test_pki_says_the_lines_of_racoon_conf),
	    cmocka_unit_test(test_pki_overwrites_nothing_unless_told),
	    cmocka_unit_test(test_pki_another_authority_s_folder_is_left_alone),
	    cmocka_unit_test(test_pki_a_request_is_signed_for_what_the_authority_says),
	    cmocka_unit_test(test_pki_revoked_by_name_number_and_file),
	    cmocka_unit_test(test_pki_show_says_no_with_its_exit_code),
	    cmocka_unit_test(test_pki_keys_without_certificates),
	    cmocka_unit_test(test_pki_passphrases),
	    cmocka_unit_test(test_pki_says_when_others_can_read_a_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
