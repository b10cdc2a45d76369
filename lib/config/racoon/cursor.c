/*
 * Taking words. Every function that finds something wrong has told so when it returns false, and the
 * statement is over.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "config/racoon/reader.h"

enum { LIST_MAX = 80, LINE_MAX_ = 700 };

bool rc_text(const struct rc_word *w, char *buf, size_t room)
{
	if (w->n >= room)
		return false;
	memcpy(buf, w->p, w->n);
	buf[w->n] = '\0';
	return true;
}

/* Whatever cannot be shown is not. */
static void make_plain(char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s >= 0x7f)
			*s = '?';
}

/* A token in a message. */
static const char *shown(const struct rc_word *w, char buf[64])
{
	size_t n = w->n < 60 ? w->n : 60;

	for (size_t i = 0; i < n; i++)
		buf[i] = w->p[i] ? w->p[i] : '?';
	buf[n] = '\0';
	make_plain(buf);
	return buf;
}

static void tell(struct rc_cur *c, bool is_error, const struct rc_word *w, const char *fmt, va_list ap)
{
	const struct rc_word *at = w ? w : rc_word_at(c->r->tree, c->s, 0);
	char line[LINE_MAX_], token[64];
	int n = snprintf(line, sizeof(line), "%s:%u:%u: \"%s\" ", c->r->tree->file, at->line, at->column,
	    shown(at, token));

	if ((size_t)n < sizeof(line)) {
		vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
		make_plain(line + n);
	}
	c->r->o->say(c->r->o->arg, is_error, line);
}

bool rc_fault(struct rc_cur *c, const struct rc_word *w, const char *fmt, ...)
{
	va_list ap;

	if (c->r->n_errors++ < RC_ERRORS_MAX) {
		va_start(ap, fmt);
		tell(c, true, w, fmt, ap);
		va_end(ap);
	}
	return false;
}

void rc_warn(struct rc_cur *c, const struct rc_word *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, false, w, fmt, ap);
	va_end(ap);
}

bool rc_no_memory(struct rc_cur *c)
{
	c->r->no_memory = true;
	return rc_fault(c, NULL, "out of memory");
}

static const struct rc_verb *find(const struct rc_word *w, const struct rc_verb *verbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rc_word_is(w, verbs[i].word))
			return &verbs[i];
	return NULL;
}

/* The word that was probably meant, "" when none is near. `text` of length n words. */
static const char *suggestion(const struct rc_word *w, const char *const *list, char buf[96])
{
	char word[NEAREST_MAX];
	const char *near = rc_text(w, word, sizeof(word)) ? nearest_word(word, list) : NULL;

	buf[0] = '\0';
	if (near)
		snprintf(buf, 96, "; did you mean `%s`?", near);
	return buf;
}

static bool unknown_statement(
    struct rc_cur *c, const struct rc_word *w, const struct rc_verb *verbs, size_t n)
{
	const char *list[LIST_MAX] = {NULL};
	char more[96];

	for (size_t i = 0; i < n && i + 1 < LIST_MAX; i++)
		list[i] = verbs[i].word;
	return rc_fault(c, w, "is no statement here%s", suggestion(w, list, more));
}

static void run_one(
    struct rc_read *r, const struct rc_stmt *s, const struct rc_verb *verbs, size_t n, void *block)
{
	struct rc_cur c = {.r = r, .s = s, .at = 1};
	const struct rc_word *w = rc_word_at(r->tree, s, 0);
	const struct rc_verb *v = w->kind == RC_WORD ? find(w, verbs, n) : NULL;

	if (!v)
		(void)unknown_statement(&c, w, verbs, n);
	else if (s->has_body && !v->has_body)
		(void)rc_fault(&c, w, "has no block of its own: a `;` belongs behind its words");
	else
		(void)v->fn(&c, block);
}

void rc_run(struct rc_read *r, uint32_t i, uint32_t end, const struct rc_verb *verbs, size_t n, void *block)
{
	const struct rc_stmt *s;

	while ((s = rc_stmt_at(r->tree, i, end)) && !r->no_memory && r->n_errors < RC_ERRORS_MAX) {
		run_one(r, s, verbs, n, block);
		i = s->end;
	}
}

void rc_run_body(struct rc_cur *c, const struct rc_verb *verbs, size_t n, void *block)
{
	uint32_t i = (uint32_t)(c->s - c->r->tree->stmts);

	rc_run(c->r, i + 1, c->s->end, verbs, n, block);
}

const struct rc_word *rc_peek(const struct rc_cur *c)
{
	return rc_word_at(c->r->tree, c->s, c->at);
}

const struct rc_word *rc_next(struct rc_cur *c)
{
	const struct rc_word *w = rc_peek(c);

	if (w)
		c->at++;
	return w;
}

/* The last word that was taken: where something is missing. */
static const struct rc_word *last(const struct rc_cur *c)
{
	return rc_word_at(c->r->tree, c->s, c->at ? c->at - 1 : 0);
}

bool rc_skip(struct rc_cur *c, const char *word)
{
	const struct rc_word *w = rc_peek(c);

	if (!w || !rc_word_is(w, word))
		return false;
	c->at++;
	return true;
}

bool rc_end(struct rc_cur *c)
{
	const struct rc_word *w = rc_peek(c);

	return w ? rc_fault(c, w, "is one word too many") : true;
}

