/*
 * SA states by age and use (RFC 4301 section 4.4.2.1, setkey.md 8.4): mature, dying from the soft limit, dead
 * from the hard one. A missing limit never passes.
 */
#ifndef POSTERN_DATAPATHD_SA_LIFETIME_H
#define POSTERN_DATAPATHD_SA_LIFETIME_H

#include "datapathd/sa/sad.h"

enum { SAD_SCAN_MS = 1000 };

/* Looks at every SA: moves states, tells "sa.expire.soft" and "sa.expire.hard" once each, and forgets those
 * that have been dead for SAD_DEAD_KEEP_MS. */
void sad_age(struct sad *s, void (*told)(void *arg, const char *event, const struct sa *sa), void *arg);

#endif
