/*
 * Traffic that passes whatever the policies say, because nothing works without it: a table of rows. A row is
 * left out where a policy of that direction names its traffic explicitly.
 */
#ifndef POSTERN_POLICYD_COMPILE_EXEMPT_H
#define POSTERN_POLICYD_COMPILE_EXEMPT_H

#include <stdint.h>

#include "base/sbuf.h"
#include "ipsec/spd.h"

/* Where in a packet's way the row is consulted. */
enum exempt_place {
	EXEMPT_OUT = 1 << 0,     /* leaving, made here */
	EXEMPT_FORWARD = 1 << 1, /* before routing, not for this host */
	EXEMPT_IN = 1 << 2,      /* for this host, not from the device */
};

/* A set of rows: bit N is row N. */
struct exempt_set {
	uint32_t rows;
};

/* Rows that no policy of `dir` names. */
struct exempt_set exempt_unnamed(const struct spd *spd, enum policy_dir dir);

/* Adds one nft rule per row of `set` at `place`: "add rule inet TABLE CHAIN ... accept". */
void exempt_write(
    struct sbuf *to, const char *table, const char *chain, struct exempt_set set, enum exempt_place place);

/* The row's name for status and tests, NULL behind the last. */
const char *exempt_name(unsigned row);

#endif
