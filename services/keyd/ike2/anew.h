/*
 * A peer may take nothing more under an IKE SA, and say NO_ADDITIONAL_SAS to whatever is asked for: a small
 * one has one child under each and no renewals (RFC 7296 sections 1.3 and 4). Then another IKE SA is begun.
 */
#ifndef POSTERN_KEYD_IKE2_ANEW_H
#define POSTERN_KEYD_IKE2_ANEW_H

#include "keyd/ike2/pair.h"

/* The peer refuses this pair so. A further child is asked for under another IKE SA; in place of a renewal
 * another IKE SA takes the place of this one. The pair is no more. */
void anew_pair(struct ike2_pair *p);
/* The peer renews nothing of this IKE SA: another one is begun, with all children, and ends it when it is up.
 */
void anew_begin(struct ikesa *sa);
/* The first child is there: what this IKE SA was begun in place of ends. */
void anew_done(struct ikesa *sa);

#endif
