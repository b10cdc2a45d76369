/*
 * Version 2's way in.
 */
#ifndef POSTERN_KEYD_IKE2_RECEIVE_H
#define POSTERN_KEYD_IKE2_RECEIVE_H

#include "keyd/core/core.h"
#include "wire/ike/msg.h"

/* A datagram whose header says version 2; it has hdr->length octets. */
void ike2_datagram(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d);
/* A peer is behind another port: what there is with it follows. */
void ike2_moved(struct core *c, const struct ike_path *path, uint16_t old_port);

#endif
