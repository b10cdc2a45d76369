/*
 * Errors in two kinds. Return codes: 0 done, negative errno = failure that callers forward unread, positive =
 * an outcome the function documents and its caller consumes. Texts: an err_text carried by the caller says in
 * one sentence what was wrong, where, and what to do about it.
 */
#ifndef POSTERN_BASE_ERR_H
#define POSTERN_BASE_ERR_H

#include <stddef.h>

/* One sentence for a person. Empty means nothing was said. */
struct err_text {
	char s[480];
};

/* Replaces the text. Never fails; an over-long text is cut. A NULL `e` is ignored. Returns `code`, so that a
 * failing function can end with `return err_set(e, -EINVAL, ...)`. */
int err_set(struct err_text *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " in front of the text, for a caller that knows where. Returns `code`. */
int err_prefix(struct err_text *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The system's words for a negative errno (thread-safe, static storage). */
const char *err_name(int code);

#endif
