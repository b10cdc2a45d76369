/*
 * One thing that is kept: a head and octets, in as many slots side by side as it takes. The next process may
 * be a newer build, so the layout has a version; what stands there is believed only after keep_slot_read()
 * has judged it, and its octets only after their own decoder has.
 */
#ifndef POSTERN_KEYD_KEEP_SLOT_H
#define POSTERN_KEYD_KEEP_SLOT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "secret/slots.h"

enum {
	KEEP_VERSION = 3,  /* of heads, and of what the octets mean */
	KEEP_RUN_MAX = 16, /* slots of one thing */
	KEEP_HEAD = 64,
	KEEP_IDS = (SLOT_SIZE - KEEP_HEAD) / 4 - 1, /* message ids in one slot */
	KEEP_OCTETS_MAX = KEEP_RUN_MAX * SLOT_SIZE - KEEP_HEAD,
};

enum keep_kind { KEEP_FREE = 0, KEEP_ISAKMP, KEEP_CHILD, KEEP_SEEN, KEEP_KINDS };

/* Fixed when it is written, and covered by the commit word together with the octets. */
struct keep_head {
	uint32_t kind, version;
	uint32_t index;   /* its own place: segment * slots + slot, so that a copied one is not believed */
	uint32_t n_slots; /* that it fills */
	uint64_t key;     /* whose it is: rising, never given twice */
	uint64_t turn;    /* of two with one key the later one counts */
	uint32_t len, zero;
};

/* Changes while it lives; each word is whole by itself. */
struct keep_run {
	_Atomic uint64_t heard_ms; /* CLOCK_BOOTTIME: when the peer was heard last */
	_Atomic uint32_t dpd_seq;
	_Atomic uint32_t n_seen; /* slots of message ids that belong to it, or one less */
};

struct keep_slot {
	_Atomic uint64_t commit; /* sum of head and octets; 0: nothing here. Written last, cleared first */
	struct keep_run run;
	struct keep_head h;
	uint8_t octets[SLOT_SIZE - KEEP_HEAD]; /* going on in the slots behind it */
};

/* The octets of one with message ids. `n` counts up after the id is there. */
struct keep_seen {
	_Atomic uint32_t n;
	uint32_t id[KEEP_IDS];
};

static_assert(sizeof(struct keep_head) == 40 && sizeof(struct keep_run) == 16,
    "fixed layout: a change needs a new KEEP_VERSION");
static_assert(sizeof(struct keep_slot) == SLOT_SIZE, "slots tile the segment");
static_assert(sizeof(struct keep_seen) == SLOT_SIZE - KEEP_HEAD, "ids fill a slot");

static inline struct keep_seen *keep_seen_of(struct keep_slot *s)
{
	return (struct keep_seen *)(void *)s->octets;
}

/* From here on it counts, also for a successor of this process. `salt` is the segment's own: octets that a
 * peer chose, left behind by a kill, do not become a slot of their own. */
void keep_slot_commit(struct keep_slot *s, uint64_t salt);
/* Forgets and wipes `n` slots from s on. */
void keep_slot_clear(struct keep_slot *s, uint32_t n);

enum keep_verdict { KEEP_OK = 0, KEEP_EMPTY, KEEP_BAD };

/* Judges what is found at `index`, with `n_left` slots from it to the end of its segment. OK: *ret is its
 * head, and its `len` octets lie within its slots. BAD: *ret_why says what does not hold. */
enum keep_verdict keep_slot_read(const struct keep_slot *s, uint64_t salt, uint32_t index, uint32_t n_left,
    struct keep_head *ret, const char **ret_why);

#endif
