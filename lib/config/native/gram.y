/*
 * A statement is a line, or a line and a block. A fault ends with its line, so that one slip is told once and
 * the rest of the file is still looked at.
 */
%code requires {
#include "config/native/parse.h"
}

%code {
static int nc_gram_lex(void *value, struct nc_parse *p)
{
	(void)value;
	return nc_scan(p);
}

static void nc_gram_error(struct nc_parse *p, const char *text)
{
	(void)text;
	nc_unexpected(p);
}

#define TRY(ok)                                                                                              \
	do {                                                                                                 \
		if (!(ok))                                                                                   \
			YYABORT;                                                                             \
	} while (0)
}

%define api.pure full
%define api.prefix {nc_gram_}
%define api.token.prefix {NC_T_}
%param {struct nc_parse *p}
%expect 0

%token WORD END OPEN CLOSE BAD

%%

file: stmts ;

stmts: %empty | stmts stmt ;

stmt: END
    | words END                        { TRY(nc_end_stmt(p)); }
    | words OPEN                       { TRY(nc_open_block(p)); }
      stmts CLOSE                      { nc_close_block(p); }
    | error END                        { nc_drop_words(p); yyerrok; }
    ;

words: WORD                            { TRY(nc_add_word(p)); }
     | words WORD                      { TRY(nc_add_word(p)); }
     ;
