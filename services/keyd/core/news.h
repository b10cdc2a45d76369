/*
 * What has happened to a negotiation, for those who want to know and whom it does not know: administrators
 * who wait (waiters.h), and connections that are kept up (upkeep.h).
 */
#ifndef POSTERN_KEYD_CORE_NEWS_H
#define POSTERN_KEYD_CORE_NEWS_H

#include "keyd/core/core.h"

/* How an IKE SA ended that this side began. */
enum news_end {
	NEWS_UNANSWERED, /* nobody has answered its first message */
	NEWS_FAILED,     /* somebody has, and it did not come up */
	NEWS_WAS_UP,
};

void news_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why);
/* The negotiation of a policy's pair has failed, with or without an IKE SA that is up. */
void news_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why);
/* Something that the peer (or somebody in its name) said, or that was wrong with what it sent. */
void news_hint(struct core *c, const struct inet_addr *remote, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
