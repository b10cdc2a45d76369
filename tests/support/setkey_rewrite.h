/*
 * Turns dumps of setkey into statements that make the same databases again, line by line, as a script of an
 * administrator would: it knows the form of a dump and nothing of our structs.
 */
#ifndef POSTERN_TESTS_SETKEY_REWRITE_H
#define POSTERN_TESTS_SETKEY_REWRITE_H

#include <stdio.h>

/* Of `setkey -D` as root: an `add` for each block that has an algorithm. Fails the test on a line it does not
 * know. */
void setkey_rewrite_sad(const char *dump, FILE *to);
/* Of `setkey -DPp`: a `spdadd` for each block. */
void setkey_rewrite_spd(const char *dump, FILE *to);

#endif
