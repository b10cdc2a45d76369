/*
 * Datagrams as lines of level DEBUG, in racoon's words.
 */
#ifndef POSTERN_KEYD_CORE_TRACE_H
#define POSTERN_KEYD_CORE_TRACE_H

#include "keyd/core/core.h"

void trace_received(struct core *c, const struct ike_path *path, size_t n);
/* `times`: how often it is sent now. */
void trace_sent(struct core *c, const struct ike_path *path, size_t n, uint32_t times);

#endif
