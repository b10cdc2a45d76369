/*
 * What a careful colleague would say about the SAs in use: algorithms that RFC 8221 advises against, and
 * protection that is less than it looks.
 */
#ifndef POSTERN_CLI_WEAK_H
#define POSTERN_CLI_WEAK_H

#include <stddef.h>
#include <stdint.h>

#include "ipsec/sa.h"

enum { WEAK_KINDS = 11 };

struct weak_notes {
	uint32_t n[WEAK_KINDS]; /* SAs per kind */
	uint32_t n_sas;
};

void weak_judge(struct weak_notes *w, const struct sa_desc *d);
/* "name" and sentence of a kind, for SAs counted in n[kind]. */
const char *weak_name(size_t kind);
const char *weak_text(size_t kind);

#endif
