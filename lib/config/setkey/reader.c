/*
 * The loop around scanner and grammar. Each statement is pushed token by token into a fresh parser, so an
 * error needs no recovery inside the grammar: the parser is thrown away and the loop skips to the next `;`,
 * or to a word that begins a statement at the start of a line, which is what a file with a lost terminator
 * goes on with. The text is scanned in one private copy that is wiped at the end: keys stand in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "config/setkey/build.h"
#include "gram.h"

struct reading {
	const struct setkey_reader *cfg;
	struct sk_scan scan;
	void *scanner;
	sk_gram_pstate *parser;
	uint32_t n_errors;
};

void sk_emit(struct sk_build *b, struct setkey_stmt *s)
{
	s->at = sk_tok_loc(&b->first);
	s->end = sk_tok_loc(&b->last);
	b->stopped = b->cfg->on_stmt(b->cfg->arg, s);
	setkey_stmt_fini(s);
	if (b->verb == SETKEY_EXIT)
		b->stopped = 1;
}

static void finish_plain(struct sk_build *b)
{
	struct setkey_stmt s = {.verb = b->verb};

	if (b->proto.lex)
		s.proto = sk_proto(b, &b->proto, false);
	if (!b->faulty)
		sk_emit(b, &s);
}

void sk_finish(struct sk_build *b)
{
	switch (b->verb) {
	case SETKEY_ADD:
	case SETKEY_UPDATE:
		sk_finish_sa(b);
		break;
	case SETKEY_GET:
	case SETKEY_DELETE:
	case SETKEY_GETSPI:
	case SETKEY_DELETEALL:
		sk_finish_id(b);
		break;
	case SETKEY_SPDADD:
	case SETKEY_SPDUPDATE:
	case SETKEY_SPDDELETE:
		sk_finish_policy(b);
		break;
	default:
		finish_plain(b);
		break;
	}
}

static void next(struct reading *r)
{
	sk_scan_next(r->scanner);
}

static bool at_terminator(const struct sk_tok *t)
{
	return t->lex == SK_LEX_PUNCT && t->p[0] == ';';
}

/* Pushes one statement, whose first token is the current one. True when it parsed up to its terminator. */
static bool parse(struct reading *r, struct sk_build *b)
{
	int status = YYPUSH_MORE;

	b->first = r->scan.tok;
	while (status == YYPUSH_MORE) {
		b->last = r->scan.tok;
		b->n_tokens++;
		b->hidden_line = r->scan.hidden_line;
		if (sk_too_long(b))
			return false;
		status = sk_gram_push_parse(r->parser, sk_classify(b), &b->last, b);
		if (status == YYPUSH_MORE)
			next(r);
	}
	return status == 0;
}

/* Leaves the current token at the first one of the next statement, or at the end of the text. A word that
 * begins a statement never fails in that place, so this cannot stay where it is. */
static void skip(struct reading *r)
{
	sk_scan_leave_policy(r->scanner);
	while (r->scan.tok.lex != SK_LEX_EOF && !at_terminator(&r->scan.tok)) {
		if (sk_begins_statement(&r->scan.tok))
			return;
		next(r);
	}
	if (at_terminator(&r->scan.tok))
		next(r);
}

static void report(struct reading *r, const struct sk_build *b)
{
	struct err_text e;

	r->n_errors++;
	err_set(&e, 0, "%s:%u:%u: %s", r->cfg->file, b->fault_at.line, b->fault_at.column, b->fault.s);
	r->cfg->on_message(r->cfg->arg, SETKEY_ERROR, e.s);
	if (r->cfg->strict) {
		err_set(&e, 0, "parse failed, line %u.", b->fault_at.line);
		r->cfg->on_message(r->cfg->arg, SETKEY_ERROR, e.s);
	}
	if (r->cfg->strict || r->n_errors < SETKEY_ERRORS_MAX)
		return;
	err_set(&e, 0, "%s:%u:%u: %d errors: the rest of the file is not read", r->cfg->file,
	    r->scan.tok.line, r->scan.tok.column, SETKEY_ERRORS_MAX);
	r->cfg->on_message(r->cfg->arg, SETKEY_ERROR, e.s);
}

/* One statement with its recovery. Nonzero ends the reading: a negative errno or an outcome. */
static int statement(struct reading *r)
{
	struct sk_build b;
	bool parsed;

	sk_build_init(&b, r->cfg);
	r->parser = sk_gram_pstate_new();
	if (!r->parser)
		return -ENOMEM;
	parsed = parse(r, &b);
	sk_gram_pstate_delete(r->parser);
	if (parsed && !b.faulty)
		sk_finish(&b);
	if (b.faulty) {
		report(r, &b);
		if (r->cfg->strict || r->n_errors >= SETKEY_ERRORS_MAX)
			return SETKEY_FAULTY;
	}
	if (b.stopped)
		return r->n_errors ? SETKEY_FAULTY : SETKEY_STOPPED;
	if (parsed)
		next(r);
	else
		skip(r);
	return 0;
}

static int read_all(struct reading *r)
{
	int code = 0;

	next(r);
	while (code == 0 && r->scan.tok.lex != SK_LEX_EOF) {
		if (at_terminator(&r->scan.tok))
			next(r);
		else
			code = statement(r);
	}
	return code ? code : r->n_errors ? SETKEY_FAULTY : 0;
}

int setkey_read(const struct setkey_reader *cfg, const void *text, size_t n)
{
	struct reading r = {
	    .cfg = cfg,
	    .scan = {.line = cfg->first.line ? cfg->first.line : 1,
	        .column = cfg->first.column ? cfg->first.column : 1},
	};
	char *copy;
	int code;

	if (n > SETKEY_TEXT_MAX)
		return -EFBIG;
	copy = malloc(n + 2);
	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, text, n);
	copy[n] = copy[n + 1] = '\0';
	code = sk_scan_new(copy, n, &r.scan, &r.scanner);
	if (code == 0)
		code = read_all(&r);
	sk_scan_free(r.scanner);
	wipe(copy, n);
	free(copy);
	return code;
}

size_t setkey_complete_len(const char *text, size_t n)
{
	bool quoted = false, comment = false;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (quoted) {
			quoted = text[i] != '"';
		} else if (comment) {
			comment = text[i] != '\n';
		} else {
			quoted = text[i] == '"';
			comment = text[i] == '#';
			if (text[i] == ';')
				len = i + 1;
		}
	}
	return len;
}
