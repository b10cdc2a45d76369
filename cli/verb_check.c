/*
 * A configuration, looked at by whoever can read it: no daemon is asked, and nothing is changed.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/check/check.h"
#include "cli/setkey/load.h"
#include "cli/verbs.h"
#include "cli/weak.h"
#include "config/native/compile.h"
#include "config/racoon/racoon.h"

struct check {
	struct cli *cli;
	const char *file;
	uint32_t n_errors, n_warnings;
	uint32_t n_statements;   /* of setkey's language */
	struct weak_notes notes; /* SAs that it has keys for */
};

static void count(struct check *k, bool is_error)
{
	if (is_error)
		k->n_errors++;
	else
		k->n_warnings++;
}

static void say_native(void *arg, const struct native_note *n)
{
	struct check *k = arg;

	count(k, n->is_error);
	check_print(k->cli->err, n);
}

/* FILE:LINE:COLUMN: TEXT, with our word for what it is put between. */
static void say_line(struct check *k, bool is_error, const char *text)
{
	size_t n = strncmp(text, k->file, strlen(k->file)) == 0 ? strlen(k->file) : 0;
	const char *at = strstr(text + n, ": ");

	count(k, is_error);
	if (at)
		fprintf(k->cli->err, "%.*s: %s: %s\n", (int)(at - text), text, is_error ? "error" : "warning",
		    at + 2);
	else
		fprintf(k->cli->err, "%s: %s\n", is_error ? "error" : "warning", text);
}

static void say_racoon(void *arg, bool is_error, const char *text)
{
	say_line(arg, is_error, text);
}

static void say_setkey(void *arg, enum setkey_severity sev, const char *text)
{
	say_line(arg, sev == SETKEY_ERROR, text);
}

/* An exit code, and the last line. `e`: why the file could not be read. */
static int verdict(struct check *k, int r, const struct err_text *e)
{
	if (r < 0 && e->s[0])
		return cli_fail(k->cli, "%s", e->s);
	if (r < 0 && r != -EINVAL)
		return cli_fail(k->cli, "%s cannot be checked: %s", k->file, err_name(r));
	if (!k->n_errors)
		return CLI_OK;
	return cli_fail(k->cli, "%s has %u error%s; nothing of it could be loaded.", k->file, k->n_errors,
	    k->n_errors == 1 ? "" : "s");
}

static const char *and_warnings(const struct check *k, char buf[64])
{
	snprintf(buf, 64, ", warnings: %u", k->n_warnings);
	return k->n_warnings ? buf : "";
}

/* --- postern.conf --- */

/* Names are not looked up, and no address is asked for: each has an address of networks that are nobody's in
 * its place, so that no two remotes look the same (RFC 2544, RFC 3849). */
static int stand_in(void *arg, const char *name, enum inet_family family, struct inet_addr *ret)
{
	const struct inet_addr v4 = inet_addr_v4(0xc6120000 + ++*(uint16_t *)arg);
	uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8};

	(void)name;
	memcpy(v6 + 12, v4.b, 4);
	*ret = family == INET_V6 ? inet_addr_from_bytes(v6, sizeof(v6)) : v4;
	return 0;
}

static int own_address(void *arg, const struct inet_addr *to, struct inet_addr *ret)
{
	return stand_in(arg, "", to->family, ret);
}

/* What the release cannot do is not the file's fault. */
static void say_open(void *arg, const struct native_note *n)
{
	struct native_note note = *n;

	note.is_error = false;
	say_native(arg, &note);
}

/* Standard input has no permissions; a file's secrets want the right ones. */
static int read_native(
    struct check *k, const struct load_text *t, struct native_conf **ret, struct err_text *e)
{
	const struct native_options o = {.say = say_native, .arg = k};
	const struct native_text text = {.p = t->p, .n = t->n, .mode = 0600, .owner = geteuid()};

	return strcmp(k->file, "-") == 0 ? native_read_text("stdin", &text, &o, ret)
	                                 : native_read(k->file, &o, ret, e);
}

