/*
 * Version 2's way in.
 */
#ifndef POSTERN_KEYD_IKE2_RECEIVE_H
#define POSTERN_KEYD_IKE2_RECEIVE_H

#include "keyd/core/party.h"
#include "wire/ike/msg.h"

/* A datagram whose header says version 2; it has hdr->length octets. */
void ike2_datagram(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d);
/* A peer is behind another port: its IKE SAs follow. */
void ike2_moved(struct party *who, uint16_t port);

#endif
