/*
 * Lines of level DEBUG in the words that racoon's readers know: what comes and goes, payload by payload. What
 * a stranger can cause is rationed like all such lines, from a budget of its own. No secrets are among them.
 */
#ifndef POSTERN_KEYD_IKE1_TRACE_H
#define POSTERN_KEYD_IKE1_TRACE_H

#include "keyd/ike1/isakmp.h"
#include "wire/ike/v1_sa.h"

struct quick;
struct quick_part;

/* The payloads of a message, those of its rules. */
void trace_payloads(struct core *c, const struct ike_chain *chain);
/* An SA payload's body of phase 1, as parsed. */
void trace_sa(struct core *c, size_t body_len, const struct ike1_sa *sa);
/* Which block of the configuration counts for an address. */
void trace_remote(struct core *c, const struct ike_peer *p, const struct ike_path *path);
/* An ISAKMP SA was found for a request. */
void trace_phase1(const struct isakmp *sa, const struct ike_path *wanted);

/* trace_quick.c: of our own packets, and of an authenticated peer. */
void trace_acquire(struct core *c, const struct core_acquire *a);
void trace_iv(const struct isakmp *sa, const uint8_t *iv);
void trace_policies(const struct quick *q);
void trace_sainfo(const struct quick *q);
void trace_offer(const struct quick *q);
void trace_spi(const struct quick *q, const struct quick_part *p);
void trace_installed(const struct quick *q, const struct quick_part *p, bool inbound);

#endif
