/*
 * Translators between that change a peer's port (RFC 3947 section 6, RFC 3948 section 3): the worker sees it
 * by a packet that ESP has vouched for, keyd by a message; what we send follows, and whoever did not see it
 * hears.
 */
#ifndef POSTERN_DATAPATHD_MOVED_H
#define POSTERN_DATAPATHD_MOVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapathd/ring.h"
#include "inet/addr.h"

struct sad;

/* An inbound SA was heard from another port than before. */
struct moved {
	uint64_t serial;
	uint16_t port;
};

/* From one worker to the control thread. A full ring loses them: the next packet says it again. */
enum { MOVED_RING_SLOTS = 16 };
RING(moved_ring, struct moved, MOVED_RING_SLOTS)

/* Where the far end was, for the log. */
struct moved_from {
	struct inet_addr addr;
	uint16_t port;
};

/* Control: these negotiated inbound SAs move to this port of their far end, and so do those outbound that
 * were made with them: nothing else, because others can be at the same port of the same address. Sorts
 * `serial`. Whether anything has moved, then *ret is where it was. */
bool moved_follow(struct sad *s, uint64_t *serial, size_t n, uint16_t port, struct moved_from *ret);

#endif
