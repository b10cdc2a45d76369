/*
 * IKE_AUTH (RFC 7296 section 1.2): who the two are, proved, and the first child. What needs a long-term key
 * is certd's, what strangers wrote in certificates is certd-verify's.
 */
#ifndef POSTERN_KEYD_IKE2_AUTH_H
#define POSTERN_KEYD_IKE2_AUTH_H

#include "keyd/ike2/sa.h"

/* I: there are keys; we prove who we are, and ask. */
void auth_begin2(struct ikesa *sa);
/* The peer's request, and its answer to ours; opened, with the payloads of its place. */
void auth_request(struct ikesa *sa, const struct ike_chain *c);
void auth_response(struct ikesa *sa, const struct ike_chain *c);
/* Asks for what the peer proves itself with, unless it is here already. */
void auth_put_wish(const struct ikesa *sa, struct ike_out *o);

#endif
