/*
 * The policies of the native configuration against those that an earlier load has left in the SPD.
 */
#ifndef POSTERN_CLI_LOAD_POLICIES_H
#define POSTERN_CLI_LOAD_POLICIES_H

#include <stdint.h>

#include "base/auto.h"
#include "cli/setkey/session.h"
#include "ipsec/policy.h"

/* One that is in the SPD, or is to be. */
struct policy_place {
	const struct policy *p;
	bool stays;      /* it is in both, in its place */
	uint32_t before; /* of what is to be: the number of the next one that stays; 0: none does */
};

struct policy_diff {
	struct policy *in_force; /* the loaded ones, in the order of the dump */
	uint32_t n_in_force, room;
	struct policy_place *was, *is; /* of in_force, and of the plan; each in its order */
	uint32_t n_is, n_added, n_removed;
};

/* Compares. `s` has policyd open. 0, or -errno with a sentence. */
must_check int policy_diff_make(
    struct session *s, const struct policy *plan, uint32_t n, struct policy_diff *ret, struct err_text *e);
void policy_diff_fini(struct policy_diff *d);
#define AUTO_POLICY_DIFF AUTO(policy_diff_fini)
/* Puts what differs into the transaction of `s`. 0; SESSION_REFUSED: what was refused has been told, up to a
 * dozen of them; -errno, told. */
must_check int policy_diff_put(struct session *s, const struct policy_diff *d);

/* The pure part, for tests: which of `was` stay, and where the others of `is` go. 0 or -ENOMEM. */
must_check int policy_diff_match(
    struct policy_place *was, uint32_t n_was, struct policy_place *is, uint32_t n_is);

#endif
