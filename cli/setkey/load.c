/*
 * Under the names setkey and ipseckey a file runs while it is read: everything before an error is in force,
 * what the database refuses is told and forgotten (setkey.md 1.3). Under ipsecctl the file is one change:
 * read to its end, put into a transaction on both services, and either all in force or none of it.
 */
#include "cli/setkey/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/setkey/half.h"
#include "cli/setkey/trace.h"

struct compat_run {
	struct session *s;
	const char *file;
	int failed; /* negative errno that ended the run */
};

struct native_run {
	struct session *s;
	struct setkey_stmt *stmts;
	size_t n, room;
	bool no_memory;
	bool policies_only; /* an earlier load got no further than the SAs */
};

void load_message(void *session, enum setkey_severity sev, const char *text)
{
	struct session *s = (struct session *)session;

	(void)sev;
	fflush(s->cli->out);
	fprintf(s->cli->err, "%s\n", text);
}

/* The service's sentence is more than the name of the error. */
static bool says_more(const struct session *s, const char *name)
{
	const char *text = s->refusal_text.s, *plain = err_name(-s->refusal);
	size_t n = strlen(text);

	if (n && text[n - 1] == '.')
		n--;
	return n && (n != strlen(name) || strncmp(text, name, n) != 0) &&
	       (n != strlen(plain) || strncmp(text, plain, n) != 0);
}

static void say_refused_compat(
    struct session *s, const char *file, enum setkey_verb verb, const struct setkey_loc *at, unsigned line)
{
	const char *name = session_refusal_name(s, verb);

	fflush(s->cli->out);
	fprintf(s->cli->err, "The result of line %u: %s.\n", line, name);
	if (says_more(s, name))
		fprintf(s->cli->err, "%s:%u:%u: %s\n", file, at->line, at->column, s->refusal_text.s);
}

int load_run_compat(struct session *s, const char *file, const struct setkey_stmt *stmt)
{
	int r;

	if (s->opt->parse_only) {
		trace_stmt(s, stmt);
		return 0;
	}
	r = session_run(s, stmt);
	if (r != SESSION_REFUSED)
		return r;
	say_refused_compat(s, file, stmt->verb, &stmt->at, stmt->end.line);
	return 0;
}

/* Takes the answers that have to be there before `next`; SETKEY_EXIT: all. */
static int settle_compat(struct compat_run *run, enum setkey_verb next)
{
	struct session *s = run->s;
	struct session_sent w;

	while (run->failed >= 0 && session_must_take(s, next)) {
		int r = session_take(s, &w);

		if (r == SESSION_REFUSED)
			say_refused_compat(s, run->file, w.verb, &w.at, w.end.line);
		else if (r < 0)
			run->failed = r;
	}
	return run->failed;
}

static int on_stmt_compat(void *arg, struct setkey_stmt *stmt)
{
	struct compat_run *run = (struct compat_run *)arg;
	bool posts = session_can_post(stmt->verb) && !run->s->opt->parse_only;

	if (settle_compat(run, stmt->verb) < 0)
		return run->failed;
	run->failed = posts ? session_post(run->s, stmt) : load_run_compat(run->s, run->file, stmt);
	return run->failed;
}

static void on_message_compat(void *arg, enum setkey_severity sev, const char *text)
{
	struct compat_run *run = (struct compat_run *)arg;

	(void)settle_compat(run, SETKEY_EXIT);
	load_message(run->s, sev, text);
}

static int read_failed(struct session *s, const char *file, int code)
{
	return cli_fail(s->cli, "%s cannot be read: %s.", file, err_name(code));
}

int load_compat(struct session *s, const char *file)
{
	struct compat_run run = {.s = s, .file = file};
	const struct setkey_reader reader = {
	    .file = strcmp(file, "-") == 0 ? "stdin" : file,
	    .strict = s->opt->strict,
	    .names = &setkey_names_system,
	    .arg = &run,
	    .on_stmt = on_stmt_compat,
	    .on_message = on_message_compat,
	};
	AUTO(load_text_fini) struct load_text t = {0};
	int r;

	run.file = reader.file;
	if (load_text_read(s->cli, file, &t) < 0 || load_keys_init(s->cli, 0) < 0)
		return CLI_FAILED;
	r = setkey_read(&reader, t.p, t.n);
	(void)settle_compat(&run, SETKEY_EXIT);
	if (r < 0)
		return read_failed(s, file, r);
	if (run.failed < 0 || session_barrier(s) < 0)
		return CLI_FAILED;
	return r == SETKEY_FAULTY ? CLI_FAILED : CLI_OK;
}

