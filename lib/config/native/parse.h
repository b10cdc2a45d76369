/*
 * Between scanner, grammar and tree.
 */
#ifndef POSTERN_CONFIG_NATIVE_PARSE_H
#define POSTERN_CONFIG_NATIVE_PARSE_H

#include "config/native/tree.h"

struct nc_parse {
	struct nc_tree *tree;
	nc_fault_fn fault;
	void *arg;
	void *scanner;
	uint32_t line, column; /* of what the scanner has not read yet */
	struct nc_word last;   /* newest token; kind NONE at the end of the file */
	struct nc_word held;   /* a token that waits behind the end of a statement */
	int held_token;        /* its number; below 0: there is none */
	bool in_words;         /* a statement has begun and not ended */
	bool goes_on;          /* the newest token was a comma or an equals sign: the line goes on */
	uint32_t open[NC_DEPTH_MAX], depth; /* statements whose blocks are being read */
	uint32_t pending;                   /* where the words of the statement that is being read begin */
	uint32_t words_room, stmts_room;
	unsigned n_faults;
	bool out_of_memory;
};

/* lex.l: `text` has n octets and two zeros behind them. 0 or -ENOMEM. */
must_check int nc_scan_begin(struct nc_parse *p, char *text, size_t n);
/* The next token's number in the grammar, 0 at the end. A statement ends with its line, and also in front of
 * a closing brace and of the end of the file. */
int nc_scan(struct nc_parse *p);
void nc_scan_end(struct nc_parse *p);

/* gram.y: 0: all of it was read, with faults or without; else given up. */
int nc_gram_parse(struct nc_parse *p);

/* The grammar's actions. False: given up. */
must_check bool nc_add_word(struct nc_parse *p);
must_check bool nc_end_stmt(struct nc_parse *p);
must_check bool nc_open_block(struct nc_parse *p);
void nc_close_block(struct nc_parse *p);
/* Forgets the words since the last statement, after a fault. */
void nc_drop_words(struct nc_parse *p);
/* About the newest token: what the grammar did not expect. */
void nc_unexpected(struct nc_parse *p);

#endif
