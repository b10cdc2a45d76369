/*
 * A racoon.conf of any octets. What is read lies in order and inside of its bounds, and a file written from
 * the tree is read as the same tree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/racoon/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned n_told;

static void say(void *arg, const char *text)
{
	(void)arg;
	n_told += *text != '\0';
}

static void check(int ok)
{
	if (!ok)
		abort();
}

static void write_body(const struct rc_tree *t, uint32_t i, uint32_t end, FILE *to)
{
	const struct rc_stmt *s;

	for (; (s = rc_stmt_at(t, i, end)); i = s->end) {
		const struct rc_word *w;

		check(s->end > i && s->end <= end && s->n_words && s->first + s->n_words <= t->n_words);
		for (uint32_t k = 0; (w = rc_word_at(t, s, k)); k++) {
			const char *quote = w->kind == RC_STRING ? "\"" : "";

			fputs(quote, to);
			(void)fwrite(w->p, 1, w->n, to);
			fprintf(to, "%s ", quote);
		}
		fputs(s->has_body ? "{" : ";", to);
		if (s->has_body)
			write_body(t, i + 1, s->end, to);
		else
			check(s->end == i + 1);
		fputs(s->has_body ? "}" : "", to);
	}
}

static void same(const struct rc_tree *a, const struct rc_tree *b)
{
	check(a->n_words == b->n_words && a->n_stmts == b->n_stmts);
	for (uint32_t i = 0; i < a->n_words; i++)
		check(a->words[i].kind == b->words[i].kind && a->words[i].n == b->words[i].n &&
		      memcmp(a->words[i].p, b->words[i].p, a->words[i].n) == 0);
	for (uint32_t i = 0; i < a->n_stmts; i++)
		check(a->stmts[i].end == b->stmts[i].end && a->stmts[i].has_body == b->stmts[i].has_body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_RC_TREE struct rc_tree *t = NULL, *back = NULL;
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f;
	int r;

	n_told = 0;
	r = rc_tree_parse("f", (const char *)data, n, say, NULL, &t);
	check(r == 0 ? t && !n_told : !t && (r != -22 || n_told));
	check(n_told <= RC_MESSAGES_MAX + 1);
	if (!t)
		return 0;
	f = open_memstream(&text, &len);
	check(f != NULL);
	write_body(t, 0, t->n_stmts, f);
	fclose(f);
	check(rc_tree_parse("f", text, len, say, NULL, &back) == 0 || len > RC_FILE_MAX);
	if (back)
		same(t, back);
	return 0;
}
