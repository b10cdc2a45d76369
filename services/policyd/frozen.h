/*
 * A version of the SPD that no longer changes: what is saved, enforced and sent to datapathd. Counted
 * references.
 */
#ifndef POSTERN_POLICYD_FROZEN_H
#define POSTERN_POLICYD_FROZEN_H

#include "policyd/book.h"

struct frozen {
	unsigned refs;
	struct book book; /* a copy of its own */
};

/* 0 or -ENOMEM. */
int frozen_new(const struct book *b, struct frozen **ret);
struct frozen *frozen_ref(struct frozen *f);
/* NULL is fine. Returns NULL. */
struct frozen *frozen_unref(struct frozen *f);

/* The policies in force: NULL while switched off. */
const struct spd *frozen_effective(const struct frozen *f);

/* Nothing is in `to` that was not in `from` (NULL: nothing), in the same order and with the same meaning. */
bool frozen_only_removes(const struct frozen *from, const struct frozen *to);

#endif
