/*
 * `postern-policyd --withdraw`: the last act of an orderly stop.
 */
#ifndef POSTERN_POLICYD_WITHDRAW_H
#define POSTERN_POLICYD_WITHDRAW_H

#include "base/err.h"

struct settings;

/* Removes table, rules and routes, and marks the snapshot as left behind. As root, with no policyd running. 0
 * or -errno with a sentence. */
int withdraw(const struct settings *s, struct err_text *e);

#endif
