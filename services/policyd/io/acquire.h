/*
 * The edge policyd.acquire, on which datapathd says that a packet waits for an SA.
 */
#ifndef POSTERN_POLICYD_IO_ACQUIRE_H
#define POSTERN_POLICYD_IO_ACQUIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct policyd;

/* 0 or -errno with a sentence. */
int acquire_serve(struct policyd *p, struct err_text *e);
/* Tells those whose acquire nobody answered. */
void acquire_expire(struct policyd *p, uint64_t now_ms);
/* keyd is through with one of them; one that is not there any more is fine. */
void acquire_done(struct policyd *p, uint64_t id, bool ok);

#endif
