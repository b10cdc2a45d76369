/*
 * Tokens are slices and never NUL-terminated; whatever needs a C string copies into a buffer of its own.
 */
#include "config/setkey/token.h"

#include <stdio.h>
#include <string.h>

bool sk_tok_is(const struct sk_tok *t, const char *word)
{
	return t->lex != SK_LEX_STRING && strlen(word) == t->n && memcmp(t->p, word, t->n) == 0;
}

bool sk_tok_str(const struct sk_tok *t, char *buf, size_t room)
{
	if (t->n >= room || memchr(t->p, '\0', t->n))
		return false;
	memcpy(buf, t->p, t->n);
	buf[t->n] = '\0';
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool sk_tok_number(const struct sk_tok *t, uint64_t max, uint64_t *ret)
{
	uint32_t i = t->lex == SK_LEX_HEX ? 2 : 0;
	unsigned base = i ? 16 : 10;
	uint64_t v = 0;

	if (t->n == i)
		return false;
	for (; i < t->n; i++) {
		unsigned d = (unsigned)digit(t->p[i]);

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

const char *sk_tok_show(const struct sk_tok *t, char buf[64])
{
	enum { SHOWN = 32, NUMBER_SHOWN = 12 };
	size_t at = 0;

	switch (t->lex) {
	case SK_LEX_EOF:
		return "end of file";
	case SK_LEX_STRING:
		return "\"...\"";
	case SK_LEX_OPEN_STRING:
		return "\"";
	case SK_LEX_HEX:
	case SK_LEX_NUM:
		if (t->n > NUMBER_SHOWN)
			return t->lex == SK_LEX_HEX ? "0x..." : "...";
		break;
	default:
		break;
	}
	for (uint32_t i = 0; i < t->n && i < SHOWN; i++) {
		unsigned char c = (unsigned char)t->p[i];

		if (c < 0x20 || c > 0x7e)
			at += (size_t)snprintf(buf + at, 64 - at, "\\x%02x", c);
		else
			buf[at++] = (char)c;
	}
	snprintf(buf + at, 64 - at, "%s", t->n > SHOWN ? "..." : "");
	return buf;
}
