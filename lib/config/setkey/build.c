/*
 * What is common to reading statements and reading a policy alone.
 */
#include "config/setkey/build.h"

#include <string.h>

void sk_build_init(struct sk_build *b, const struct setkey_reader *cfg)
{
	memset(b, 0, sizeof(*b));
	b->cfg = cfg;
	b->desc.mode = IPSEC_MODE_ANY;
	b->desc.flags = SA_F_CYCLIC;
}

bool sk_too_long(struct sk_build *b)
{
	if (b->last.lex == SK_LEX_EOF)
		return false;
	if (b->n_tokens <= SK_TOKENS_MAX && (size_t)(b->last.p - b->first.p) <= SK_STATEMENT_BYTES_MAX)
		return false;
	if (b->alone)
		sk_fault(b, &b->last, "this policy is too long", "at most %d words and %d bytes are possible",
		    SK_TOKENS_MAX, SK_STATEMENT_BYTES_MAX);
	else
		sk_fault(b, &b->last, "this statement is too long",
		    "at most %d words and %d bytes are possible; is a `;` missing?", SK_TOKENS_MAX,
		    SK_STATEMENT_BYTES_MAX);
	return true;
}
