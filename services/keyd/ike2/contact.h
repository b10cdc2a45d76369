/*
 * What else there is with the same peer when an IKE SA comes up.
 */
#ifndef POSTERN_KEYD_IKE2_CONTACT_H
#define POSTERN_KEYD_IKE2_CONTACT_H

#include "keyd/ike2/sa.h"

/* Says INITIAL_CONTACT, if it is true: there is no other IKE SA between the two (RFC 7296 section 2.4). */
void contact_put(const struct ikesa *sa, struct ike_out *o);
/* The peer has said it, and proved who it is: what there was before is no more. */
void contact_end_others(struct ikesa *sa);
/* It is up: of two with the same peer one ends, which may be this one. */
void contact_end_twins(struct ikesa *sa);

#endif
