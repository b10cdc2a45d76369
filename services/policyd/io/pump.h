/*
 * Runs policyd_turn() when something is due, and the kernel's event sockets.
 */
#ifndef POSTERN_POLICYD_IO_PUMP_H
#define POSTERN_POLICYD_IO_PUMP_H

#include "base/err.h"

struct policyd;
struct pump;

/* 0 or -errno with a sentence. */
int pump_new(struct policyd *p, struct pump **ret, struct err_text *e);

#endif
