/*
 * What the supervisor gives up before it starts anything.
 */
#ifndef POSTERN_SUPERVISOR_PRIVS_H
#define POSTERN_SUPERVISOR_PRIVS_H

#include "base/err.h"

/* 0, or -errno with a sentence. */
int privs_reduce(struct err_text *e);

#endif
