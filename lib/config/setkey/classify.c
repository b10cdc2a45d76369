/*
 * A word is a keyword only where the language wants one: the first of a statement is its verb, the third
 * after -P may be `prio`, and so on. Everywhere else the same letters are the name of a host, a protocol or a
 * service.
 */
#include "config/setkey/build.h"

#include <string.h>

#include "base/auto.h"
#include "config/setkey/words.h"
#include "gram.h"

static const struct {
	const char *word;
	enum setkey_verb verb;
	int kind;
} verbs[] = {
    {"add", SETKEY_ADD, SK_T_ADD},
    {"update", SETKEY_UPDATE, SK_T_ADD},
    {"get", SETKEY_GET, SK_T_IDENTIFY},
    {"getspi", SETKEY_GETSPI, SK_T_PAIR},
    {"delete", SETKEY_DELETE, SK_T_IDENTIFY},
    {"deleteall", SETKEY_DELETEALL, SK_T_PAIR},
    {"flush", SETKEY_FLUSH, SK_T_FLUSH},
    {"dump", SETKEY_DUMP, SK_T_FLUSH},
    {"spdadd", SETKEY_SPDADD, SK_T_SPDADD},
    {"spdupdate", SETKEY_SPDUPDATE, SK_T_SPDADD},
    {"spddelete", SETKEY_SPDDELETE, SK_T_SPDDELETE},
    {"spdflush", SETKEY_SPDFLUSH, SK_T_PLAIN},
    {"spddump", SETKEY_SPDDUMP, SK_T_PLAIN},
    {"exit", SETKEY_EXIT, SK_T_PLAIN},
    {"quit", SETKEY_EXIT, SK_T_PLAIN},
    {"bye", SETKEY_EXIT, SK_T_PLAIN},
};

static const struct {
	const char *word;
	int kind;
} options[] = {
    {"-m", SK_T_OPT_MODE},
    {"-f", SK_T_OPT_FLAG},
    {"-r", SK_T_OPT_NUMBER},
    {"-u", SK_T_OPT_NUMBER},
    {"-lh", SK_T_OPT_NUMBER},
    {"-ls", SK_T_OPT_NUMBER},
    {"-bh", SK_T_OPT_NUMBER},
    {"-bs", SK_T_OPT_NUMBER},
    {"-ph", SK_T_OPT_NUMBER},
    {"-ps", SK_T_OPT_NUMBER},
    {"-lv", SK_T_OPT_NUMBER},
    {"-esp_frag", SK_T_OPT_NUMBER},
    {"-ctx", SK_T_OPT_CTX},
    {"-E", SK_T_OPT_ENC},
    {"-A", SK_T_OPT_AUTH},
    {"-C", SK_T_OPT_COMP},
    {"-R", SK_T_OPT_RAWCPI},
    {"-P", SK_T_OPT_POLICY},
};

static int classify_verb(struct sk_build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (sk_tok_is(&b->last, verbs[i].word)) {
			b->verb = verbs[i].verb;
			return verbs[i].kind;
		}
	}
	return SK_T_NEVER;
}

static int option_kind(const struct sk_tok *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (sk_tok_is(t, options[i].word))
			return options[i].kind;
	for (uint32_t i = 1; i < t->n; i++)
		if (!memchr("n46", t->p[i], 3))
			return SK_T_NEVER;
	return SK_T_AIFLAGS;
}

static int classify_option(struct sk_build *b)
{
	int kind = option_kind(&b->last);

	if (!b->keys_from && (kind == SK_T_OPT_ENC || kind == SK_T_OPT_AUTH))
		b->keys_from = b->last.p;
	if (kind == SK_T_OPT_POLICY)
		b->policy_pos = 1;
	return kind;
}

static int classify_policy_word(const struct sk_build *b)
{
	const struct sk_tok *t = &b->last;

	if (b->policy_pos == 3 && (sk_tok_is(t, "prio") || sk_tok_is(t, "priority")))
		return SK_T_PRIO;
	if (b->policy_pos >= 3 && (sk_tok_is(t, "esp") || sk_tok_is(t, "ah") || sk_tok_is(t, "ipcomp")))
		return SK_T_PROTO;
	return SK_T_WORD;
}

int sk_classify(struct sk_build *b)
{
	if (b->policy_pos)
		b->policy_pos++;
	if (b->n_tokens == 1)
		return b->last.lex == SK_LEX_WORD ? classify_verb(b) : SK_T_NEVER;
	/* No protocol is called like a statement: a `;` is missing. */
	if (b->n_tokens == 2 && (b->verb == SETKEY_FLUSH || b->verb == SETKEY_DUMP) &&
	    sk_begins_statement(&b->last))
		return SK_T_NEVER;
	switch (b->last.lex) {
	case SK_LEX_WORD:
		return b->policy_pos ? classify_policy_word(b) : SK_T_WORD;
	case SK_LEX_NUM:
		return SK_T_NUM;
	case SK_LEX_HEX:
		return SK_T_HEX;
	case SK_LEX_STRING:
		return SK_T_STRING;
	case SK_LEX_OPTION:
		return classify_option(b);
	case SK_LEX_PUNCT:
		return b->last.p[0];
	case SK_LEX_EOF:
		return SK_T_YYEOF;
	default:
		return SK_T_NEVER;
	}
}

bool sk_begins_statement(const struct sk_tok *t)
{
	if (!t->first_on_line || t->lex != SK_LEX_WORD)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (sk_tok_is(t, verbs[i].word))
			return true;
	return false;
}

bool sk_is_option(const struct sk_tok *t)
{
	return t->lex == SK_LEX_OPTION && option_kind(t) != SK_T_NEVER;
}

bool sk_is_aiflags(const struct sk_tok *t)
{
	return t->lex == SK_LEX_OPTION && option_kind(t) == SK_T_AIFLAGS;
}

const char *setkey_verb_name(enum setkey_verb v)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].verb == v)
			return verbs[i].word;
	return "?";
}
