/*
 * A racoon.conf as its shape alone: statements of words, and blocks of statements, each with its place. What
 * a word means is judged by who reads the tree.
 */
#ifndef POSTERN_CONFIG_RACOON_TREE_H
#define POSTERN_CONFIG_RACOON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	RC_FILE_MAX = 1 << 20, /* octets of one file */
	RC_WORDS_MAX = 256,    /* of one statement: a list of algorithms has a dozen */
	RC_DEPTH_MAX = 8,      /* blocks in blocks; the language has two */
	RC_MESSAGES_MAX = 20,  /* what is said of one file before it is given up */
};

enum rc_kind {
	RC_NONE = 0,
	RC_WORD,   /* letters, digits, and . : _ % * + - inside: keywords, names, addresses, ranges */
	RC_NUMBER, /* digits alone */
	RC_STRING, /* between double quotes, which are not part of it */
	RC_PUNCT,  /* one of , / [ ] */
};

struct rc_word {
	enum rc_kind kind;
	uint32_t line, column; /* from 1 */
	uint32_t n;
	const char *p; /* into the tree's copy of the text; not terminated */
};

/* Statements lie in the order of the file; the body of one follows it, up to `end`. */
struct rc_stmt {
	uint32_t first, n_words; /* in the tree's words; at least one */
	uint32_t end;            /* index behind the last statement of its body; its own + 1 without one */
	bool has_body;
};

struct rc_tree {
	char *file; /* its name, for messages */
	char *text;
	struct rc_word *words;
	struct rc_stmt *stmts;
	uint32_t n_words, n_stmts;
};

/* One line about the file: FILE:LINE:COLUMN: "TOKEN" TEXT. */
typedef void (*rc_message_fn)(void *arg, const char *text);

/* Reads `n` octets. 0 with the tree; -EINVAL: what was wrong has been told, at most RC_MESSAGES_MAX lines;
 * -EFBIG; -ENOMEM. */
must_check int rc_tree_parse(
    const char *file, const char *text, size_t n, rc_message_fn say, void *arg, struct rc_tree **ret);
/* NULL is fine. Returns NULL. */
struct rc_tree *rc_tree_free(struct rc_tree *t);

bool rc_word_is(const struct rc_word *w, const char *text);
/* Word i of a statement, NULL behind its last. */
static inline const struct rc_word *rc_word_at(const struct rc_tree *t, const struct rc_stmt *s, uint32_t i)
{
	return i < s->n_words ? &t->words[s->first + i] : NULL;
}
/* The statement behind this one on the same level, within `end`; NULL: there is none. Begin with index 0 and
 * n_stmts, or with the index of a block + 1 and its end. */
static inline const struct rc_stmt *rc_stmt_at(const struct rc_tree *t, uint32_t i, uint32_t end)
{
	return i < end ? &t->stmts[i] : NULL;
}

static inline void auto_rc_tree_(struct rc_tree **t)
{
	rc_tree_free(*t);
}
#define AUTO_RC_TREE AUTO(auto_rc_tree_)

#endif
