#include "keyd/core/repeat.h"

#include <stdlib.h>
#include <string.h>

void repeat_fini(struct repeat *r)
{
	free(r->mark);
	r->mark = NULL;
}

static bool begin(struct repeat *r, struct rng *rng)
{
	if (r->mark)
		return true;
	r->mark = calloc(REPEAT_MARKS, sizeof(*r->mark));
	rng->fill(rng, r->key, sizeof(r->key));
	return r->mark;
}

/* A spread for a table, not for security: its key is never shown. */
static uint64_t spread(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t hash(const struct repeat *r, const uint8_t *cookie, const struct inet_addr *from)
{
	uint64_t h = r->key[0], v[2] = {0};

	memcpy(v, cookie, 8);
	h = spread(h, v[0]);
	memcpy(v, from->b, from->family == INET_V4 ? 4 : 16);
	h = spread(spread(h, v[0]), v[1]);
	return spread(h, r->key[1]);
}

bool repeat_is(struct repeat *r, struct rng *rng, const uint8_t *cookie, const struct inet_addr *from)
{
	uint64_t h;
	uint16_t tag, *mark;
	bool before;

	if (!begin(r, rng))
		return false;
	h = hash(r, cookie, from);
	tag = (uint16_t)(h >> 48 | 1); /* 0 is a mark nobody has made */
	mark = &r->mark[h % REPEAT_MARKS];
	before = *mark == tag;
	*mark = tag;
	return before;
}
