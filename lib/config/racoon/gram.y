/*
 * Every statement of the language has one of two shapes. A fault ends at the next `;`, so that one slip is
 * told once and the rest of the file is still looked at.
 */
%code requires {
#include "config/racoon/parse.h"
}

%code {
static int rc_gram_lex(void *value, struct rc_parse *p)
{
	(void)value;
	return rc_scan(p);
}

static void rc_gram_error(struct rc_parse *p, const char *text)
{
	(void)text;
	(void)rc_say(p, p->last.kind                      ? "is not expected here"
	                : p->depth                        ? "the `}` of a block is missing"
	                                                  : "a `;` is missing");
}

#define TRY(ok)                                                                                              \
	do {                                                                                                 \
		if (!(ok))                                                                                   \
			YYABORT;                                                                             \
	} while (0)
}

%define api.pure full
%define api.prefix {rc_gram_}
%define api.token.prefix {RC_T_}
%param {struct rc_parse *p}
%expect 0

%token WORD SEMICOLON OPEN CLOSE BAD

%%

file: stmts ;

stmts: %empty | stmts stmt ;

stmt: words SEMICOLON                  { TRY(rc_end_stmt(p)); }
    | words OPEN                       { TRY(rc_open_block(p)); }
      stmts CLOSE                      { rc_close_block(p); }
    | SEMICOLON                        /* behind a `}`: the originals take it for a fault */
    | error SEMICOLON                  { rc_drop_words(p); yyerrok; }
    ;

words: WORD                            { TRY(rc_add_word(p)); }
     | words WORD                      { TRY(rc_add_word(p)); }
     ;
