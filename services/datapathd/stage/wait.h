/*
 * The waiting room: outbound packets whose SA is being negotiated, so that the packet that asked for it is
 * not lost (RFC 4301 section 5.1: an implementation may keep it). Bounded in places, octets and time; who
 * finds no place is dropped as before.
 */
#ifndef POSTERN_DATAPATHD_STAGE_WAIT_H
#define POSTERN_DATAPATHD_STAGE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapathd/batch.h"

enum {
	WAIT_PLACES = 32,
	WAIT_PER_POLICY = 8, /* one policy whose peer is silent must not shut out the others */
	WAIT_LEN_MAX = 2048, /* octets of a packet that is kept: what fits a usual link */
	WAIT_MS = 3000,      /* longer than a negotiation takes, and senders repeat themselves by then */
	WAIT_LOOK_MS = 500,  /* how often the room is looked at without being told */
};

struct wait_place {
	uint32_t policy_id, len;
	uint64_t until_ms;
	bool whole_again; /* was put together from fragments */
	uint8_t data[WAIT_LEN_MAX];
};

struct wait_room {
	bool open;  /* somebody is there to negotiate */
	uint32_t n; /* places taken: the first ones */
	uint64_t look_ms;
	struct wait_place place[WAIT_PLACES];
};

/* Keeps a copy of an outbound packet that has its rule; one that has waited before keeps its time. False when
 * its time is over, or there is no place for it. */
bool wait_room_keep(struct wait_room *w, const struct pkt *p, uint64_t now_ms);
/* Whether it is time to look; `told`: control says that something changed. */
bool wait_room_due(struct wait_room *w, bool told, uint64_t now_ms);
/* Moves everybody into an empty batch, in the order of their coming, as new packets that know how long they
 * may wait. */
void wait_room_empty_into(struct wait_room *w, struct batch *b);

#endif
