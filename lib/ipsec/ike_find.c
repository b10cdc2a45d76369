/*
 * Which blocks a peer may be the one of. Every stranger's first message asks that, so that with many peers
 * the answer must not be looked for in all of them: once complete, a configuration has them in order.
 */
#include <errno.h>
#include <stdlib.h>

#include "ipsec/ike_conf.h"

/* By address, and among those of one address as they stand in the file. */
static int compare(const struct ike_place *a, const struct ike_place *b)
{
	int r = inet_addr_cmp(&a->addr, &b->addr);

	return r ? r : a->peer < b->peer ? -1 : a->peer > b->peer;
}

static int compare_places(const void *a, const void *b)
{
	return compare(a, b);
}

int ike_conf_sort(struct ike_conf *c)
{
	struct ike_place *places = calloc(c->n_peers ? c->n_peers : 1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->n_peers; i++)
		places[i] = (struct ike_place){c->peer[i].addr, i};
	qsort(places, c->n_peers, sizeof(*places), compare_places);
	free(c->by_addr);
	c->by_addr = places;
	return 0;
}

/* The first place that is not before this one. */
static uint32_t lower_bound(const struct ike_conf *c, const struct ike_place *at)
{
	uint32_t low = 0, high = c->n_peers;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare(&c->by_addr[mid], at) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct ike_peer *find_sorted(
    const struct ike_conf *c, const struct inet_addr *addr, uint32_t from)
{
	uint32_t i = lower_bound(c, &(struct ike_place){*addr, from});

	return i < c->n_peers && inet_addr_equal(&c->by_addr[i].addr, addr) ? &c->peer[c->by_addr[i].peer]
	                                                                    : NULL;
}

/* The first block of just this address from a position on; NULL: none. */
static const struct ike_peer *find_from(const struct ike_conf *c, const struct inet_addr *addr, uint32_t from)
{
	if (c->by_addr)
		return find_sorted(c, addr, from);
	for (uint32_t i = from; i < c->n_peers; i++)
		if (inet_addr_equal(&c->peer[i].addr, addr))
			return &c->peer[i];
	return NULL;
}

const struct ike_peer *ike_conf_find_peer(const struct ike_conf *c, const struct inet_addr *addr)
{
	static const struct inet_addr any;
	const struct ike_peer *p = find_from(c, addr, 0);

	return p ? p : find_from(c, &any, 0);
}

const struct ike_peer *ike_conf_next_peer(const struct ike_conf *c, const struct ike_peer *p)
{
	return find_from(c, &p->addr, (uint32_t)(p - c->peer) + 1);
}

const struct ike_peer *ike_conf_find_beginner(const struct ike_conf *c, const struct inet_addr *addr)
{
	const struct ike_peer *first = ike_conf_find_peer(c, addr);

	for (const struct ike_peer *p = first; p; p = ike_conf_next_peer(c, p))
		if (!p->passive)
			return p;
	return first;
}

bool ike_conf_peer_fits(const struct ike_conf *c, const struct ike_peer *p, const struct inet_addr *addr)
{
	const struct ike_peer *first = ike_conf_find_peer(c, addr);

	return first && inet_addr_equal(&first->addr, &p->addr);
}

const struct ike_peer *ike_conf_find_block(const struct ike_conf *c, uint64_t block)
{
	for (uint32_t i = 0; block && i < c->n_peers; i++)
		if (c->peer[i].block == block)
			return &c->peer[i];
	return NULL;
}
