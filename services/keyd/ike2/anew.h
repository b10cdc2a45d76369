/*
 * Another IKE SA in place of one, from the beginning and with all children, which ends the old one when it
 * has them (RFC 7296 section 2.8.3): because a proof is good for some time only, or because a peer takes
 * nothing more under the one there is, and says NO_ADDITIONAL_SAS to whatever is asked for. A small one has
 * one child under each and no renewals (sections 1.3 and 4).
 */
#ifndef POSTERN_KEYD_IKE2_ANEW_H
#define POSTERN_KEYD_IKE2_ANEW_H

#include "keyd/ike2/pair.h"

/* The peer refuses this pair so. A further child is asked for under another IKE SA; in place of a renewal
 * another IKE SA takes the place of this one. The pair is no more. */
void anew_pair(struct ike2_pair *p);
/* The peer refuses a renewal by NO_ADDITIONAL_SAS, which some also say while something else is under way:
 * only the second in a row is meant. */
bool anew_is_meant(struct ikesa *sa);
/* The peer renews nothing of this IKE SA. */
void anew_full(struct ikesa *sa);
/* False: it cannot be, as only the peer may begin, or the configuration is another one by now. */
bool anew_begin(struct ikesa *sa);
/* It is up, or one of its children is there or has failed: with the last one what it was begun in place of
 * ends. */
void anew_done(struct ikesa *sa);

#endif
