/*
 * Translators between that change a peer's port (RFC 3947 section 6, RFC 3948 section 3): the worker sees it
 * by a packet that ESP has vouched for, keyd by a message; what we send follows, and whoever did not see it
 * hears.
 */
#ifndef POSTERN_DATAPATHD_MOVED_H
#define POSTERN_DATAPATHD_MOVED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "inet/addr.h"

struct sad;
struct datapathd;

struct moved {
	struct inet_addr local, remote;
	uint16_t old_port, new_port; /* of the remote */
};

/* From one worker to the control thread. A full ring loses them: the next packet says it again. */
enum { MOVED_RING_SLOTS = 16 };
struct moved_ring {
	_Alignas(64) _Atomic uint32_t head; /* worker's */
	_Alignas(64) _Atomic uint32_t tail; /* control's */
	struct moved slot[MOVED_RING_SLOTS];
};

/* Worker. False when full. */
static inline bool moved_ring_push(struct moved_ring *r, const struct moved *m)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == MOVED_RING_SLOTS)
		return false;
	r->slot[head % MOVED_RING_SLOTS] = *m;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* Control. False when empty. */
static inline bool moved_ring_pop(struct moved_ring *r, struct moved *ret)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*ret = r->slot[tail % MOVED_RING_SLOTS];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

/* Control: every negotiated SA with this end moves. Whether there was one. */
bool moved_follow(struct sad *s, const struct moved *m);

#endif
