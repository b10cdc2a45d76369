/*
 * What segments of slots have in common, which lie in a region and are read back by another process: how
 * large they are, which slots of one are taken, and the sum that shows damage. Slot 0 is the segment's
 * header.
 */
#ifndef POSTERN_SECRET_SLOTS_H
#define POSTERN_SECRET_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLOT_SIZE = 512, /* such memory is locked, of which there is often little */
	SLOTS_IN_SEGMENT = 2048,
	SLOTS_BYTES = SLOTS_IN_SEGMENT * SLOT_SIZE,
};

/* All zero: nothing is taken. */
struct slot_map {
	uint32_t next; /* where the search for a free slot goes on */
	uint32_t n_used;
	uint8_t used[SLOTS_IN_SEGMENT / 8]; /* bitmap */
};

/* The `n` slots from `first` on, all within the segment. */
void slot_map_set(struct slot_map *m, uint32_t first, uint32_t n, bool used);
/* Finds `n` free slots side by side and takes them: the first one's index, or 0 when there are none. */
uint32_t slot_map_take(struct slot_map *m, uint32_t n);

/* Every changed octet changes it, and it is never 0. No defence against somebody who writes on purpose. */
uint64_t slot_sum(const void *p, size_t n);

#endif
