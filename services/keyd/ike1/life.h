/*
 * RESPONDER-LIFETIME (RFC 2407 section 4.6.3.1): the responder's word that an SA lives shorter than the
 * initiator offered. It shortens and never lengthens, so that believing it can cost no security.
 */
#ifndef POSTERN_KEYD_IKE1_LIFE_H
#define POSTERN_KEYD_IKE1_LIFE_H

#include "keyd/ike1/quick.h"
#include "wire/ike/v1_payload.h"

/* A peer that says less is taken to mean this: each renewal is our work. */
enum { LIFE_LEAST_S = 30, LIFE_LEAST_KB = 1024 };

/* What holds of a lifetime that an answer says, against our own (0: no limit), in the same unit: the shorter;
 * but below `least` only where our own is. Phase 1's answer is in no proof (RFC 2409 section 5 has the
 * initiator's offer there), and an attacker on the path would have us renew without end. */
uint64_t life_answered(uint64_t own, uint64_t said, uint64_t least);
/* R: writes one notification for each protocol into message 2, when the peer must hear of it. */
void life_put2(const struct quick *q, struct ike_out *o);
/* I: what message 2 says of it, into q->terms. */
void life_take2(struct quick *q, const struct ike_chain *c);
/* R: of the ISAKMP SA's own, when the peer must hear of it: in the last message of main mode, as an
 * informational message could come before that is judged; after aggressive mode by such a one. */
void life_put1(const struct isakmp *sa, struct ike_out *o);
void life_tell1(struct isakmp *sa);
/* I: notes what the last message of main mode says; it counts in life_up(), when the peer has proved who it
 * is. Aggressive mode's messages are not protected enough to say it (RFC 2407 section 4.6.3). */
void life_note1(struct isakmp *sa, const struct ike_chain *c);
/* I: what was noted counts now. */
void life_up(struct isakmp *sa);
/* One that came in an informational exchange: about the ISAKMP SA, or about a pair. */
void life_notify(struct isakmp *sa, const struct ike1_notification *n);

#endif
