/*
 * Who wants to hear what becomes of a negotiation: administrators that wait for it to be up. Whoever watches
 * is told once, and then forgotten.
 */
#ifndef POSTERN_KEYD_CORE_WATCH_H
#define POSTERN_KEYD_CORE_WATCH_H

#include "keyd/core/core.h"

enum { WATCHES_MAX = 256 };

/* Token 0: nobody does, which is fine. `what` is the negotiation, an ISAKMP SA or a quick; it must tell
 * before it is freed. 0; -ENOMEM; -EBUSY: too many watch. */
must_check int watch_add(struct core *c, const void *what, uint64_t token);
/* Tells everybody who watches `what`: 0, it is up; -errno, it is not, and `why` is a sentence. */
void watch_tell(struct core *c, const void *what, int result, const char *why);
/* Forgets all of them without a word. */
void watch_fini(struct core *c);

#endif