static int on_stmt_native(void *arg, struct setkey_stmt *stmt)
{
	struct native_run *run = (struct native_run *)arg;

	if (run->n == run->room) {
		size_t room = run->room ? run->room * 2 : 64;
		struct setkey_stmt *p = reallocarray(run->stmts, room, sizeof(*p));

		if (!p) {
			run->no_memory = true;
			return -ENOMEM;
		}
		run->stmts = p;
		run->room = room;
	}
	setkey_stmt_move(&run->stmts[run->n++], stmt);
	return 0;
}

static void on_message_native(void *arg, enum setkey_severity sev, const char *text)
{
	load_message(((struct native_run *)arg)->s, sev, text);
}

static void native_fini(struct native_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		setkey_stmt_fini(&run->stmts[i]);
	free(run->stmts);
}

static void say_refused(
    struct session *s, const char *file, enum setkey_verb verb, const struct setkey_loc *at)
{
	const char *name = session_refusal_name(s, verb);
	bool more = says_more(s, name);

	fflush(s->cli->out);
	fprintf(s->cli->err, "%s:%u:%u: %s was refused: %s%s%s\n", file, at->line, at->column,
	    setkey_verb_name(verb), name, more ? ": " : ".", more ? s->refusal_text.s : "");
}

/* get and the dumps show what is in force, so they wait until the file is. So does getspi: a reserved SPI is
 * an answer to whoever asked and no part of a configuration that could be taken back. */
static bool comes_after(enum setkey_verb v)
{
	return v == SETKEY_GET || v == SETKEY_GETSPI || v == SETKEY_DUMP || v == SETKEY_SPDDUMP ||
	       v == SETKEY_EXIT;
}

/* The load before this one stopped between the commits: goes on with the policies alone. */
static bool resumes(struct native_run *run)
{
	struct session *s = run->s;
	struct session before = *s;

	run->policies_only = half_is_applied(s, run->stmts, run->n);
	if (!run->policies_only) {
		s->refusal = before.refusal;
		s->refusal_text = before.refusal_text;
		return false;
	}
	session_txn_abort(s, SESSION_POLICYD);
	session_txn_abort(s, SESSION_DATAPATHD);
	return true;
}

/* No room for one more: the next statement would be refused in the same words. */
static bool is_full(int refusal)
{
	return refusal == ENOSPC || refusal == ENOMEM || refusal == EAGAIN || refusal == EPERM;
}

static bool is_wanted(const struct native_run *run, const struct setkey_stmt *stmt)
{
	return !comes_after(stmt->verb) &&
	       !(run->policies_only && session_peer_of(stmt->verb) == SESSION_DATAPATHD);
}

/* Puts every change into the transactions, many at a time. 0; SESSION_REFUSED at the first refusal, after
 * which nothing is in them any more; or a negative errno. */
static int put_fast(struct native_run *run)
{
	struct session *s = run->s;
	struct session_sent w;
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->n; i++) {
		const struct setkey_stmt *stmt = &run->stmts[i];
		enum session_peer peer = session_peer_of(stmt->verb);

		if (!is_wanted(run, stmt))
			continue;
		while (r == 0 && session_must_take(s, stmt->verb))
			r = session_take(s, &w);
		if (r == 0 && !s->txn[peer])
			r = session_txn_begin(s, peer);
		if (r == 0)
			r = session_post(s, stmt);
	}
	while (r == 0 && s->n_sent)
		r = session_take(s, &w);
	session_forget_sent(s);
	if (r == SESSION_REFUSED) {
		session_txn_abort(s, SESSION_POLICYD);
		session_txn_abort(s, SESSION_DATAPATHD);
	}
	return r;
}

