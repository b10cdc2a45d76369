/*
 * Anti-replay window (RFC 4303 section 3.4.3, ring of words after RFC 6479) and the sender's counter. Both
 * are plain memory of fixed layout, so that they can live in SAD memory and go on after a restart.
 */
#ifndef POSTERN_WIRE_ESP_REPLAY_H
#define POSTERN_WIRE_ESP_REPLAY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	REPLAY_BYTES_MAX = 8192, /* setkey's -r; 65536 packets */
	REPLAY_WORDS_MAX = 2048,
};

/*
 * Numbers in (top - size, top] are inside; words hold them by number modulo the ring, which is at least one
 * word longer than the window.
 */
struct replay {
	uint64_t top;     /* highest number committed; 0: none yet */
	uint32_t size;    /* window in packets; 0: no check, only `top` is kept */
	uint32_t n_words; /* power of two; 0 when size is 0 */
	uint64_t word[];
};
static_assert(sizeof(struct replay) == 16, "SAD memory layout");

enum replay_verdict {
	REPLAY_NEW = 0,
	REPLAY_ZERO, /* number 0 is never sent while a window is on */
	REPLAY_OLD,  /* left of the window */
	REPLAY_SEEN,
};

/* Octets for a window of setkey's `-r bytes` (0..REPLAY_BYTES_MAX). */
size_t replay_memory(uint32_t bytes);
/* Starts empty in at least replay_memory(bytes) octets, 8-aligned. */
void replay_init(struct replay *r, uint32_t bytes);
/* Whether memory from an earlier life, of `room` octets, holds a window of `-r bytes` that can be gone on
 * with. */
bool replay_valid(const struct replay *r, size_t room, uint32_t bytes);

/* Fills an empty window, of any size, with what another one of the same numbers knows; what that has
 * forgotten, because it was smaller, counts as seen. */
void replay_carry(struct replay *to, const struct replay *from);

/* Before the ICV is checked; changes nothing. With size 0 everything is new. */
must_check enum replay_verdict replay_check(const struct replay *r, uint64_t seq);
/* After the ICV was found good: checks again and marks. Only REPLAY_NEW was marked. Killed at any point it
 * leaves a window that never accepts a number twice. */
must_check enum replay_verdict replay_commit(struct replay *r, uint64_t seq);

/* The 64-bit number of an ESN packet from its low half (RFC 4303 appendix A2.2). Needs size > 0; with 0 as
 * for the smallest window. */
uint64_t replay_esn(const struct replay *r, uint32_t seq_lo);

/* The sender's side. */
struct seq_counter {
	uint64_t last; /* last number taken; 0: none yet */
};
static_assert(sizeof(struct seq_counter) == 8, "SAD memory layout");

enum seq_kind {
	SEQ_32 = 1, /* ends with 0xffffffff */
	SEQ_CYCLIC, /* 32 bits on the wire, rolls over to 0 and goes on; the counter itself keeps all 64 bits
	             */
	SEQ_ESN,    /* 64 bits */
};

enum { SEQ_OK = 0, SEQ_EXHAUSTED = 1 };

/*
 * Takes n numbers (n > 0), all or none, before anything is sealed with them: *ret_first is the lowest. A
 * number taken is used up, also when the process dies before it sends. 0, or SEQ_EXHAUSTED.
 */
must_check int seq_take(struct seq_counter *c, enum seq_kind kind, uint32_t n, uint64_t *ret_first);

#endif
