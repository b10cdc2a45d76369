/*
 * The SPD as the worker sees it: an immutable snapshot, levels resolved, in match order per direction. First
 * match is exact and fails closed where a packet's ports cannot be read.
 */
#ifndef POSTERN_DATAPATHD_SPD_VIEW_H
#define POSTERN_DATAPATHD_SPD_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "datapathd/epoch.h"
#include "datapathd/spd/tuples.h"
#include "ipsec/policy.h"

enum { SPD_POLICIES_MAX = 200000 };

/* One acquire may be outstanding per policy: set by the worker that asked, cleared by control. An answered
 * one stays for a while, so that an answer in vain is not followed by the next question at once. */
enum acquiring { ACQUIRING_NO = 0, ACQUIRING_ASKED, ACQUIRING_ANSWERED };

struct spd_rule {
	_Atomic uint64_t last_used_ms;      /* CLOCK_BOOTTIME, by the worker; 0: not yet */
	uint64_t told_used_ms;              /* control's: what policyd knows of it */
	_Atomic uint8_t acquiring;          /* enum acquiring */
	uint8_t cls;                        /* enum policy_class */
	uint8_t level[POLICY_REQUESTS_MAX]; /* enum policy_level: use, require or unique */
	struct policy p;                    /* last, cut off: see policy_copy() */
};

/* The lists that packets are looked up in. */
enum spd_list {
	SPD_OUT = 0,
	SPD_IN,       /* for packets of this host, and most often for forwarded ones too */
	SPD_FWD,      /* forwarded ones: `fwd` policies, */
	SPD_MIRRORED, /* and those of `in` without in_only; empty when that is all of them */
	SPD_LISTS,
};

/* NULL: none matches, or there is no such list. */
struct spd_found {
	struct spd_rule *own; /* of SPD_OUT or SPD_IN */
	struct spd_rule *fwd, *mirrored;
};

struct spd_view {
	struct retired retired;
	uint64_t version;    /* policyd's */
	uint64_t generation; /* ours, never repeated: what a remembered lookup is valid for */
	bool enabled;        /* off: nothing is protected and nothing is checked */
	bool one_in;         /* every inbound packet is judged by SPD_IN alone */
	struct policy_deflev deflev;
	struct spd_rule **list[SPD_LISTS]; /* in match order */
	struct spd_rule **by_id;
	uint32_t n[SPD_LISTS];
	struct tuples tuples[SPD_LISTS][2][2]; /* IPv4, IPv6; ports can be read, cannot */
	size_t memory;                         /* octets of all of this */
	uint32_t n_rules, room;
	struct spd_rule *rules[]; /* as they came */
};

/* A view under construction for at most `room` rules. NULL: no memory. */
struct spd_view *spd_view_new(uint64_t version, uint32_t room, const struct policy_deflev *d, bool enabled);
/* Frees at once: for a view that was never published. NULL is fine; returns NULL. */
struct spd_view *spd_view_free(struct spd_view *v);
/* For epoch_retire(). */
void spd_view_reclaim(struct retired *r);

/* Appends in match order. 0; -ENOSPC beyond room; -ENOMEM. */
int must_check spd_view_add(struct spd_view *v, const struct policy *p);
/* Sorts into lists and makes them searchable. 0, or -ENOMEM. */
int must_check spd_view_finish(struct spd_view *v);

/*
 * First match in one list, or NULL, without a walk. Where ports cannot be read, an entry with ports counts if
 * it protects or discards, and is passed over if it would let the packet go in clear.
 */
struct spd_rule *spd_view_match(const struct spd_view *v, enum spd_list l, const struct packet_key *k);

/* By policyd's number; NULL when there is none. */
struct spd_rule *spd_view_find(const struct spd_view *v, uint32_t id);

/* See tuples_fetch(). */
void spd_view_fetch(const struct spd_view *v, enum spd_list l, const struct packet_key *k, unsigned pass);

static inline struct spd_rule *spd_view_match_out(const struct spd_view *v, const struct packet_key *k)
{
	return spd_view_match(v, SPD_OUT, k);
}
/* What an inbound packet may be judged by: whether it is for this host or will be forwarded is not known
 * here. */
struct spd_found spd_view_match_in(const struct spd_view *v, const struct packet_key *k);

#endif
