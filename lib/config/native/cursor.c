/*
 * Taking words. Every function that finds something wrong has told so when it returns false, and the
 * statement is over.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "config/native/reader.h"

enum { LIST_MAX = 80, FAULT_MAX = 480 };

bool nc_text(const struct nc_word *w, char *buf, size_t room)
{
	if (w->n >= room)
		return false;
	memcpy(buf, w->p, w->n);
	buf[w->n] = '\0';
	return true;
}

/* Where a line is part of the one before, that is what may be wrong. */
static void add_continued(struct nc_cur *c, const struct nc_word *w, char *text, size_t room)
{
	const struct nc_word *before = NULL, *at;
	size_t n = strlen(text);

	for (uint32_t i = 0; (at = nc_word_at(c->r->tree, c->s, i)) && at->line < w->line; i++)
		before = at;
	if (at && before && (nc_word_is(before, ",") || nc_word_is(before, "=")))
		snprintf(text + n, room - n, " (line %u goes on here, because it ends with `%c`)",
		    before->line, *before->p);
}

static void tell(struct nc_cur *c, bool is_error, const struct nc_word *w, const char *fmt, va_list ap)
{
	char text[FAULT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	w = w ? w : nc_word_at(c->r->tree, c->s, 0);
	add_continued(c, w, text, sizeof(text));
	nc_say(c->r, is_error, w, text);
}

bool nc_fault(struct nc_cur *c, const struct nc_word *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, true, w, fmt, ap);
	va_end(ap);
	return false;
}

void nc_warn(struct nc_cur *c, const struct nc_word *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, false, w, fmt, ap);
	va_end(ap);
}

bool nc_no_memory(struct nc_cur *c)
{
	c->r->no_memory = true;
	return nc_fault(c, NULL, "cannot be kept: out of memory");
}

const char *nc_suggest(const char *word, const struct nc_choice *table, size_t n, char buf[96])
{
	const char *list[LIST_MAX] = {NULL}, *near;

	for (size_t i = 0; i < n && i + 1 < LIST_MAX; i++)
		list[i] = table[i].word;
	near = nearest_word(word, list);
	buf[0] = '\0';
	if (near)
		snprintf(buf, 96, "; did you mean `%s`?", near);
	return buf;
}

static const char *suggest_verb(const struct nc_word *w, const struct nc_verb *verbs, size_t n, char buf[96])
{
	struct nc_choice list[NC_VERBS_MAX];
	char word[NEAREST_MAX];

	buf[0] = '\0';
	if (!nc_text(w, word, sizeof(word)) || w->kind == NC_STRING)
		return buf;
	for (size_t i = 0; i < n; i++)
		list[i].word = verbs[i].word;
	return nc_suggest(word, list, n, buf);
}

static const struct nc_verb *find(const struct nc_word *w, const struct nc_verb *verbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nc_word_is(w, verbs[i].word))
			return &verbs[i];
	return NULL;
}

