/*
 * A walk over all of them for each login: logins are few, and the pool has at most 65534.
 */
#include "keyd/core/leases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void leases_fini(struct leases *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		octets_fini(&l->slot[i].owner);
	free(l->slot);
	*l = (struct leases){0};
}

int leases_follow(struct leases *l, const struct ike_pool *p)
{
	const struct inet_addr first = ike_pool_at(p, 0);
	uint32_t n = first.family == INET_NONE ? 0 : p->size;

	if (n == l->n && (!n || inet_addr_equal(&first, &l->first)))
		return 0;
	leases_fini(l);
	if (!n)
		return 0;
	l->slot = calloc(n, sizeof(*l->slot));
	if (!l->slot)
		return -ENOMEM;
	l->first = first;
	l->n = n;
	return 0;
}

static bool is_his(const struct lease *x, struct ike1_octets owner)
{
	return x->owner.n == owner.n && memcmp(x->owner.p, owner.p, owner.n) == 0;
}

/* His own, else one that was nobody's, else the one that has been free for longest. */
static struct lease *find(struct leases *l, struct ike1_octets owner)
{
	struct lease *best = NULL;

	for (uint32_t i = 0; i < l->n; i++) {
		struct lease *x = &l->slot[i];

		if (is_his(x, owner))
			return x;
		if (!x->users && (!best || (best->owner.n && (!x->owner.n || x->freed < best->freed))))
			best = x;
	}
	return best;
}

static int give(struct lease *x, struct ike1_octets owner)
{
	if (!is_his(x, owner) && octets_set(&x->owner, owner.p, owner.n) < 0)
		return -ENOMEM;
	x->users++;
	return 0;
}

int leases_take(struct leases *l, struct ike1_octets owner, uint32_t *ret)
{
	struct lease *x = find(l, owner);

	if (!x)
		return l->n ? -ENOSPC : -ENOENT;
	*ret = (uint32_t)(x - l->slot);
	return give(x, owner);
}

int leases_claim(struct leases *l, struct ike1_octets owner, uint32_t number)
{
	if (number >= l->n)
		return -ENOENT;
	if (l->slot[number].users && !is_his(&l->slot[number], owner))
		return -EEXIST;
	return give(&l->slot[number], owner);
}

void leases_give_back(struct leases *l, uint32_t number)
{
	if (number >= l->n || !l->slot[number].users)
		return; /* of a pool that is not any more */
	if (--l->slot[number].users == 0)
		l->slot[number].freed = ++l->turn;
}
