/*
 * Counts what a test program allocates, in its own code and in every library it uses: malloc() and its like
 * are the ones here. Link count_alloc.c into the program.
 */
#ifndef POSTERN_TESTS_COUNT_ALLOC_H
#define POSTERN_TESTS_COUNT_ALLOC_H

#include <stdbool.h>

/* False: the program is built with a sanitizer, which has its own allocator, and nothing is counted. */
bool count_alloc_works(void);
/* Allocations of the whole program until now. */
unsigned long count_alloc(void);

#endif
