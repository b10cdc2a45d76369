/*
 * "Did you mean ...?": the known word nearest to a mistyped one.
 */
#ifndef POSTERN_BASE_NEAREST_H
#define POSTERN_BASE_NEAREST_H

enum { NEAREST_MAX = 32 }; /* longer words have no neighbours */

/* The word of a NULL-terminated list that is one slip away from `word` (two for words of more than three
 * letters), or NULL. A slip is a letter left out, added, changed, or swapped with its neighbour. */
const char *nearest_word(const char *word, const char *const *list);

#endif
