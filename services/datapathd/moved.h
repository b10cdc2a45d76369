/*
 * Translators between that change a peer's port (RFC 3947 section 6, RFC 3948 section 3): the worker sees it
 * by a packet that ESP has vouched for, keyd by a message; what we send follows, and whoever did not see it
 * hears.
 */
#ifndef POSTERN_DATAPATHD_MOVED_H
#define POSTERN_DATAPATHD_MOVED_H

#include <stdbool.h>
#include <stdint.h>

#include "datapathd/ring.h"
#include "inet/addr.h"

struct sad;
struct datapathd;

struct moved {
	struct inet_addr local, remote;
	uint16_t old_port, new_port; /* of the remote */
};

/* From one worker to the control thread. A full ring loses them: the next packet says it again. */
enum { MOVED_RING_SLOTS = 16 };
RING(moved_ring, struct moved, MOVED_RING_SLOTS)

/* Control: every negotiated SA with this end moves. Whether there was one. */
bool moved_follow(struct sad *s, const struct moved *m);

#endif
