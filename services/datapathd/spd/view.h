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
#include "ipsec/policy.h"

enum { SPD_POLICIES_MAX = 100000 };

/* One acquire may be outstanding per policy: set by the worker that asked, cleared by control. */
struct spd_rule {
	struct policy p;
	enum policy_class cls;
	enum policy_level level[POLICY_REQUESTS_MAX]; /* use, require or unique */
	_Atomic bool acquiring;
};

struct spd_view {
	struct retired retired;
	uint64_t version;    /* policyd's */
	uint64_t generation; /* ours, never repeated: what a remembered lookup is valid for */
	bool enabled;        /* off: nothing is protected and nothing is checked */
	struct policy_deflev deflev;
	uint32_t n_out, n_in; /* `fwd` stands behind `in`: a packet is looked up in both */
	struct spd_rule **out, **in;
	uint32_t n_rules, room;
	struct spd_rule rules[];
};

/* A view under construction for at most `room` rules. NULL: no memory. */
struct spd_view *spd_view_new(uint64_t version, uint32_t room, const struct policy_deflev *d, bool enabled);
/* Frees at once: for a view that was never published. NULL is fine; returns NULL. */
struct spd_view *spd_view_free(struct spd_view *v);
/* For epoch_retire(). */
void spd_view_reclaim(struct retired *r);

/* Appends in match order. 0; -ENOSPC beyond room. */
int must_check spd_view_add(struct spd_view *v, const struct policy *p);
/* Sorts into directions. 0, or -ENOMEM. */
int must_check spd_view_finish(struct spd_view *v);

/*
 * First match, or NULL. Where ports cannot be read, an entry with ports counts if it protects or discards,
 * and is passed over if it would let the packet go in clear.
 */
struct spd_rule *spd_view_match_out(const struct spd_view *v, const struct packet_key *k);
struct spd_rule *spd_view_match_in(const struct spd_view *v, const struct packet_key *k);

#endif