/* Statements of one block that people look for in another. */
static const char *home_of(const struct nc_word *w)
{
	static const struct {
		const char *word, *home;
	} homes[] = {
	    {"version", "connection"},
	    {"local", "connection"},
	    {"remote", "connection"},
	    {"local-id", "connection"},
	    {"remote-id", "connection"},
	    {"secret", "connection"},
	    {"secret-file", "connection"},
	    {"certificate", "connection"},
	    {"key", "connection"},
	    {"authority", "connection"},
	    {"remote-certificate", "connection"},
	    {"remote-key", "connection"},
	    {"weak-certificates", "connection"},
	    {"exchange", "connection"},
	    {"ike", "connection"},
	    {"keep", "connection"},
	    {"encap", "connection"},
	    {"dpd", "connection"},
	    {"child", "connection"},
	    {"esp", "child"},
	    {"ah", "child"},
	    {"mode", "child"},
	    {"pfs", "child"},
	    {"compress", "child"},
	    {"volume", "child"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		if (nc_word_is(w, homes[i].word))
			return homes[i].home;
	return NULL;
}

static void unknown(struct nc_cur *c, const struct nc_word *w, const char *suggestion)
{
	const char *home = home_of(w);

	if (home) {
		(void)nc_fault(c, w, "is no statement here: it belongs into the block of a `%s`", home);
		return;
	}
	c->r->cut = !*suggestion;
	(void)nc_fault(c, w, "is no statement here%s", suggestion);
	c->r->cut = false;
}

/* `first`: the lines in which the block's statements stood before. */
static void run_one(struct nc_read *r, const struct nc_stmt *s, const struct nc_verb *verbs, size_t n,
    uint32_t first[NC_VERBS_MAX], void *block)
{
	struct nc_cur c = {.r = r, .s = s, .at = 1};
	const struct nc_word *w = nc_word_at(r->tree, s, 0), *second = nc_word_at(r->tree, s, 1);
	const struct nc_verb *v = find(w, verbs, n);
	char more[96];

	if (!v)
		unknown(&c, w, suggest_verb(w, verbs, n, more));
	else if (second && nc_word_is(second, "="))
		(void)nc_fault(
		    &c, second, "is one sign too many: a word and its value have a blank between them");
	else if (s->has_body && !v->has_body)
		(void)nc_fault(&c, w, "has no block of its own: is there a `{` too many?");
	else if (v->repeat == NC_ONCE && first[v - verbs])
		(void)nc_fault(&c, w, "is there already, in line %u", first[v - verbs]);
	else {
		first[v - verbs] = w->line;
		(void)v->fn(&c, block);
	}
}

void nc_run(struct nc_read *r, uint32_t i, uint32_t end, const struct nc_verb *verbs, size_t n, void *block)
{
	uint32_t first[NC_VERBS_MAX] = {0};

	while (i < end && !r->no_memory && r->n_errors < NC_ERRORS_MAX) {
		const struct nc_stmt *s = &r->tree->stmts[i];

		run_one(r, s, verbs, n, first, block);
		i = s->end;
	}
}

void nc_run_body(struct nc_cur *c, const struct nc_verb *verbs, size_t n, void *block)
{
	uint32_t i = (uint32_t)(c->s - c->r->tree->stmts);

	nc_run(c->r, i + 1, c->s->end, verbs, n, block);
}

struct native_at nc_place(const struct nc_cur *c, const struct nc_word *w)
{
	if (!w)
		w = nc_word_at(c->r->tree, c->s, 0);
	return (struct native_at){c->r->file, w->line, w->column};
}

const struct nc_word *nc_word_of(const struct nc_cur *c, const struct native_at *at)
{
	for (uint32_t i = 0; i < c->r->tree->n_words; i++)
		if (c->r->tree->words[i].line == at->line && c->r->tree->words[i].column == at->column)
			return &c->r->tree->words[i];
	return NULL;
}

const struct nc_word *nc_peek(const struct nc_cur *c)
{
	return nc_word_at(c->r->tree, c->s, c->at);
}

const struct nc_word *nc_next(struct nc_cur *c)
{
	const struct nc_word *w = nc_peek(c);

	if (w)
		c->at++;
	return w;
}

bool nc_skip(struct nc_cur *c, const char *word)
{
	const struct nc_word *w = nc_peek(c);

	if (!w || !nc_word_is(w, word))
		return false;
	c->at++;
	return true;
}

bool nc_end(struct nc_cur *c)
{
	const struct nc_word *w = nc_peek(c);

	return w ? nc_fault(c, w, "is one word too many") : true;
}

bool nc_want(struct nc_cur *c, const char *what)
{
	const struct nc_word *last = nc_word_at(c->r->tree, c->s, c->at ? c->at - 1 : 0);

	return nc_peek(c) ? true : nc_fault(c, last, "wants %s behind it", what);
}

bool nc_pick(struct nc_cur *c, const char *what, const struct nc_choice *table, size_t n, uint32_t *ret)
{
	const struct nc_word *w;
	char word[NEAREST_MAX], more[96] = "";

	if (!nc_want(c, what))
		return false;
	w = nc_next(c);
	for (size_t i = 0; i < n; i++) {
		if (nc_word_is(w, table[i].word)) {
			*ret = table[i].value;
			return true;
		}
	}
	if (w->kind != NC_STRING && nc_text(w, word, sizeof(word)))
		nc_suggest(word, table, n, more);
	return nc_fault(c, w, "is not %s%s", what, more);
}

/* Without a suggestion: `on` is nearer to `no` than to what was meant. */
bool nc_flag(struct nc_cur *c, bool *ret)
{
	static const char what[] = "`yes` or `no`";
	const struct nc_word *w;

	if (!nc_want(c, what))
		return false;
	w = nc_next(c);
	*ret = nc_word_is(w, "yes");
	return *ret || nc_word_is(w, "no") || nc_fault(c, w, "is not %s", what);
}
