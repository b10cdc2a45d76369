/*
 * Which slots of a segment are taken. Slot 0 is the segment's header.
 */
#ifndef POSTERN_DATAPATHD_SA_SLOT_MAP_H
#define POSTERN_DATAPATHD_SA_SLOT_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "datapathd/sa/store.h"

/* All zero: nothing is taken. */
struct slot_map {
	uint32_t next; /* where the search for a free slot goes on */
	uint32_t n_used;
	uint8_t used[SAD_SEGMENT_SLOTS / 8]; /* bitmap */
};

/* The `n` slots from `first` on, all within the segment. */
void slot_map_set(struct slot_map *m, uint32_t first, uint32_t n, bool used);
/* Finds `n` free slots side by side and takes them: the first one's index, or 0 when there are none. */
uint32_t slot_map_take(struct slot_map *m, uint32_t n);

#endif
