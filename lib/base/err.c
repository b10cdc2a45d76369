/*
 * Texts are composed into a fixed buffer so that reporting an error can never itself fail for want of memory.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err_text *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	vsnprintf(e->s, sizeof(e->s), fmt, ap);
	va_end(ap);
	return code;
}

int err_prefix(struct err_text *e, int code, const char *fmt, ...)
{
	struct err_text old;
	va_list ap;
	size_t n;

	if (!e)
		return code;
	old = *e;
	va_start(ap, fmt);
	vsnprintf(e->s, sizeof(e->s), fmt, ap);
	va_end(ap);
	n = strlen(e->s);
	snprintf(e->s + n, sizeof(e->s) - n, ": %s", old.s);
	return code;
}

const char *err_name(int code)
{
	const char *s = strerrordesc_np(code < 0 ? -code : code);

	return s ? s : "unknown error";
}
