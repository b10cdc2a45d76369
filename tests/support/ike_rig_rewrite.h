/*
 * A liar with the keys: what an enciphered message says becomes something else, and hash and encipherment
 * are right. What comes of it has passed every check that keeps strangers out.
 */
#ifndef POSTERN_TESTS_IKE_RIG_REWRITE_H
#define POSTERN_TESTS_IKE_RIG_REWRITE_H

#include "support/ike_rig.h"

/* Alters the octet at `offset` of what is behind the header of this message from A or from B, on its way
 * there for the first time, and lets its sender go on as if it had said so. In phase 1 the proof is left as
 * it was: nobody has the key for another one. False: it is not enciphered, shorter, or of an SA that is no
 * more. */
bool rig_rewrite(struct rig *r, bool from_a, uint8_t *d, size_t n_d, size_t offset, uint8_t flip);

#endif
