/*
 * A peer whose proof is not believed: what it hears, what our log says, and when the negotiation ends. The
 * peer hears AUTHENTICATION-FAILED or INVALID-ID-INFORMATION and no more.
 */
#ifndef POSTERN_KEYD_IKE1_REFUSAL_H
#define POSTERN_KEYD_IKE1_REFUSAL_H

#include "keyd/ike1/isakmp.h"

/* `r`, here and below: -EBADMSG, the proof is none; -EACCES, whoever it proves is not wanted. `why` is for
 * the log. */

/* The proof came enciphered, and the state is again the one that waits for it: it is passed over, or the
 * negotiation ends, now or soon. */
void refusal_of_sealed(struct isakmp *sa, int r, const char *why);
/* It came in clear, and keys were made from its message, so there is no way back: it ends. `keyed`: the peer
 * has the keys by now. */
void refusal_of_clear(struct isakmp *sa, int r, const char *why, bool keyed);
/* A right proof has come behind a wrong one, which was somebody else's. */
void refusal_withdraw(struct isakmp *sa);
/* Tells a peer that may hold the SA for established that it is not. */
void refusal_delete(struct isakmp *sa);

#endif
