/*
 * Who waits for a negotiation. The negotiation does not know them: it says what has happened, and between
 * events those who waited for it are answered.
 */
#ifndef POSTERN_KEYD_CORE_WAITERS_H
#define POSTERN_KEYD_CORE_WAITERS_H

#include "keyd/core/command.h"
#include "keyd/core/news.h"

struct waiter {
	struct list node;
	struct core *core;
	struct core_up up; /* without its policy, which is borrowed */
	uint32_t policy;   /* 0: the IKE SA */
	struct timer timer;
	bool failed, late;
	char why[CORE_WHY_MAX];    /* of the failure */
	char phase1[CORE_WHY_MAX]; /* why the last IKE SA with the peer ended */
	char hint[CORE_WHY_MAX];   /* what was heard of the peer that may be the reason */
};

/* Takes over `u`. NULL: too many wait, or there is no memory. */
struct waiter *waiter_new(struct core *c, const struct core_up *u);
/* Whether one with this `arg` still waits. */
bool waiter_is(const struct core *c, const void *arg);
/* Its timer, without an answer. */
void waiter_free(struct waiter *w);
/* Between events: those whose wish is fulfilled, has failed or took too long are answered. */
void waiters_settle(struct core *c);

/* news.h's. */
void waiters_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why);
void waiters_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why);
void waiters_hint(struct core *c, const struct inet_addr *remote, const char *text);

#endif
