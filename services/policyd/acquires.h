/*
 * Acquires under way: at most one per policy, each with an end. Whoever subscribes hears of each one once;
 * one that nobody answers expires and says so, which is what keeps datapathd asking again.
 */
#ifndef POSTERN_POLICYD_ACQUIRES_H
#define POSTERN_POLICYD_ACQUIRES_H

#include <stdint.h>

#include "base/err.h"
#include "ipsec/selector.h"

enum { ACQUIRES_MAX = 256, ACQUIRE_LIFE_MS = 20000 /* KAME's block entry, setkey.md 8.5 */ };

/* What a packet asked for. */
struct acquire_ask {
	uint64_t seq; /* the sender's */
	uint32_t policy_id;
	struct selector packet;
	struct inet_addr src, dst; /* of the SA wanted */
	void *who;                 /* the sender, a reference of the caller's */
};

struct acquire {
	uint64_t id; /* ours: rising, never 0 */
	uint64_t due_ms;
	struct acquire_ask ask;
};

struct acquires {
	struct acquire a[ACQUIRES_MAX]; /* by due_ms, and so by id */
	unsigned n;
	uint64_t last_id; /* given out; begins above those of an earlier life of the process */
	uint64_t n_received, n_refused, n_expired, n_done, n_failed;
};

/* 0; -EALREADY while one of this policy is under way; -ENOSPC. A sentence in `e`. */
int acquires_file(struct acquires *q, const struct acquire_ask *ask, uint64_t now_ms, struct err_text *e);
/* The one filed next after `id` and still under way; NULL: none. A subscriber begins with 0 and goes on with
 * the id it was given. */
const struct acquire *acquires_after(const struct acquires *q, uint64_t id);
/* Takes out one that has expired: 1, else 0. */
int acquires_take_expired(struct acquires *q, uint64_t now_ms, struct acquire *ret);
/* Takes out one that a subscriber is through with: 1, else 0. `ok`: SAs came of it. */
int acquires_take_done(struct acquires *q, uint64_t id, bool ok, struct acquire *ret);
/* Takes out one of `who`, whose connection is gone: 1, else 0. */
int acquires_take_of(struct acquires *q, const void *who, struct acquire *ret);
/* UINT64_MAX: none under way. */
uint64_t acquires_next_ms(const struct acquires *q);

#endif
