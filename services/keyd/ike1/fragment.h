/*
 * Fragments of messages between peers that have announced them: whose are kept, how long, and what all of
 * them may take.
 */
#ifndef POSTERN_KEYD_IKE1_FRAGMENT_H
#define POSTERN_KEYD_IKE1_FRAGMENT_H

#include "keyd/ike1/isakmp.h"

enum {
	/* Octets kept of all peers; once for those who are up or whom we asked, once for all others. */
	FRAGMENT_POOL_MAX = 1 << 20,
	FRAGMENT_LIFE_MS =
	    30000, /* racoon repeats every ten seconds: what was lost of one comes with the next */
};

/* A datagram that is one, found to be of this SA by its cookies. *ret: the message, of hdr->length octets as
 * its header says, to be freed by the caller; NULL: there is none yet. */
void fragment_take(
    struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d, uint8_t **ret, size_t *ret_n);
/* Nothing is kept of this SA any more. */
void fragment_forget(struct isakmp *sa);
/* Sends a message, in fragments when it does not fit and `cut` says that the peer knows them. */
void fragment_send(struct core *c, const struct ike_path *path, bool cut, const uint8_t *d, size_t n);

#endif
