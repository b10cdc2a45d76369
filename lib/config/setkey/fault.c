/*
 * Every message has the same shape, "FILE:LINE:COLUMN: TEXT at [TOKEN]; what to do": TEXT is what scripts
 * know from the original programs, the rest is for the person who has to repair the line. Behind -E and -A a
 * wrong word may be a key typed without its quotes, so there only words of the language itself are shown.
 */
#include "config/setkey/build.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "config/setkey/words.h"

static bool may_show(const struct sk_build *b, const struct sk_tok *t)
{
	if (!b->keys_from || t->p < b->keys_from || t->lex == SK_LEX_EOF || t->lex == SK_LEX_OPEN_STRING ||
	    t->lex == SK_LEX_STRING || sk_is_option(t) || sk_begins_statement(t))
		return true;
	if (t->lex == SK_LEX_PUNCT && t->p[0] == ';')
		return true;
	return t->p == b->enc.p || t->p == b->auth.p || t->p == b->comp.p;
}

void sk_fault(struct sk_build *b, const struct sk_tok *t, const char *title, const char *hint, ...)
{
	char shown[64], more[320] = "";
	va_list ap;

	if (b->faulty)
		return;
	b->faulty = true;
	b->fault_at = sk_tok_loc(t);
	b->fault_title = title;
	b->fault_code = ipsec_code_of(title);
	if (hint) {
		va_start(ap, hint);
		vsnprintf(more, sizeof(more), hint, ap);
		va_end(ap);
	}
	err_set(&b->fault, 0, "%s at [%s]%s%s", title, may_show(b, t) ? sk_tok_show(t, shown) : "...",
	    *more ? "; " : "", more);
}

const char *sk_suggest(const struct sk_tok *t, const char *const *words, char buf[64])
{
	char word[NEAREST_MAX + 1];
	const char *near = NULL;

	buf[0] = '\0';
	if (t->lex == SK_LEX_STRING || !sk_tok_str(t, word, sizeof(word)))
		return buf;
	if (t->lex == SK_LEX_WORD)
		for (char *c = word; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	near = nearest_word(word, words);
	/* Options of one letter are all neighbours: only the other case of a letter is a likely slip. */
	if (near && t->lex == SK_LEX_OPTION && t->n == 2 && strcasecmp(near, word) != 0)
		near = NULL;
	if (near)
		snprintf(buf, 64, "; did you mean %s?", near);
	return buf;
}

static void fault_first_word(struct sk_build *b)
{
	char near[64];

	if (b->last.lex == SK_LEX_OPEN_STRING)
		sk_fault(b, &b->last, "Syntax error", "the string that begins here has no closing quote");
	else
		sk_fault(b, &b->last, "Syntax error",
		    "a statement begins with add, spdadd, flush or the like%s",
		    sk_suggest(&b->last, sk_words_verb, near));
}

/* The words that could have been meant where a list of words is expected. */
static const char *const *words_wanted(const struct sk_build *b)
{
	static const struct {
		const char *title;
		const char *const *words;
	} lists[] = {
	    {"Invalid direction", sk_words_dir},
	    {"Invalid security policy", sk_words_action},
	    {"Invalid ipsec protocol", sk_words_request},
	    {"Invalid ipsec mode", sk_words_mode},
	    {"Invalid ipsec level", sk_words_level},
	};

	if (b->last.lex == SK_LEX_OPTION)
		return sk_is_option(&b->last) ? NULL : sk_words_option;
	for (size_t i = 0; b->title && i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(b->title, lists[i].title) == 0)
			return lists[i].words;
	return NULL;
}

/* A policy alone: the hints below speak of statements, and where a byte is none of the language's, no word of
 * it was mistaken. */
static void fault_alone(struct sk_build *b, const char *title)
{
	const struct sk_tok *t = &b->last;
	bool foreign = t->lex == SK_LEX_BAD || t->lex == SK_LEX_OPEN_STRING || (t->n == 1 && t->p[0] == ';');

	sk_fault(b, t, foreign ? "Syntax error" : title, NULL);
}

void sk_fault_syntax(struct sk_build *b)
{
	const struct sk_tok *t = &b->last;
	const char *want = b->want ? b->want : "`;`", *title = b->title ? b->title : "Syntax error";
	const char *const *words = words_wanted(b);
	char near[64] = "";

	if (b->alone) {
		fault_alone(b, title);
	} else if (b->n_tokens == 1) {
		fault_first_word(b);
	} else if (t->lex == SK_LEX_EOF && b->hidden_line >= b->first.line) {
		sk_fault(b, t, "Syntax error", "expected %s; the `;` in line %u is behind a #", want,
		    b->hidden_line);
	} else if (t->lex == SK_LEX_EOF) {
		sk_fault(b, t, "Syntax error", "expected %s: the statement that begins in line %u has no `;`",
		    want, b->first.line);
	} else if (t->lex == SK_LEX_OPEN_STRING) {
		sk_fault(b, t, "Syntax error", "the string that begins here has no closing quote");
	} else if (t->lex == SK_LEX_OPTION && !b->cur.host.lex && !b->tag.lex) {
		sk_fault(b, t, "invalid flag", "only -n, -4 and -6 stand before the source address");
	} else if (t->lex == SK_LEX_OPTION && sk_is_aiflags(t)) {
		sk_fault(b, t, "Syntax error",
		    "-n, -4 and -6 stand before the source address; expected %s here", want);
	} else if (t->lex == SK_LEX_BAD) {
		sk_fault(
		    b, t, "Syntax error", "this character is not part of the language; expected %s", want);
	} else if (sk_begins_statement(t) && b->hidden_line >= b->first.line) {
		sk_fault(b, t, "Syntax error", "expected %s; the `;` in line %u is behind a #", want,
		    b->hidden_line);
	} else if (sk_begins_statement(t)) {
		sk_fault(b, t, "Syntax error", "expected %s; is the `;` of the statement in line %u missing?",
		    want, b->first.line);
	} else if (b->keys_from && sk_is_option(t) && !sk_tok_is(t, "-A") && !sk_tok_is(t, "-R") &&
	           b->enc.n + b->auth.n) {
		sk_fault(b, t, "Syntax error",
		    sk_tok_is(t, "-E") ? "-E comes before -A" : "options come before -E and -A");
	} else {
		if (words && may_show(b, t))
			sk_suggest(t, words, near);
		sk_fault(b, t, title, "expected %s%s", want, near);
	}
}

void sk_warn(struct sk_build *b, const struct sk_tok *t, const char *text)
{
	char shown[64];
	struct err_text e;

	err_set(&e, 0, "%s:%u:%u: WARNING: %s at [%s]", b->cfg->file, t->line, t->column, text,
	    may_show(b, t) ? sk_tok_show(t, shown) : "...");
	b->cfg->on_message(b->cfg->arg, SETKEY_WARNING, e.s);
}
