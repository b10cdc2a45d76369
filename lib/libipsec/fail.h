/*
 * The calling thread's last error. Private to the library.
 */
#ifndef POSTERN_LIBIPSEC_FAIL_H
#define POSTERN_LIBIPSEC_FAIL_H

#include "config/setkey/code.h"

/* Both return -1 for the caller's convenience. The text of a code, or one of our own, which is copied. */
int fail(enum ipsec_code code);
int fail_text(const char *text);
/* 0, and "Success". */
int succeed(void);

#endif
