/*
 * Acquires under way: at most one per policy, each with an end. Nobody subscribes to them yet, so each one
 * expires and says so; that is what keeps datapathd asking again.
 */
#ifndef POSTERN_POLICYD_ACQUIRES_H
#define POSTERN_POLICYD_ACQUIRES_H

#include <stdint.h>

#include "base/err.h"

enum { ACQUIRES_MAX = 256, ACQUIRE_LIFE_MS = 20000 /* KAME's block entry, setkey.md 8.5 */ };

struct acquire {
	uint32_t policy_id;
	uint64_t seq; /* the sender's */
	uint64_t due_ms;
	void *who; /* the sender, a reference of the caller's */
};

struct acquires {
	struct acquire a[ACQUIRES_MAX]; /* by due_ms */
	unsigned n;
	uint64_t n_received, n_refused, n_expired;
};

/* 0; -EALREADY while one of this policy is under way; -ENOSPC. A sentence in `e`. */
int acquires_file(
    struct acquires *q, uint32_t policy_id, uint64_t seq, void *who, uint64_t now_ms, struct err_text *e);
/* Takes out one that has expired: 1, else 0. */
int acquires_take_expired(struct acquires *q, uint64_t now_ms, struct acquire *ret);
/* Takes out one of `who`, whose connection is gone: 1, else 0. */
int acquires_take_of(struct acquires *q, const void *who, struct acquire *ret);
/* UINT64_MAX: none under way. */
uint64_t acquires_next_ms(const struct acquires *q);

#endif
