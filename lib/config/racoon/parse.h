/*
 * Between scanner, grammar and tree.
 */
#ifndef POSTERN_CONFIG_RACOON_PARSE_H
#define POSTERN_CONFIG_RACOON_PARSE_H

#include "config/racoon/tree.h"

struct rc_parse {
	struct rc_tree *tree;
	rc_message_fn say;
	void *arg;
	void *scanner;
	uint32_t line, column;              /* of what the scanner has not read yet */
	struct rc_word last;                /* newest token; kind NONE at the end of the file */
	uint32_t open[RC_DEPTH_MAX], depth; /* statements whose blocks are being read */
	uint32_t pending;                   /* where the words of the statement that is being read begin */
	uint32_t words_room, stmts_room;
	unsigned n_messages;
	bool out_of_memory;
};

/* lex.l: `text` has n octets and two zeros behind them. 0 or -ENOMEM. */
must_check int rc_scan_begin(struct rc_parse *p, char *text, size_t n);
/* The next token's number in the grammar, 0 at the end. */
int rc_scan(struct rc_parse *p);
void rc_scan_end(struct rc_parse *p);

/* gram.y: 0: all of it was read, with faults or without; else given up. */
int rc_gram_parse(struct rc_parse *p);

/* The grammar's actions. False: given up. */
must_check bool rc_add_word(struct rc_parse *p);
must_check bool rc_end_stmt(struct rc_parse *p);   /* at a `;` */
must_check bool rc_open_block(struct rc_parse *p); /* at a `{` */
void rc_close_block(struct rc_parse *p);
/* Forgets the words since the last statement, after a fault. */
void rc_drop_words(struct rc_parse *p);
/* About the newest token. False: that was the last message. */
bool rc_say(struct rc_parse *p, const char *text);

#endif
