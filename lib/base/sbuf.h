/*
 * A growing text: dumps, rule sets, JSON. Sticky failure like the reader and writer; ask once at the end.
 */
#ifndef POSTERN_BASE_SBUF_H
#define POSTERN_BASE_SBUF_H

#include <stdbool.h>
#include <stddef.h>

struct sbuf {
	char *s;    /* NUL-terminated once something was added; NULL before */
	size_t len; /* bytes without the NUL */
	size_t room;
	bool bad; /* out of memory: the text is incomplete */
};

void sbuf_init(struct sbuf *b);
void sbuf_fini(struct sbuf *b);
#define AUTO_SBUF AUTO(sbuf_fini)

/* Forgets the text, keeps the memory. */
void sbuf_reset(struct sbuf *b);
void sbuf_add(struct sbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sbuf_add_bytes(struct sbuf *b, const void *p, size_t n);
/* Lower-case hex, two digits a byte, no separators. */
void sbuf_add_hex(struct sbuf *b, const void *p, size_t n);

/* The text ("" when empty), borrowed until the next change. */
const char *sbuf_str(const struct sbuf *b);

#endif
