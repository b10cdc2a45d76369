/*
 * -c: every complete statement runs as soon as its terminator was read, and an error ends nothing. What
 * stands behind the last terminator waits for the next line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/setkey/load.h"

struct interactive {
	struct session *s;
	struct load_text open; /* read and not yet run */
	struct setkey_loc at;  /* where it begins */
	int failed;
	bool exit;
};

static int on_stmt(void *arg, struct setkey_stmt *stmt)
{
	struct interactive *in = (struct interactive *)arg;

	in->exit = stmt->verb == SETKEY_EXIT;
	in->failed = load_run_compat(in->s, "stdin", stmt);
	return in->failed;
}

static void on_message(void *arg, enum setkey_severity sev, const char *text)
{
	load_message(((struct interactive *)arg)->s, sev, text);
}

static int append(struct load_text *t, const char *p, size_t n)
{
	char *grown = malloc(t->n + n);

	if (!grown)
		return -1;
	if (t->n)
		memcpy(grown, t->p, t->n);
	memcpy(grown + t->n, p, n);
	n += t->n;
	load_text_fini(t);
	*t = (struct load_text){grown, n};
	return 0;
}

/* Forgets the first n bytes and moves the place along. */
static void drop(struct interactive *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		in->at.column = in->open.p[i] == '\n' ? 1 : in->at.column + 1;
		in->at.line += in->open.p[i] == '\n';
	}
	memmove(in->open.p, in->open.p + n, in->open.n - n);
	wipe(in->open.p + in->open.n - n, n);
	in->open.n -= n;
}

static void run_open(struct interactive *in, size_t n)
{
	const struct setkey_reader reader = {
	    .file = "stdin",
	    .first = in->at,
	    .names = &setkey_names_system,
	    .arg = in,
	    .on_stmt = on_stmt,
	    .on_message = on_message,
	};

	if (setkey_read(&reader, in->open.p, n) < 0)
		in->failed = -1;
	drop(in, n);
	if (in->failed >= 0)
		in->failed = session_barrier(in->s);
	fflush(in->s->cli->out);
}

int load_interactive(struct session *s)
{
	struct interactive in = {.s = s, .at = {1, 1}};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (load_keys_init(s->cli, 0) < 0)
		return CLI_FAILED;
	while (!in.exit && in.failed >= 0 && (n = getline(&line, &room, stdin)) > 0) {
		if (append(&in.open, line, (size_t)n) < 0)
			in.failed = cli_fail(s->cli, "out of memory") * -1;
		else if (setkey_complete_len(in.open.p, in.open.n))
			run_open(&in, setkey_complete_len(in.open.p, in.open.n));
		wipe(line, room);
	}
	if (!in.exit && in.failed >= 0 && in.open.n)
		run_open(&in, in.open.n);
	load_text_fini(&in.open);
	free(line);
	return in.failed < 0 ? CLI_FAILED : CLI_OK;
}
