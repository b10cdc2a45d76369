/*
 * Hints from one worker to the control thread that packets come for an SA that is not there: a bounded ring
 * with one writer and one reader. Anybody can send such packets, so a full ring loses hints and nothing else.
 */
#ifndef POSTERN_DATAPATHD_UNKNOWN_RING_H
#define POSTERN_DATAPATHD_UNKNOWN_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "inet/addr.h"
#include "ipsec/policy.h"

enum { UNKNOWN_RING_SLOTS = 64 };

struct unknown_spi {
	struct inet_addr src, dst; /* of the packet */
	enum ipsec_proto proto;
	uint32_t spi;
};

struct unknown_ring {
	_Alignas(64) _Atomic uint32_t head; /* worker's */
	_Alignas(64) _Atomic uint32_t tail; /* control's */
	struct unknown_spi slot[UNKNOWN_RING_SLOTS];
};

/* Worker. False when full. */
static inline bool unknown_ring_push(struct unknown_ring *r, const struct unknown_spi *u)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == UNKNOWN_RING_SLOTS)
		return false;
	r->slot[head % UNKNOWN_RING_SLOTS] = *u;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* Control. False when empty. */
static inline bool unknown_ring_pop(struct unknown_ring *r, struct unknown_spi *ret)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*ret = r->slot[tail % UNKNOWN_RING_SLOTS];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif
