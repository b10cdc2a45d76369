/*
 * Version 1's way in.
 */
#ifndef POSTERN_KEYD_IKE1_RECEIVE_H
#define POSTERN_KEYD_IKE1_RECEIVE_H

#include "keyd/core/core.h"
#include "wire/ike/msg.h"

/* A datagram whose header says version 1; it has hdr->length octets. */
void ike1_datagram(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d);

#endif
