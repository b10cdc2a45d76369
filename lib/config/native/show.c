/*
 * The line that a remark is about, as far as it may be shown. A text in quotes may be a secret, and so may
 * all that stands behind a word that was meant to be `secret`.
 */
#include <stdio.h>

#include "base/nearest.h"
#include "config/native/reader.h"

enum { SOURCE_MAX = 160, TOKEN_MAX = 60, TEXT_MAX = 640 };

struct line {
	const char *p;
	size_t n;
};

static struct line line_of(const struct native_text *t, uint32_t number)
{
	const char *p = t->p, *end = t->p + t->n, *stop;

	for (uint32_t i = 1; i < number && p < end; i++) {
		stop = memchr(p, '\n', (size_t)(end - p));
		p = stop ? stop + 1 : end;
	}
	stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	return (struct line){p, (size_t)((stop ? stop : end) - p)};
}

static bool is_blank(char x)
{
	return x == ' ' || x == '\t' || x == '\r' || x == '{' || x == '}' || x == ';' || x == '=' || x == ',';
}

static bool means_secret(const char *p, size_t n)
{
	static const char *const words[] = {"secret", NULL};
	char word[NEAREST_MAX];

	if (n >= sizeof(word))
		return false;
	memcpy(word, p, n);
	word[n] = '\0';
	return strcasecmp(word, words[0]) == 0 || nearest_word(word, words);
}

/* Octets of a line that may be shown. */
static size_t harmless(const struct line *l)
{
	size_t at = 0, from;

	while (at < l->n) {
		if (l->p[at] == '"')
			return at;
		for (from = at; at < l->n && !is_blank(l->p[at]) && l->p[at] != '"'; at++)
			;
		if (means_secret(l->p + from, at - from))
			return at;
		at += at < l->n && is_blank(l->p[at]);
	}
	return l->n;
}

static void add_plain(char *buf, size_t room, const char *p, size_t n)
{
	size_t at = strlen(buf);

	for (size_t i = 0; i < n && at + 1 < room; i++)
		buf[at++] = p[i] >= 0x20 && p[i] < 0x7f ? p[i] : p[i] == '\t' ? ' ' : '?';
	buf[at] = '\0';
}

/* What a remark calls the word. */
static void token(const struct nc_word *w, bool is_hidden, char buf[TOKEN_MAX + 4])
{
	buf[0] = '\0';
	if (is_hidden || w->kind == NC_STRING) {
		strcpy(buf, "...");
		return;
	}
	add_plain(buf, TOKEN_MAX, w->p, w->n);
	if (w->n >= TOKEN_MAX)
		strcat(buf, "...");
}

void nc_say(struct nc_read *r, bool is_error, const struct nc_word *w, const char *text)
{
	unsigned *count = is_error ? &r->n_errors : &r->n_warnings;
	struct line l;
	size_t shown;
	char source[SOURCE_MAX] = "", name[TOKEN_MAX + 4], full[TEXT_MAX] = "";
	struct native_note note = {.is_error = is_error,
	    .file = r->conf->file[r->file],
	    .line = w->line,
	    .column = w->column,
	    .text = full,
	    .source = source};

	if (++*count > NC_ERRORS_MAX)
		return;
	l = line_of(r->text, w->line);
	shown = harmless(&l);
	if (r->cut && w->column + w->n < shown + 1)
		shown = w->column - 1 + w->n;
	token(w, w->kind != NC_PUNCT && w->column > shown, name);
	if (w->kind)
		snprintf(full, sizeof(full), "\"%s\" ", name);
	add_plain(full, sizeof(full), text, strlen(text));
	add_plain(source, sizeof(source) - 4, l.p, shown);
	if (shown < l.n)
		strcat(source, "...");
	r->o->say(r->o->arg, &note);
}
