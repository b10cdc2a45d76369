/*
 * IKE datagrams of port 4500 from one worker to the control thread: a bounded ring of octets with one writer
 * and one reader, because a datagram is mostly short and may be sixty thousand octets long.
 */
#ifndef POSTERN_DATAPATHD_IKE_RING_H
#define POSTERN_DATAPATHD_IKE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "inet/addr.h"

enum {
	IKE_RING_BYTES = 1 << 19, /* a power of two */
	IKE_LEN_MAX = 60000,      /* octets of a datagram, without the marker */
};

/* In front of a datagram's octets. */
struct ike_head {
	struct inet_addr local, remote;
	uint16_t remote_port;
	uint32_t n; /* octets */
};

struct ike_ring {
	_Alignas(64) _Atomic uint32_t head; /* worker's: octets ever written, as it wraps */
	_Alignas(64) _Atomic uint32_t tail; /* control's */
	uint8_t b[IKE_RING_BYTES];
};

/* The way from a worker to keyd. */
struct ike_door {
	struct ike_ring ring;
	struct bucket budget; /* worker's: datagrams a second */
	_Atomic bool wanted;  /* control's: keyd is there to take them */
};

/* Worker. False when there is no room for it, or it is longer than IKE_LEN_MAX. */
bool ike_ring_push(struct ike_ring *r, const struct ike_head *h, const uint8_t *octets);
/* Control. False when empty. */
bool ike_ring_pop(struct ike_ring *r, struct ike_head *ret, uint8_t ret_octets[IKE_LEN_MAX]);

#endif