static int check_native(struct check *k, const struct load_text *t)
{
	uint16_t n_names = 0;
	const struct native_host_facts host = {.arg = &n_names, .resolve = stand_in, .source = own_address};
	AUTO_NATIVE_PLAN struct native_plan plan = {0};
	AUTO_NATIVE_CONF struct native_conf *c = NULL;
	struct err_text e = {""};
	uint32_t children = 0;
	char more[64];
	int r;

	if (load_keys_init(k->cli, NATIVE_FILE_MAX / 8) < 0)
		return CLI_FAILED;
	r = read_native(k, t, &c, &e);
	if (r < 0)
		return verdict(k, r, &e);
	check_native_weak(c, say_native, k);
	r = native_compile(c, &host, say_open, k, &plan);
	if (r < 0 && r != -EINVAL)
		return verdict(k, r, &e);
	for (uint32_t i = 0; i < c->n_conns; i++)
		children += c->conn[i].n_children;
	fprintf(k->cli->out, "%s: no errors (connections: %u, children: %u, policies: %u%s).\n", k->file,
	    c->n_conns, children, c->n_policies, and_warnings(k, more));
	return CLI_OK;
}

/* --- racoon.conf --- */

static int check_racoon(struct check *k, const struct load_text *t)
{
	const struct racoon_options o = {.say = say_racoon, .arg = k};
	AUTO_IKE_CONF struct ike_conf *c = NULL;
	struct err_text e = {""};
	char more[64];
	int r = racoon_read_text(k->file, t->p, t->n, &o, &c);

	if (r < 0)
		return verdict(k, r, &e);
	fprintf(k->cli->out, "%s: no errors (remotes: %u, sainfos: %u%s).\n", k->file, c->n_peers,
	    c->n_children, and_warnings(k, more));
	return CLI_OK;
}

/* --- setkey's files --- */

static int on_stmt(void *arg, struct setkey_stmt *s)
{
	struct check *k = arg;

	k->n_statements++;
	if (s->verb == SETKEY_ADD || s->verb == SETKEY_UPDATE)
		weak_judge(&k->notes, &s->sa.desc);
	return 0;
}

static int check_setkey(struct check *k, const struct load_text *t)
{
	const struct setkey_reader reader = {.file = k->file,
	    .names = &setkey_names_system,
	    .arg = k,
	    .on_stmt = on_stmt,
	    .on_message = say_setkey};
	const struct err_text e = {""};
	char more[64];
	int r;

	if (load_keys_init(k->cli, t->n) < 0)
		return CLI_FAILED;
	r = setkey_read(&reader, t->p, t->n);
	if (r < 0 || r == SETKEY_FAULTY)
		return verdict(k, r, &e);
	for (size_t i = 0; i < WEAK_KINDS; i++) {
		if (!k->notes.n[i])
			continue;
		k->n_warnings++;
		fprintf(k->cli->err, "%s: warning: %u of its %u SAs %s\n", k->file, k->notes.n[i],
		    k->notes.n_sas, weak_text(i));
	}
	fprintf(k->cli->out, "%s: no errors (statements: %u%s).\n", k->file, k->n_statements,
	    and_warnings(k, more));
	return CLI_OK;
}

/* --- the command line --- */

static bool take_kind(const char *word, enum check_kind *ret)
{
	if (strcmp(word, "postern") == 0)
		*ret = CHECK_POSTERN;
	else if (strcmp(word, "racoon") == 0)
		*ret = CHECK_RACOON;
	else if (strcmp(word, "setkey") == 0)
		*ret = CHECK_SETKEY;
	else
		return false;
	return true;
}

static int run(struct check *k, enum check_kind kind)
{
	AUTO(load_text_fini) struct load_text t = {0};

	if (load_text_read(k->cli, k->file, &t) < 0)
		return CLI_FAILED;
	if (kind == CHECK_KIND_NONE)
		kind = check_kind_of(t.p, t.n);
	if (kind == CHECK_SETKEY)
		return check_setkey(k, &t);
	return kind == CHECK_RACOON ? check_racoon(k, &t) : check_native(k, &t);
}

int verb_check(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("check");
	struct check k = {.cli = cli};
	enum check_kind kind = CHECK_KIND_NONE;
	char usual[PATH_MAX];

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) {
			if (!take_kind(argv[++i], &kind))
				return cli_usage(cli, self,
				    "`%s` is no language: postern, racoon and setkey are.", argv[i]);
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return cli_usage(
			    cli, self, "there is no option `%s`, or its word is missing.", argv[i]);
		} else if (k.file) {
			return cli_usage(cli, self, "one file at a time: `%s` is the second.", argv[i]);
		} else {
			k.file = argv[i];
		}
	}
	snprintf(usual, sizeof(usual), "%s/postern.conf", cli->settings.config_dir);
	k.file = k.file ? k.file : usual;
	return run(&k, kind);
}
