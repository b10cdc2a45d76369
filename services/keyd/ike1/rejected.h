/*
 * What differs when no proposal is acceptable: the peer hears no more than that, so the log of the side that
 * refuses is the only place where it can be read.
 */
#ifndef POSTERN_KEYD_IKE1_REJECTED_H
#define POSTERN_KEYD_IKE1_REJECTED_H

#include "keyd/ike1/quick.h"
#include "wire/ike/v1_sa.h"

/* A line for each of our proposals against each of the peer's transforms, in racoon's words; as many as the
 * log has room for from strangers. */
void rejected_phase1(struct core *c, enum proposal_check check, const struct ike1_own1 *own, uint8_t n_own,
    const struct ike1_sa *offered);
/* What the peer offers for the SAs, and what would have been taken. */
void rejected_phase2(struct quick *q, const struct ike1_sa *offered);

#endif
