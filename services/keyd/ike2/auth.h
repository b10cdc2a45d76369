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
/* Whether the peer proves itself by a certificate, and has to be asked for it. */
bool auth_wants_cert(const struct ikesa *sa);

#endif
