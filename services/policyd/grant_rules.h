/*
 * Whether keyd gets the grant it asks for: the one place where a ticket is held against policies and the
 * configuration. Pure.
 */
#ifndef POSTERN_POLICYD_GRANT_RULES_H
#define POSTERN_POLICYD_GRANT_RULES_H

#include "policyd/grants.h"

struct grant_ask {
	const uint8_t *ticket; /* borrowed */
	size_t ticket_len;
	uint32_t policy_id;
	const uint32_t *more_ids; /* rising, without policy_id; borrowed */
	uint16_t n_more;
	struct inet_addr local, remote;
};

struct grant_world {
	const struct ticket_key *key;
	const struct ike_gens *gens;
	const struct spd *spd;
	uint64_t now_ms;
};

/* The peer of a ticket may be at the address of the SAs: 0 with its block. Else as grant_judge(). */
must_check int grant_judge_peer(const struct grant_world *w, const struct ticket *t,
    const struct inet_addr *remote, const struct ike_view_peer **ret, struct err_text *e);
/* 0 with what is granted, whose `more` is the caller's. Else a negative errno, and a sentence in `e` that
 * names what does not fit. */
int grant_judge(
    const struct grant_world *w, const struct grant_ask *ask, struct grant_terms *ret, struct err_text *e);

#endif
