/*
 * Words of setkey's language as slices of the text, each with its place. Private to the reader.
 */
#ifndef POSTERN_CONFIG_SETKEY_TOKEN_H
#define POSTERN_CONFIG_SETKEY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/setkey/setkey.h"

/* What the scanner itself can tell apart. What a word means is decided by its position, in classify.c. */
enum sk_lex {
	SK_LEX_EOF = 0,
	SK_LEX_WORD,
	SK_LEX_NUM,
	SK_LEX_HEX,
	SK_LEX_STRING,
	SK_LEX_OPEN_STRING, /* a quote without its partner, up to the end of the line */
	SK_LEX_OPTION,      /* -m, -esp_frag */
	SK_LEX_PUNCT,       /* one of ; [ ] / , - + */
	SK_LEX_BAD,         /* a byte that is not part of the language */
};

/* `p` points into the reader's copy of the text, which lives until the reader returns; strings without their
 * quotes. */
struct sk_tok {
	enum sk_lex lex;
	const char *p;
	uint32_t n;
	uint32_t line, column;
	bool first_on_line;
};

enum { SK_SCAN_ALIGN = 16 };

/* Scanner state that flex does not keep, and the memory for what it does. Stays where it is. */
struct sk_scan {
	uint32_t line, column;
	bool line_has_token;
	uint32_t hidden_line; /* the last line where a comment behind a token holds a `;` */
	struct sk_tok tok;    /* the last token */
	size_t mem_used;
	_Alignas(SK_SCAN_ALIGN) unsigned char mem[512];
};

/* The scanner, in lex.l. `buf` has `n` bytes of text and two NULs behind; it is scanned in place. */
int sk_scan_new(char *buf, size_t n, struct sk_scan *scan, void **ret);
void sk_scan_free(void *scanner);
/* Fills scan->tok. After `-P` it reads policy text until a `;`. */
void sk_scan_next(void *scanner);
/* Policy text from the first byte, for a policy alone. */
void sk_scan_enter_policy(void *scanner);
/* Back to statement text, for the reader's recovery. */
void sk_scan_leave_policy(void *scanner);

static inline struct setkey_loc sk_tok_loc(const struct sk_tok *t)
{
	return (struct setkey_loc){t->line, t->column};
}

bool sk_tok_is(const struct sk_tok *t, const char *word);
/* NUL-terminated copy; false when it does not fit or holds a NUL. */
bool sk_tok_str(const struct sk_tok *t, char *buf, size_t room);
/* Decimal or 0x hex up to `max`; false when larger or not a number. */
bool sk_tok_number(const struct sk_tok *t, uint64_t max, uint64_t *ret);
/* How a message shows the token, without brackets: printable, short, and never more of a possible key than
 * its kind. */
const char *sk_tok_show(const struct sk_tok *t, char buf[64]);

#endif
