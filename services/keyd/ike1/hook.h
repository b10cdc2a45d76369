/*
 * Scripts of root's that want to know of an ISAKMP SA: keyd tells, and hooks knows which they are.
 */
#ifndef POSTERN_KEYD_IKE1_HOOK_H
#define POSTERN_KEYD_IKE1_HOOK_H

#include "keyd/ike1/isakmp.h"

/* Its state has changed. */
void hook_state(const struct isakmp *sa, enum isakmp_state was);

#endif
