/*
 * Old files in, a native one out: on standard output, or into a file of its own that nobody else may read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check/check.h"
#include "cli/setkey/load.h"
#include "cli/verbs.h"
#include "config/convert/convert.h"
#include "config/racoon/racoon.h"

enum { FILES_MAX = 16 };

struct convert {
	struct cli *cli;
	const char *to; /* NULL: standard output */
	const char *file[FILES_MAX];
	unsigned n_files;
	struct ike_conf *ike;
	struct rc_tree *tree;
	struct convert_policy *policy;
	uint32_t n_policies, room;
	const char *reading;
	unsigned n_lost;
	bool no_memory;
};

static void convert_fini(struct convert *x)
{
	ike_conf_free(x->ike);
	rc_tree_free(x->tree);
	free(x->policy);
}

static void say(void *arg, enum convert_fate fate, const char *file, uint32_t line, const char *text)
{
	struct convert *x = arg;

	x->n_lost++;
	fprintf(x->cli->err, "%s:%u: %s: %s\n", file, line,
	    fate == CONVERT_DROPPED ? "dropped" : "approximated", text);
}

static void say_racoon(void *arg, bool is_error, const char *text)
{
	struct convert *x = arg;

	/* What is weak is carried, and `check` says so of what was written. */
	if (!is_error && strstr(text, " is weak: "))
		return;
	x->n_lost++;
	fprintf(x->cli->err, "%s: %s\n", text, is_error ? "it cannot be converted" : "dropped");
}

static void ignore(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static int read_racoon(struct convert *x, const char *file, const struct load_text *t)
{
	const struct racoon_options o = {.say = say_racoon, .arg = x};
	int r;

	if (x->ike)
		return cli_fail(x->cli, "%s is a second racoon.conf: there can be one.", file);
	r = racoon_read_text(file, t->p, t->n, &o, &x->ike);
	if (r == 0)
		r = rc_tree_parse(file, t->p, t->n, ignore, NULL, &x->tree);
	return r == 0 ? CLI_OK
	              : cli_fail(x->cli, "%s cannot be converted%s%s.", file, r == -EINVAL ? "" : ": ",
	                    r == -EINVAL ? "" : err_name(r));
}

static int add_policy(struct convert *x, const struct setkey_stmt *s)
{
	uint32_t room = x->room ? 2 * x->room : 64;

	if (x->n_policies == x->room) {
		struct convert_policy *p = reallocarray(x->policy, room, sizeof(*p));

		x->no_memory |= !p;
		if (!p)
			return -ENOMEM;
		x->policy = p;
		x->room = room;
	}
	x->policy[x->n_policies++] =
	    (struct convert_policy){.p = s->policy, .file = x->reading, .line = s->at.line};
	return 0;
}

/* Policies are converted; keys set by hand stay where they are, and what only cleared the way has no place.
 */
static int on_stmt(void *arg, struct setkey_stmt *s)
{
	struct convert *x = arg;

	switch (s->verb) {
	case SETKEY_SPDADD:
	case SETKEY_SPDUPDATE:
		return add_policy(x, s);
	case SETKEY_FLUSH:
	case SETKEY_SPDFLUSH:
	case SETKEY_DUMP:
	case SETKEY_SPDDUMP:
	case SETKEY_EXIT:
		return 0;
	default:
		say(x, CONVERT_DROPPED, x->reading, s->at.line,
		    s->verb == SETKEY_ADD || s->verb == SETKEY_UPDATE
		        ? "add, update: keys set by hand stay with setkey"
		        : "get, getspi, delete, deleteall, spddelete: a configuration says what is, not what "
		          "is done");
		return 0;
	}
}

static void on_message(void *arg, enum setkey_severity sev, const char *text)
{
	struct convert *x = arg;

	(void)sev;
	x->n_lost++;
	fprintf(x->cli->err, "%s\n", text);
}

static int read_setkey(struct convert *x, const char *file, const struct load_text *t)
{
	const struct setkey_reader reader = {.file = file,
	    .names = &setkey_names_system,
	    .arg = x,
	    .on_stmt = on_stmt,
	    .on_message = on_message};
	int r;

	x->reading = file;
	r = setkey_read(&reader, t->p, t->n);
	if (r == SETKEY_FAULTY)
		return cli_fail(x->cli, "%s has errors: mend what is above first.", file);
	return r < 0 ? cli_fail(x->cli, "%s cannot be converted: %s.", file, err_name(r)) : CLI_OK;
}

static int read_one(struct convert *x, const char *file)
{
	AUTO(load_text_fini) struct load_text t = {0};
	enum check_kind kind;

	if (load_text_read(x->cli, file, &t) < 0 || load_keys_init(x->cli, t.n) < 0)
		return CLI_FAILED;
	kind = check_kind_of(t.p, t.n);
	if (kind == CHECK_POSTERN)
		return cli_fail(x->cli, "%s is neither a racoon.conf nor setkey's.", file);
	return kind == CHECK_RACOON ? read_racoon(x, file, &t) : read_setkey(x, file, &t);
}

static int write_out(struct convert *x, const struct sbuf *text)
{
	AUTO_CLOSE int fd = x->to ? open(x->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

	if (!x->to)
		return fwrite(sbuf_str(text), 1, text->len, x->cli->out) == text->len
		           ? CLI_OK
		           : cli_fail(x->cli, "standard output takes no more: %s.", err_name(-errno));
	if (fd < 0 || write(fd, sbuf_str(text), text->len) != (ssize_t)text->len)
		return cli_fail(x->cli, "%s cannot be written: %s.", x->to, err_name(-errno));
	return CLI_OK;
}

static int run(struct convert *x)
{
	struct convert_input in = {0};
	AUTO_SBUF struct sbuf text;
	int code = CLI_OK;

	sbuf_init(&text);
	for (unsigned i = 0; code == CLI_OK && i < x->n_files; i++)
		code = read_one(x, x->file[i]);
	if (code != CLI_OK)
		return code;
	in = (struct convert_input){x->ike, x->tree, x->policy, x->n_policies};
	if (convert_write(&in, &text, say, x) < 0)
		return cli_fail(x->cli, "out of memory.");
	code = write_out(x, &text);
	return code == CLI_OK && x->n_lost ? CLI_PARTLY : code;
}

int verb_convert(struct cli *cli, int argc, char **argv)
{
	AUTO(convert_fini) struct convert x = {.cli = cli};
	const struct cli_verb *self = cli_verb_find("convert");

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			x.to = argv[++i];
		else if (argv[i][0] == '-')
			return cli_usage(
			    cli, self, "there is no option `%s`, or its word is missing.", argv[i]);
		else if (x.n_files == FILES_MAX)
			return cli_usage(cli, self, "%d files are enough.", FILES_MAX);
		else
			x.file[x.n_files++] = argv[i];
	}
	if (!x.n_files)
		return cli_usage(cli, self, "convert wants a racoon.conf, files of setkey's, or both.");
	return run(&x);
}
