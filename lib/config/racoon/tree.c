/*
 * Two flat arrays, one of words and one of statements, grown as the file goes on and bounded by its length.
 * Statements are put down when their words have ended, so a block precedes what is in it.
 */
#include "config/racoon/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/racoon/parse.h"

enum { TOKEN_SHOWN = 40, MESSAGE_ROOM = 480 };

bool rc_word_is(const struct rc_word *w, const char *text)
{
	return (w->kind == RC_WORD || w->kind == RC_PUNCT) && strlen(text) == w->n &&
	       memcmp(w->p, text, w->n) == 0;
}

/* A string is not shown: it may be a password. */
static void show(const struct rc_word *w, char buf[TOKEN_SHOWN + 4])
{
	uint32_t n = w->n < TOKEN_SHOWN ? w->n : TOKEN_SHOWN, at = 0;

	if (w->kind == RC_STRING) {
		strcpy(buf, "...");
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		buf[at++] = w->p[i] >= 0x20 && w->p[i] < 0x7f ? w->p[i] : '?';
	buf[at] = '\0';
	if (n < w->n)
		strcpy(buf + at, "...");
}

bool rc_say(struct rc_parse *p, const char *text)
{
	char line[MESSAGE_ROOM], token[TOKEN_SHOWN + 4];

	if (p->n_messages++ >= RC_MESSAGES_MAX)
		return false;
	show(&p->last, token);
	if (p->last.kind)
		snprintf(line, sizeof(line), "%s:%u:%u: \"%s\" %s", p->tree->file, p->last.line,
		    p->last.column, token, text);
	else
		snprintf(line, sizeof(line), "%s:%u:%u: the file ends, and %s", p->tree->file, p->last.line,
		    p->last.column, text);
	p->say(p->arg, line);
	if (p->n_messages == RC_MESSAGES_MAX) {
		snprintf(line, sizeof(line), "%s:%u:%u: too many errors: the rest is not looked at",
		    p->tree->file, p->last.line, p->last.column);
		p->say(p->arg, line);
	}
	return p->n_messages < RC_MESSAGES_MAX;
}

/* Room for one more in an array that doubles. */
static bool grow(void **array, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t want = *room ? *room * 2 : 64;
	void *grown;

	if (n < *room)
		return true;
	grown = reallocarray(*array, want, size);
	if (!grown)
		return false;
	*array = grown;
	*room = want;
	return true;
}

bool rc_add_word(struct rc_parse *p)
{
	struct rc_tree *t = p->tree;

	if (p->n_messages >= RC_MESSAGES_MAX)
		return false;
	if (t->n_words - p->pending == RC_WORDS_MAX) {
		(void)rc_say(p, "is one word too many for a statement: is a `;` missing in front of it?");
		return false;
	}
	if (!grow((void **)&t->words, t->n_words, &p->words_room, sizeof(*t->words))) {
		p->out_of_memory = true;
		return false;
	}
	t->words[t->n_words++] = p->last;
	return true;
}

bool rc_end_stmt(struct rc_parse *p)
{
	struct rc_tree *t = p->tree;

	if (!grow((void **)&t->stmts, t->n_stmts, &p->stmts_room, sizeof(*t->stmts))) {
		p->out_of_memory = true;
		return false;
	}
	t->stmts[t->n_stmts] =
	    (struct rc_stmt){.first = p->pending, .n_words = t->n_words - p->pending, .end = t->n_stmts + 1};
	t->n_stmts++;
	p->pending = t->n_words;
	return true;
}

bool rc_open_block(struct rc_parse *p)
{
	if (p->depth == RC_DEPTH_MAX) {
		(void)rc_say(p, "opens a block too deep inside of others: is a `}` missing?");
		return false;
	}
	if (!rc_end_stmt(p))
		return false;
	p->open[p->depth] = p->tree->n_stmts - 1;
	p->tree->stmts[p->open[p->depth++]].has_body = true;
	return true;
}

void rc_close_block(struct rc_parse *p)
{
	p->tree->stmts[p->open[--p->depth]].end = p->tree->n_stmts;
}

void rc_drop_words(struct rc_parse *p)
{
	p->tree->n_words = p->pending;
}

static struct rc_tree *tree_new(const char *file, const char *text, size_t n)
{
	struct rc_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->file = strdup(file);
	t->text = calloc(1, n + 2);
	if (!t->file || !t->text)
		return rc_tree_free(t);
	if (n)
		memcpy(t->text, text, n);
	return t;
}

struct rc_tree *rc_tree_free(struct rc_tree *t)
{
	if (!t)
		return NULL;
	free(t->file);
	free(t->text);
	free(t->words);
	free(t->stmts);
	free(t);
	return NULL;
}

int rc_tree_parse(
    const char *file, const char *text, size_t n, rc_message_fn say, void *arg, struct rc_tree **ret)
{
	AUTO_RC_TREE struct rc_tree *t = n > RC_FILE_MAX ? NULL : tree_new(file, text, n);
	struct rc_parse p = {.tree = t, .say = say, .arg = arg, .line = 1, .column = 1};
	int r;

	if (n > RC_FILE_MAX)
		return -EFBIG;
	r = t ? rc_scan_begin(&p, t->text, n) : -ENOMEM;
	if (r < 0)
		return r;
	r = rc_gram_parse(&p);
	rc_scan_end(&p);
	if (p.out_of_memory || (r && !p.n_messages))
		return -ENOMEM;
	if (r || p.n_messages)
		return -EINVAL;
	*ret = take_ptr(t);
	return 0;
}
