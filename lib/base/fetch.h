/*
 * Asking the processor for memory before it is needed. A table of a hundred thousand entries is in no cache;
 * who asks for many entries first and looks at them then waits once and not each time.
 */
#ifndef POSTERN_BASE_FETCH_H
#define POSTERN_BASE_FETCH_H

#include <stddef.h>

enum { FETCH_LINE = 64 };

/* n octets from p on; nothing is read, so p need not be valid. */
static inline void fetch(const void *p, size_t n)
{
	for (size_t at = 0; at < n; at += FETCH_LINE)
		__builtin_prefetch((const char *)p + at);
}

#endif
