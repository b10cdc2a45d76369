/*
 * One message as the datagrams that carry it: a single one, or fragments (RFC 7383). It is kept as it was
 * sent, because a repetition has to be the same octets.
 */
#ifndef POSTERN_KEYD_IKE2_TRAIN_H
#define POSTERN_KEYD_IKE2_TRAIN_H

#include "keyd/core/core.h"

/* Zeroed: empty. */
struct ike2_train {
	uint8_t *p;
	size_t n, room;
};

void ike2_train_fini(struct ike2_train *t);
/* Adds a datagram. 0 or -ENOMEM. */
must_check int ike2_train_add(struct ike2_train *t, const uint8_t *d, uint32_t n);
void ike2_train_send(const struct ike2_train *t, struct core *c, const struct ike_path *path);

#endif
