/*
 * IKE_SA_INIT (RFC 7296 section 1.2): proposals, Diffie-Hellman, nonces; cookies against floods
 * (section 2.6), another group when the first was a wrong guess, NAT detection (section 2.23).
 */
#ifndef POSTERN_KEYD_IKE2_INIT_H
#define POSTERN_KEYD_IKE2_INIT_H

#include "keyd/ike2/sa.h"

/* Sends the request of one that we begin, unless it is under way. */
void init_begin(struct ikesa *sa);
/* A stranger's. */
void init_request(struct core *c, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d);
void init_response(struct ikesa *sa, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d);
/* R: the keys, which are computed when the peer comes back. 0 or -errno. */
must_check int init_make_keys(struct ikesa *sa);

/* A message of a later version: who is a peer hears which one there is (section 2.5). */
void init_too_new(struct core *c, const struct ike_path *path, const struct ike_hdr *h);

#endif
