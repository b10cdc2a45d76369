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

/* Our own rules have just been installed: their events are taken now. When they were too many, what got lost
 * was ours, and no reason to install again. NULL is fine. */
void pump_take_own_events(struct pump *u);

#endif
