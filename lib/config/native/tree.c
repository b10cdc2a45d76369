/*
 * Two flat arrays, one of words and one of statements, grown as the file goes on and bounded by its length.
 * Statements are put down when their words have ended, so a block precedes what is in it.
 */
#include "config/native/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/native/parse.h"

bool nc_word_is(const struct nc_word *w, const char *text)
{
	return w->kind != NC_STRING && strlen(text) == w->n && memcmp(w->p, text, w->n) == 0;
}

static void fault(struct nc_parse *p, const char *text)
{
	p->n_faults++;
	p->fault(p->arg, &p->last, text);
}

/* A block that is open at the end of the file is told at its first word. */
static void unclosed(struct nc_parse *p)
{
	const struct nc_stmt *s = &p->tree->stmts[p->open[p->depth - 1]];
	char text[96];

	snprintf(text, sizeof(text), "has no `}`: its block is still open at the end, line %u", p->last.line);
	p->n_faults++;
	p->fault(p->arg, &p->tree->words[s->first], text);
}

void nc_unexpected(struct nc_parse *p)
{
	if (!p->last.kind && p->depth)
		unclosed(p);
	else if (p->last.n == 1 && *p->last.p == '"')
		fault(p, "has no second one on its line: a text in quotes ends with its line");
	else if (p->last.n == 1 && *p->last.p == '}')
		fault(p, "closes no block: is a `{` missing in front of it?");
	else if (p->last.n == 1 && *p->last.p == '{')
		fault(p, "opens a block that has no name: words belong in front of it");
	else
		fault(p, "is not expected here: a text with such letters belongs in quotes");
}

/* Room for one more in an array that doubles. */
static bool grow(struct nc_parse *p, void **array, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t want = *room ? *room * 2 : 64;
	void *grown;

	if (n < *room)
		return true;
	grown = reallocarray(*array, want, size);
	if (!grown) {
		p->out_of_memory = true;
		return false;
	}
	*array = grown;
	*room = want;
	return true;
}

bool nc_add_word(struct nc_parse *p)
{
	struct nc_tree *t = p->tree;

	if (p->n_faults >= NC_ERRORS_MAX)
		return false;
	if (t->n_words - p->pending == NC_WORDS_MAX) {
		fault(p, "is one word too many for a statement");
		return false;
	}
	if (!grow(p, (void **)&t->words, t->n_words, &p->words_room, sizeof(*t->words)))
		return false;
	t->words[t->n_words++] = p->last;
	return true;
}

bool nc_end_stmt(struct nc_parse *p)
{
	struct nc_tree *t = p->tree;

	if (!grow(p, (void **)&t->stmts, t->n_stmts, &p->stmts_room, sizeof(*t->stmts)))
		return false;
	t->stmts[t->n_stmts] =
	    (struct nc_stmt){.first = p->pending, .n_words = t->n_words - p->pending, .end = t->n_stmts + 1};
	t->n_stmts++;
	p->pending = t->n_words;
	return true;
}

bool nc_open_block(struct nc_parse *p)
{
	if (p->depth == NC_DEPTH_MAX) {
		fault(p, "opens a block too deep inside of others: is a `}` missing?");
		return false;
	}
	if (!nc_end_stmt(p))
		return false;
	p->open[p->depth] = p->tree->n_stmts - 1;
	p->tree->stmts[p->open[p->depth++]].has_body = true;
	return true;
}

void nc_close_block(struct nc_parse *p)
{
	p->tree->stmts[p->open[--p->depth]].end = p->tree->n_stmts;
}

void nc_drop_words(struct nc_parse *p)
{
	p->tree->n_words = p->pending;
}

static struct nc_tree *tree_new(const char *text, size_t n)
{
	struct nc_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->n = n + 2;
	t->text = calloc(1, t->n);
	if (!t->text)
		return nc_tree_free(t);
	if (n)
		memcpy(t->text, text, n);
	return t;
}

struct nc_tree *nc_tree_free(struct nc_tree *t)
{
	if (!t)
		return NULL;
	if (t->text)
		wipe(t->text, t->n);
	free(t->text);
	free(t->words);
	free(t->stmts);
	free(t);
	return NULL;
}

int nc_tree_parse(const char *text, size_t n, nc_fault_fn fault_fn, void *arg, struct nc_tree **ret)
{
	AUTO_NC_TREE struct nc_tree *t = tree_new(text, n);
	struct nc_parse p = {
	    .tree = t, .fault = fault_fn, .arg = arg, .line = 1, .column = 1, .held_token = -1};
	int r = t ? nc_scan_begin(&p, t->text, n) : -ENOMEM;

	if (r < 0)
		return r;
	r = nc_gram_parse(&p);
	nc_scan_end(&p);
	if (p.out_of_memory || (r && !p.n_faults))
		return -ENOMEM;
	while (p.depth)
		nc_close_block(&p);
	*ret = take_ptr(t);
	return 0;
}
