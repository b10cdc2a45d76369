/*
 * Random SAs and policies that are right: every algorithm, protocol, family and option, from a generator with
 * a seed.
 */
#ifndef POSTERN_TESTS_RANDOM_IPSEC_H
#define POSTERN_TESTS_RANDOM_IPSEC_H

#include "base/rng.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

struct random_sa {
	struct sa_desc desc; /* its keys point here, so it stays where it is */
	struct sa_status status;
	uint8_t enc_key[ALG_KEY_MAX], auth_key[ALG_KEY_MAX];
};

/* Passes sa_desc_check(). Not larval. */
void random_sa(struct rng *rng, struct random_sa *ret);
/* Passes policy_check(). Ids of level unique may be automatic ones. */
struct policy random_policy(struct rng *rng);

#endif
