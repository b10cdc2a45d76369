/*
 * Vendor ids: what each side can do beyond the RFCs of 1998. None is sent for what is switched off, so that a
 * peer that knows only those sees only what it knows.
 */
#ifndef POSTERN_KEYD_IKE1_VENDOR_H
#define POSTERN_KEYD_IKE1_VENDOR_H

#include "keyd/ike1/isakmp.h"

void vendor_put(const struct isakmp *sa, struct ike_out *o);
/* Notes in `sa` what the peer can do. */
void vendor_take(struct isakmp *sa, const struct ike_chain *c);

#endif