static bool missing(struct rc_cur *c, const char *what)
{
	return rc_fault(c, last(c), "wants %s behind it", what);
}

bool rc_number(struct rc_cur *c, uint64_t min, uint64_t max, uint64_t *ret)
{
	const struct rc_word *w = rc_next(c);
	uint64_t v = 0;

	if (!w)
		return missing(c, "a number");
	if (w->kind != RC_NUMBER)
		return rc_fault(c, w, "is no number");
	for (uint32_t i = 0; i < w->n && v <= max; i++)
		v = v * 10 + (uint64_t)(w->p[i] - '0');
	if (v < min || v > max)
		return rc_fault(c, w, "is out of its range, %llu to %llu", (unsigned long long)min,
		    (unsigned long long)max);
	*ret = v;
	return true;
}

/* A number may be one of the words too. */
static bool same_text(const struct rc_word *w, const char *text)
{
	return strlen(text) == w->n && memcmp(w->p, text, w->n) == 0;
}

bool rc_pick(struct rc_cur *c, const char *what, const struct rc_choice *table, size_t n, uint32_t *ret)
{
	const char *list[LIST_MAX] = {NULL};
	const struct rc_word *w = rc_next(c);
	char more[96];

	if (!w)
		return missing(c, what);
	for (size_t i = 0; i < n; i++) {
		if (w->kind != RC_STRING && same_text(w, table[i].word)) {
			*ret = table[i].value;
			return true;
		}
		if (i + 1 < LIST_MAX)
			list[i] = table[i].word;
	}
	return rc_fault(c, w, "is not %s%s", what, suggestion(w, list, more));
}

bool rc_switch(struct rc_cur *c, bool *ret)
{
	static const struct rc_choice words[] = {{"on", 1}, {"off", 0}};
	uint32_t v;

	if (!rc_pick(c, "`on` or `off`", words, ARRAY_SIZE(words), &v))
		return false;
	*ret = v;
	return true;
}

bool rc_string(struct rc_cur *c, char **ret)
{
	const struct rc_word *w = rc_next(c);
	char *text;

	if (!w)
		return missing(c, "a text in quotes");
	if (w->kind != RC_STRING)
		return rc_fault(c, w, "belongs in quotes");
	if (!w->n || w->n > IKE_CONF_TEXT_MAX)
		return rc_fault(c, w, "is empty, or longer than %d octets", IKE_CONF_TEXT_MAX);
	text = strndup(w->p, w->n);
	if (!text)
		return rc_no_memory(c);
	free(*ret);
	*ret = text;
	return true;
}

bool rc_time(struct rc_cur *c, uint64_t *ret_s)
{
	static const struct rc_choice units[] = {{"sec", RC_SECOND}, {"secs", RC_SECOND},
	    {"second", RC_SECOND}, {"seconds", RC_SECOND}, {"min", RC_MINUTE}, {"mins", RC_MINUTE},
	    {"minute", RC_MINUTE}, {"minutes", RC_MINUTE}, {"hour", RC_HOUR}, {"hours", RC_HOUR}};
	uint32_t unit;
	uint64_t v;

	if (!rc_number(c, 0, UINT32_MAX / RC_HOUR, &v) ||
	    !rc_pick(c, "a unit of time: sec, min or hour", units, ARRAY_SIZE(units), &unit))
		return false;
	*ret_s = v * unit;
	return true;
}

bool rc_size(struct rc_cur *c, uint64_t *ret_bytes)
{
	/* The unit is a shift. */
	static const struct rc_choice units[] = {
	    {"B", 0}, {"byte", 0}, {"bytes", 0}, {"KB", 10}, {"MB", 20}, {"TB", 40}};
	uint32_t shift;
	uint64_t v;

	if (!rc_number(c, 0, UINT32_MAX, &v) ||
	    !rc_pick(c, "a unit of size: B, KB, MB or TB", units, ARRAY_SIZE(units), &shift))
		return false;
	if (v > UINT64_MAX >> 8 >> shift)
		return rc_fault(c, last(c), "makes the size too large");
	*ret_bytes = v << shift;
	return true;
}

bool rc_is_addr(const struct rc_word *w)
{
	char text[INET_ADDR_STRLEN];
	struct inet_addr a;

	return w && w->kind != RC_STRING && rc_text(w, text, sizeof(text)) && inet_addr_parse(text, &a) == 0;
}

bool rc_addr(struct rc_cur *c, struct inet_addr *ret)
{
	const struct rc_word *w = rc_next(c);
	char text[INET_ADDR_STRLEN];

	if (!w)
		return missing(c, "an address");
	if (!rc_text(w, text, sizeof(text)) || inet_addr_parse(text, ret) < 0)
		return rc_fault(c, w, "is no address; names are not looked up here");
	return true;
}

bool rc_port(struct rc_cur *c, bool *ret_said, uint16_t *ret)
{
	uint64_t v = 0;

	*ret_said = rc_skip(c, "[");
	if (!*ret_said)
		return true;
	if (!rc_skip(c, "any") && !rc_number(c, 0, UINT16_MAX, &v))
		return false;
	if (!rc_skip(c, "]"))
		return missing(c, "`]`");
	*ret = (uint16_t)v;
	return true;
}

char *rc_join(const char *base, const char *name)
{
	char *path = NULL;

	if (name[0] == '/' || !base)
		return strdup(name);
	return asprintf(&path, "%s/%s", base, name) < 0 ? NULL : path;
}
