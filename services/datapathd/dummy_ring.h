/*
 * Associations that are to send a dummy packet, from the control thread to one worker: a bounded ring with
 * one writer and one reader. They are named, not pointed to, since they may be gone by then. A full ring
 * means that the rest is asked for again next time.
 */
#ifndef POSTERN_DATAPATHD_DUMMY_RING_H
#define POSTERN_DATAPATHD_DUMMY_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "inet/addr.h"

enum { DUMMY_RING_SLOTS = 256 };

struct dummy_due {
	struct inet_addr dst;
	uint32_t spi; /* of ESP */
};

struct dummy_ring {
	_Alignas(64) _Atomic uint32_t head; /* control's */
	_Alignas(64) _Atomic uint32_t tail; /* worker's */
	struct dummy_due slot[DUMMY_RING_SLOTS];
};

/* Control. False when full. */
static inline bool dummy_ring_push(struct dummy_ring *r, const struct dummy_due *d)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == DUMMY_RING_SLOTS)
		return false;
	r->slot[head % DUMMY_RING_SLOTS] = *d;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* Worker. False when empty. */
static inline bool dummy_ring_pop(struct dummy_ring *r, struct dummy_due *ret)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*ret = r->slot[tail % DUMMY_RING_SLOTS];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif
