/*
 * Whether keyd gets the policy that it wants for a client (`generate_policy`), and what it looks like: the
 * bounds that are policyd's own, whatever keyd says. Pure.
 */
#ifndef POSTERN_POLICYD_GENERATE_RULES_H
#define POSTERN_POLICYD_GENERATE_RULES_H

#include "policyd/grant_rules.h"

struct generate_ask {
	const uint8_t *ticket; /* borrowed */
	size_t ticket_len;
	const struct policy *out;
	struct inet_addr local, remote;
};

/* The two policies. They come behind every one of root's. */
struct generate_pair {
	struct policy out, in;
};

/* 0 with the ticket and the pair; else a negative errno, and a sentence in `e`. */
int generate_judge(const struct grant_world *w, const struct generate_ask *ask, struct ticket *ret_ticket,
    struct generate_pair *ret, struct err_text *e);

#endif
