/*
 * A chained table with as many buckets as there can be grants, so that it never grows.
 */
#include "datapathd/grants.h"

#include <errno.h>
#include <stdlib.h>

enum { BUCKET_BITS = 15, BUCKETS = 1 << BUCKET_BITS };

struct grant_node {
	struct grant_node *next;
	struct grant g;
};

int grants_init(struct grants *g)
{
	*g = (struct grants){.bucket = calloc(BUCKETS, sizeof(g->bucket[0]))};
	return g->bucket ? 0 : -ENOMEM;
}

void grants_fini(struct grants *g)
{
	grants_clear(g);
	free(g->bucket);
	g->bucket = NULL;
}

/* The link that points at this grant, or the one to put it at. */
static struct grant_node **link_of(const struct grants *g, uint64_t id)
{
	static const uint64_t golden = 0x9e3779b97f4a7c15u;
	struct grant_node **at = &g->bucket[id * golden >> (64 - BUCKET_BITS)];

	while (*at && (*at)->g.id != id)
		at = &(*at)->next;
	return at;
}

static void drop(struct grants *g, struct grant_node **at)
{
	struct grant_node *n = *at;

	*at = n->next;
	free(n->g.more);
	free(n);
	g->n--;
}

int grants_put(struct grants *g, const struct grant *grant, uint64_t now_ms)
{
	struct grant_node **at = link_of(g, grant->id), *n = *at;

	if (n) {
		free(n->g.more);
		n->g = *grant;
		return 0;
	}
	if (g->n == GRANTS_MAX) {
		grants_age(g, now_ms);
		at = link_of(g, grant->id);
	}
	if (g->n == GRANTS_MAX)
		return -ENOSPC;
	n = malloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct grant_node){.g = *grant};
	*at = n;
	g->n++;
	return 0;
}

const struct grant *grants_find(const struct grants *g, uint64_t id)
{
	const struct grant_node *n = *link_of(g, id);

	return n ? &n->g : NULL;
}

bool grants_remove(struct grants *g, uint64_t id)
{
	struct grant_node **at = link_of(g, id);

	if (!*at)
		return false;
	drop(g, at);
	return true;
}

void grants_age(struct grants *g, uint64_t now_ms)
{
	for (uint32_t i = 0; g->n && i < BUCKETS; i++) {
		struct grant_node **at = &g->bucket[i];

		while (*at) {
			if ((*at)->g.expires_ms <= now_ms)
				drop(g, at);
			else
				at = &(*at)->next;
		}
	}
}

void grants_clear(struct grants *g)
{
	grants_age(g, UINT64_MAX);
}
