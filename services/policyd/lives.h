/*
 * Policies with a life (spdadd2's lifetime and validtime): which one ends next. A heap of guesses: a policy
 * may be gone by then, or have been used meanwhile, which is looked at only when its turn comes.
 */
#ifndef POSTERN_POLICYD_LIVES_H
#define POSTERN_POLICYD_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipsec/spd.h"

/* After a start, a policy that lives as long as it is used waits this long for the news that it was. */
enum { LIVES_NEWS_MS = 30000 };

struct life {
	int64_t due_ms;
	uint32_t id; /* of the policy */
};

struct lives {
	struct life *a; /* a binary heap, the earliest first */
	size_t n, room;
	bool stale; /* something is missing: no memory was left for it */
};

void lives_fini(struct lives *l);
/* Begins anew with everything in `spd`. */
void lives_rebuild(struct lives *l, const struct spd *spd);
/* An entry was added; one without a life is fine. */
void lives_add(struct lives *l, const struct spd *spd, const struct spd_entry *x);
/* True with a policy whose life is over, and it is the caller's to remove it. */
bool lives_take(struct lives *l, const struct spd *spd, uint64_t now_ms, uint32_t *ret_id);
/* When to ask again; UINT64_MAX: nothing has a life. */
uint64_t lives_next_ms(const struct lives *l);

/* When this entry's life ends as things are, CLOCK_BOOTTIME; INT64_MAX: never. */
int64_t lives_end_ms(const struct spd_entry *x);

#endif
