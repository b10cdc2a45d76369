/*
 * Between the files of `ipsecctl check`: which language a file is in, and what may be said of what was read.
 */
#ifndef POSTERN_CLI_CHECK_CHECK_H
#define POSTERN_CLI_CHECK_CHECK_H

#include "cli/cli.h"
#include "config/native/native.h"

enum check_kind { CHECK_KIND_NONE = 0, CHECK_POSTERN, CHECK_RACOON, CHECK_SETKEY };

/* kind.c: by the first word that only one of the languages begins a statement with; POSTERN without any. */
enum check_kind check_kind_of(const char *text, size_t n);

/* Prints one remark: the place and what is said, and under it the line with a mark below the column. */
void check_print(FILE *to, const struct native_note *n);

/* native.c: weak algorithms, and files that are not there. */
void check_native_weak(const struct native_conf *c, native_say_fn say, void *arg);

#endif
