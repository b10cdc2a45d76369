/*
 * Message ids that were used under one ISAKMP SA: a message is heard once, however often somebody replays it
 * (RFC 2408 section 5.2 wants them unique, and nothing else stops a replay in version 1).
 */
#ifndef POSTERN_KEYD_CORE_SEEN_H
#define POSTERN_KEYD_CORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	SEEN_MAX =
	    16384, /* ids of one ISAKMP SA; a question of each side every 2 s and its answer for 4 hours */
	SEEN_MANY = SEEN_MAX / 5 * 4,
};

struct seen {
	uint32_t *slot; /* open addressing; 0: free */
	uint32_t n, room;
};

void seen_fini(struct seen *s);
bool seen_has(const struct seen *s, uint32_t id);
/* False: it is there already, or there is no room for more: then the SA cannot go on. `id` is not 0. */
must_check bool seen_add(struct seen *s, uint32_t id);

#endif
