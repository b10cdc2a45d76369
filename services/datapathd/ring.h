/*
 * Bounded rings between one worker and the control thread: one writer, one reader, no lock. Whoever finds one
 * full loses what it had to say, which is why only hints go through them.
 */
#ifndef POSTERN_DATAPATHD_RING_H
#define POSTERN_DATAPATHD_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* struct NAME of `slots` (a power of two) places for `type`; NAME_push(), false when it is full, and
 * NAME_pop(), false when it is empty. */
#define RING(name, type, slots)                                                                              \
	_Static_assert(((slots) & ((slots)-1)) == 0, "the counters wrap");                                   \
	struct name {                                                                                        \
		_Alignas(64) _Atomic uint32_t head; /* the writer's */                                       \
		_Alignas(64) _Atomic uint32_t tail; /* the reader's */                                       \
		type slot[slots];                                                                            \
	};                                                                                                   \
	static inline bool name##_push(struct name *r, const type *what)                                     \
	{                                                                                                    \
		uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);                        \
                                                                                                             \
		if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == (slots))                  \
			return false;                                                                        \
		r->slot[head % (slots)] = *what;                                                             \
		atomic_store_explicit(&r->head, head + 1, memory_order_release);                             \
		return true;                                                                                 \
	}                                                                                                    \
	static inline bool name##_pop(struct name *r, type *ret)                                             \
	{                                                                                                    \
		uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);                        \
                                                                                                             \
		if (tail == atomic_load_explicit(&r->head, memory_order_acquire))                            \
			return false;                                                                        \
		*ret = r->slot[tail % (slots)];                                                              \
		atomic_store_explicit(&r->tail, tail + 1, memory_order_release);                             \
		return true;                                                                                 \
	}

#endif
