/*
 * A postern.conf as its shape alone: statements of words, a line each, and blocks of statements. What a word
 * means is judged by who reads the tree.
 */
#ifndef POSTERN_CONFIG_NATIVE_TREE_H
#define POSTERN_CONFIG_NATIVE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	NC_WORDS_MAX = 256, /* of one statement */
	NC_DEPTH_MAX = 8,   /* blocks in blocks; the language has two */
	NC_ERRORS_MAX = 100,
};

enum nc_kind {
	NC_NONE = 0,
	NC_WORD,   /* letters, digits, and . : / _ % * + @ ~ - inside: words, names, addresses, paths */
	NC_STRING, /* between double quotes, which are not part of it */
	NC_PUNCT,  /* one of , = [ ] */
};

struct nc_word {
	enum nc_kind kind;
	uint32_t line, column; /* from 1 */
	uint32_t n;
	const char *p; /* into the tree's copy of the text; not terminated */
};

/* Statements lie in the order of the file; the body of one follows it, up to `end`. */
struct nc_stmt {
	uint32_t first, n_words; /* in the tree's words; at least one */
	uint32_t end;            /* index behind the last statement of its body; its own + 1 without one */
	bool has_body;
};

struct nc_tree {
	char *text;
	size_t n;
	struct nc_word *words;
	struct nc_stmt *stmts;
	uint32_t n_words, n_stmts;
};

/* What is wrong at a word; its kind is NONE at the end of the file. */
typedef void (*nc_fault_fn)(void *arg, const struct nc_word *w, const char *text);

/* Reads `n` octets. 0 with the tree, in which faulty statements are left out, and what comes behind a fault
 * that is past repair; -ENOMEM. */
must_check int nc_tree_parse(const char *text, size_t n, nc_fault_fn fault, void *arg, struct nc_tree **ret);
/* Wipes. NULL is fine. Returns NULL. */
struct nc_tree *nc_tree_free(struct nc_tree *t);

bool nc_word_is(const struct nc_word *w, const char *text);
/* Word i of a statement, NULL behind its last. */
static inline const struct nc_word *nc_word_at(const struct nc_tree *t, const struct nc_stmt *s, uint32_t i)
{
	return i < s->n_words ? &t->words[s->first + i] : NULL;
}

static inline void auto_nc_tree_(struct nc_tree **t)
{
	nc_tree_free(*t);
}
#define AUTO_NC_TREE AUTO(auto_nc_tree_)

#endif
