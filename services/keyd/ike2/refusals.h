/*
 * What a peer's refusal means for whoever administers this side.
 */
#ifndef POSTERN_KEYD_IKE2_REFUSALS_H
#define POSTERN_KEYD_IKE2_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum { REFUSAL_WORDS_MAX = 200 };

/* The error notification's name (RFC 7296 section 3.10.1), or its number, and what to look at. `child`: it is
 * about a child and not about the IKE SA. */
const char *refusal_words(uint16_t type, bool child, char buf[REFUSAL_WORDS_MAX]);

#endif
