/*
 * A stupid model of the SPD to test clever code against: an array, sorted when something is added, searched
 * from the front, bits compared one by one. Also makes random policies and packets from a small universe in
 * which overlaps are frequent.
 */
#ifndef POSTERN_TESTS_MODEL_SPD_H
#define POSTERN_TESTS_MODEL_SPD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"
#include "ipsec/policy.h"

enum { MODEL_SPD_MAX = 512 };

struct model_spd {
	struct policy p[MODEL_SPD_MAX];
	size_t n;
};

/* -1 when the identity is there. */
int model_spd_add(struct model_spd *m, const struct policy *p);
/* -1 when it is not there. */
int model_spd_delete(struct model_spd *m, enum policy_dir dir, const struct selector *sel);
const struct policy *model_spd_match(
    const struct model_spd *m, enum policy_dir dir, const struct packet_key *k, bool lenient);
bool model_selector_match(const struct selector *s, const struct packet_key *k, bool lenient);

/* `family` INET_V4 or INET_V6. Valid for policy_check(); id 0. */
struct policy model_random_policy(struct rng *rng, uint8_t family);
struct packet_key model_random_packet(struct rng *rng, uint8_t family);

#endif
