/*
 * NAT-OA (RFC 3947 section 5.2): transport mode behind a NAT, where each side says which addresses it sees.
 * The data path mends checksums without them; the responder's policies need them, as they have the addresses
 * that this host sees.
 */
#ifndef POSTERN_KEYD_IKE1_QUICK_NAT_H
#define POSTERN_KEYD_IKE1_QUICK_NAT_H

#include "keyd/ike1/quick.h"
#include "wire/ike/v1_payload.h"

/* For the messages that have an SA payload; nothing when no part is transport mode in UDP. */
void quick_nat_put(const struct quick *q, struct ike_out *o);
/* The peer's, into q->oa_*. 0; -EBADMSG: malformed, or of another family than the two ends. */
must_check int quick_nat_take(struct quick *q, const struct ike_chain *c);
/* R: an identity that is one of these original addresses becomes the address that is seen here, in place. */
void quick_nat_ids(const struct quick *q, struct ike1_ident *local, struct ike1_ident *remote);

#endif
