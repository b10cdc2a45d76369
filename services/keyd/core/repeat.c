#include "keyd/core/repeat.h"

#include <stdlib.h>

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
	spread_init(&r->spread, rng);
	return r->mark;
}

bool repeat_is(struct repeat *r, struct rng *rng, const uint8_t *cookie, const struct inet_addr *from)
{
	uint64_t h;
	uint16_t tag, *mark;
	bool before;

	if (!begin(r, rng))
		return false;
	h = spread_of(&r->spread, cookie, from);
	tag = (uint16_t)(h >> 48 | 1); /* 0 is a mark nobody has made */
	mark = &r->mark[h % REPEAT_MARKS];
	before = *mark == tag;
	*mark = tag;
	return before;
}
