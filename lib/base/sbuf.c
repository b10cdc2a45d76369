/*
 * Grows by doubling. Formatting goes straight into the free room and is repeated once if that was too small.
 */
#include "base/sbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sbuf_init(struct sbuf *b)
{
	*b = (struct sbuf){0};
}

void sbuf_fini(struct sbuf *b)
{
	free(b->s);
	*b = (struct sbuf){0};
}

void sbuf_reset(struct sbuf *b)
{
	b->len = 0;
	b->bad = false;
	if (b->s)
		b->s[0] = '\0';
}

static bool grow(struct sbuf *b, size_t more)
{
	size_t want = b->len + more + 1, room = b->room ? b->room : 256;
	char *s;

	if (b->bad)
		return false;
	if (want <= b->room)
		return true;
	while (room < want)
		room *= 2;
	s = realloc(b->s, room);
	if (!s) {
		b->bad = true;
		return false;
	}
	b->s = s;
	b->room = room;
	return true;
}

void sbuf_add(struct sbuf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	if (!grow(b, 0))
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(b->s + b->len, b->room - b->len, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->bad = true;
	} else if ((size_t)n < b->room - b->len) {
		b->len += (size_t)n;
	} else if (grow(b, (size_t)n)) {
		vsnprintf(b->s + b->len, b->room - b->len, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void sbuf_add_bytes(struct sbuf *b, const void *p, size_t n)
{
	if (!grow(b, n))
		return;
	if (n)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void sbuf_add_hex(struct sbuf *b, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *q = p;

	if (!grow(b, 2 * n))
		return;
	for (size_t i = 0; i < n; i++) {
		b->s[b->len++] = digits[q[i] >> 4];
		b->s[b->len++] = digits[q[i] & 15];
	}
	b->s[b->len] = '\0';
}

const char *sbuf_str(const struct sbuf *b)
{
	return b->s ? b->s : "";
}
