/*
 * Acquire hints from one worker to the control thread: a bounded ring with one writer and one reader. A full
 * ring loses hints, never packets' time.
 */
#ifndef POSTERN_DATAPATHD_ACQUIRE_RING_H
#define POSTERN_DATAPATHD_ACQUIRE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipsec/selector.h"

enum { ACQUIRE_RING_SLOTS = 256 };

struct acquire_hint {
	uint32_t policy_id;
	uint8_t request;           /* index in the policy */
	struct packet_key packet;  /* that asked */
	struct inet_addr src, dst; /* of the SA wanted */
};

struct acquire_ring {
	_Alignas(64) _Atomic uint32_t head; /* worker's */
	_Alignas(64) _Atomic uint32_t tail; /* control's */
	struct acquire_hint slot[ACQUIRE_RING_SLOTS];
};

/* Worker. False when full. */
static inline bool acquire_ring_push(struct acquire_ring *r, const struct acquire_hint *h)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == ACQUIRE_RING_SLOTS)
		return false;
	r->slot[head % ACQUIRE_RING_SLOTS] = *h;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* Control. False when empty. */
static inline bool acquire_ring_pop(struct acquire_ring *r, struct acquire_hint *ret)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*ret = r->slot[tail % ACQUIRE_RING_SLOTS];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif
