/*
 * The addresses that clients are given: who has which, and who had it last. One address for one owner,
 * however many ISAKMP SAs he has at a time; when the last of them has gone it is free, and his again when he
 * comes back, unless everything else was taken in between.
 */
#ifndef POSTERN_KEYD_CORE_LEASES_H
#define POSTERN_KEYD_CORE_LEASES_H

#include <stdint.h>

#include "ipsec/ike_conf.h"
#include "keyd/core/octets.h"

struct lease {
	struct octets owner; /* empty: it was nobody's yet */
	uint32_t users;
	uint64_t freed; /* the larger the later */
};

struct leases {
	struct inet_addr first;
	uint32_t n; /* 0: there is no pool */
	uint64_t turn;
	struct lease *slot;
};

void leases_fini(struct leases *l);
/* The pool of a configuration. The same one as before changes nothing; of another one nothing is taken. 0 or
 * -ENOMEM. */
must_check int leases_follow(struct leases *l, const struct ike_pool *p);
/* The owner's address for one more of his SAs; an owner is octets, one at least, of which all count. 0 with
 * its number in the pool; -ENOSPC: all are taken; -ENOENT: there is no pool; -ENOMEM. */
must_check int leases_take(struct leases *l, struct ike1_octets owner, uint32_t *ret);
/* The owner has this one already, from before a restart. 0; -ENOENT: the pool has no such number; -EEXIST: it
 * is somebody else's; -ENOMEM. */
must_check int leases_claim(struct leases *l, struct ike1_octets owner, uint32_t number);
void leases_give_back(struct leases *l, uint32_t number);

#endif
