/*
 * NATs on the way (RFC 3947, and its draft 02 that peers of the time speak): found by hashes of addresses,
 * passed by moving to port 4500.
 */
#ifndef POSTERN_KEYD_IKE1_NAT_H
#define POSTERN_KEYD_IKE1_NAT_H

#include "keyd/ike1/isakmp.h"

/* Which form both sides have said they know. */
enum nat_form { NAT_NONE = 0, NAT_DRAFT_02, NAT_RFC };

/* NAT-D payloads, for the message that has them; nothing when the peer does not know them. */
void nat_put_discovery(struct isakmp *sa, struct ike_out *o);
/* The peer's: whether one of the two is behind a NAT. The form that it uses is used from then on. */
void nat_take_discovery(struct isakmp *sa, const struct ike_chain *c);
/* The initiator's next message goes to port 4500, if there is a NAT (RFC 3947 section 4). */
void nat_move(struct isakmp *sa);
/* A message that proved to be the peer's came from here: that is where it is now. */
void nat_follow(struct isakmp *sa);
/* A peer is behind another port: its ISAKMP SAs follow. */
void nat_moved(struct party *who, uint16_t port);
static inline bool nat_found(const struct isakmp *sa)
{
	return sa->nat_here || sa->nat_there;
}

#endif
