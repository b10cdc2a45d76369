/*
 * The originals kept one number for the whole process; here each thread has its own text.
 */
#include "fail.h"

#include <stddef.h>

#include "api.h"
#include "base/err.h"

static _Thread_local const char *last; /* NULL: success */
static _Thread_local struct err_text own;

int fail(enum ipsec_code code)
{
	last = ipsec_code_text(code);
	return -1;
}

int fail_text(const char *text)
{
	err_set(&own, 0, "%s", text);
	last = own.s;
	return -1;
}

int succeed(void)
{
	last = NULL;
	return 0;
}

LIBIPSEC_PUBLIC const char *ipsec_strerror(void)
{
	return last ? last : ipsec_code_text(EIPSEC_NO_ERROR);
}
