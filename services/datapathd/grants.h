/*
 * What policyd allows keyd to install, by number: endpoints, and for each request of the policy protocol,
 * mode, reqids and algorithms. Filled by policyd and by nobody else.
 */
#ifndef POSTERN_DATAPATHD_GRANTS_H
#define POSTERN_DATAPATHD_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "inet/addr.h"
#include "ipsec/policy.h"

enum { GRANTS_MAX = 20000 };

/* Algorithms as a set: bit N is number N of alg.h, bit 0 says that none at all is allowed too. */
typedef uint32_t alg_set;
enum { ALG_SET_NUMBERS = 32 /* above every number in alg.h */ };

struct grant_request {
	enum ipsec_proto proto;
	enum ipsec_mode mode; /* transport or tunnel */
	uint32_t reqid_out, reqid_in;
	/* Of further policies that the same SA may serve, both rising; in the grant's `more`. */
	const uint32_t *more_out, *more_in;
	uint16_t n_more_out, n_more_in;
	alg_set enc, auth; /* 0: any */
};

struct grant {
	uint64_t id; /* not 0 */
	uint32_t out_id;
	struct inet_addr local, remote; /* of one family */
	uint64_t expires_ms;            /* CLOCK_BOOTTIME */
	uint8_t n_requests;
	struct grant_request req[POLICY_REQUESTS_MAX];
	uint32_t *more; /* owned; NULL: none */
};

struct grants {
	struct grant_node **bucket;
	uint32_t n;
};

/* 0, or -ENOMEM. */
int must_check grants_init(struct grants *g);
void grants_fini(struct grants *g);

/* Takes a copy, and `more` over, in the place of one with the same number. 0; else nothing is taken: -ENOSPC
 * when GRANTS_MAX others are in force, what has expired by now_ms making room; -ENOMEM. */
int must_check grants_put(struct grants *g, const struct grant *grant, uint64_t now_ms);
/* NULL: none. Valid until the table is changed. */
const struct grant *grants_find(const struct grants *g, uint64_t id);
/* False when there is none. */
bool grants_remove(struct grants *g, uint64_t id);
void grants_clear(struct grants *g);
/* Removes those that have expired. */
void grants_age(struct grants *g, uint64_t now_ms);

#endif