/* The same one by one, going on after refusals to tell all of them. Their number, or a negative errno. */
static int put_all(struct native_run *run, const char *file)
{
	struct session *s = run->s;
	int n_refused = 0;

	for (size_t i = 0; i < run->n && n_refused < SETKEY_ERRORS_MAX; i++) {
		const struct setkey_stmt *stmt = &run->stmts[i];
		enum session_peer peer = session_peer_of(stmt->verb);
		int r = 0;

		if (!is_wanted(run, stmt))
			continue;
		if (!s->txn[peer])
			r = session_txn_begin(s, peer);
		if (r == 0)
			r = session_run(s, stmt);
		if (r < 0)
			return r;
		if (r != SESSION_REFUSED)
			continue;
		if (stmt->verb == SETKEY_ADD && s->refusal == EEXIST && !n_refused && resumes(run))
			return put_all(run, file);
		n_refused++;
		say_refused(s, file, stmt->verb, &stmt->at);
		if (!s->txn[peer] || is_full(s->refusal))
			break;
	}
	return n_refused;
}

static int show_all(struct native_run *run, const char *file)
{
	int code = CLI_OK;

	for (size_t i = 0; i < run->n; i++) {
		int r = comes_after(run->stmts[i].verb) ? session_run(run->s, &run->stmts[i]) : 0;

		if (r == SESSION_REFUSED)
			say_refused(run->s, file, run->stmts[i].verb, &run->stmts[i].at);
		if (r != 0)
			code = CLI_FAILED;
		if (r < 0)
			break;
	}
	return code;
}

static int nothing_applied(struct session *s, const char *file)
{
	session_txn_abort(s, SESSION_POLICYD);
	session_txn_abort(s, SESSION_DATAPATHD);
	cli_fail(s->cli, "nothing of %s was applied; everything is as it was before.", file);
	return -EIO;
}

/* SAs first: a policy in force without its SA would stop traffic. */
static int commit_all(struct native_run *run, const char *file)
{
	struct session *s = run->s;
	bool sas = s->txn[SESSION_DATAPATHD], policies = s->txn[SESSION_POLICYD];
	int r = sas && policies ? session_txn_prepare(s) : 0;

	if (r == 0 && sas) {
		r = session_txn_commit(s, SESSION_DATAPATHD);
		if (r < 0) {
			session_txn_abort(s, SESSION_POLICYD);
			cli_fail(s->cli,
			    "datapathd did not answer: the SAs of %s may be in force or not, its policies "
			    "are "
			    "not. Look with `ipsecctl status`, then run the same command again.",
			    file);
			return r;
		}
	}
	if (r == 0 && policies) {
		r = session_txn_commit(s, SESSION_POLICYD);
		if (r != 0 && (sas || r < 0))
			return half_finish(s, run->stmts, run->n, file);
	}
	if (r == 0)
		return 0;
	if (r == SESSION_REFUSED)
		cli_fail(s->cli, "%s", s->refusal_text.s);
	return nothing_applied(s, file);
}

static int apply(struct native_run *run, const char *file)
{
	struct session *s = run->s;
	int n_refused;

	if (s->opt->parse_only) {
		for (size_t i = 0; i < run->n; i++)
			trace_stmt(s, &run->stmts[i]);
		return CLI_OK;
	}
	/* What was refused in the fast way is found again and told in the slow one. With a trace there is
	 * only that. */
	n_refused = s->opt->verbose || s->opt->hex ? SESSION_REFUSED : put_fast(run);
	if (n_refused == SESSION_REFUSED)
		n_refused = put_all(run, file);
	if (n_refused != 0) {
		(void)nothing_applied(s, file);
		return CLI_FAILED;
	}
	if (commit_all(run, file) < 0 || session_barrier(s) < 0)
		return CLI_FAILED;
	return show_all(run, file);
}

int load_native(struct session *s, const char *file)
{
	AUTO(native_fini) struct native_run run = {.s = s};
	const struct setkey_reader reader = {
	    .file = strcmp(file, "-") == 0 ? "stdin" : file,
	    .strict = s->opt->strict,
	    .names = &setkey_names_system,
	    .arg = &run,
	    .on_stmt = on_stmt_native,
	    .on_message = on_message_native,
	};
	AUTO(load_text_fini) struct load_text t = {0};
	int r;

	if (load_text_read(s->cli, file, &t) < 0 || load_keys_init(s->cli, t.n) < 0)
		return CLI_FAILED;
	r = setkey_read(&reader, t.p, t.n);
	if (r < 0 || run.no_memory)
		return read_failed(s, reader.file, r < 0 ? r : -ENOMEM);
	if (r == SETKEY_FAULTY)
		return cli_fail(
		    s->cli, "nothing of %s was applied; repair the lines above first.", reader.file);
	return apply(&run, reader.file);
}
