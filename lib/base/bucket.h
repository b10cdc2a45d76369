/*
 * Token bucket: the budget of an edge, a log line, or anything else a peer can ask for too often.
 */
#ifndef POSTERN_BASE_BUCKET_H
#define POSTERN_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint32_t rate;    /* tokens per second */
	uint32_t burst;   /* most tokens the bucket holds */
	uint64_t milli;   /* tokens held, in thousandths */
	uint64_t last_ms; /* time of the last refill */
};

/* Starts full. */
void bucket_init(struct bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ms);

/* Takes `cost` tokens if they are there; false, and nothing taken, if not. */
bool bucket_take(struct bucket *b, uint32_t cost, uint64_t now_ms);

/* Milliseconds until `cost` tokens will be there; 0 when they are. `cost` above burst counts as burst. */
uint64_t bucket_wait_ms(struct bucket *b, uint32_t cost, uint64_t now_ms);

#endif
