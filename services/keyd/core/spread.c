#include "keyd/core/spread.h"

#include <string.h>

void spread_init(struct spread *s, struct rng *rng)
{
	rng->fill(rng, s->key, sizeof(s->key));
}

/* For a table, not for security: nobody sees where something went. */
static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint64_t spread_of(const struct spread *s, const uint8_t *cookie, const struct inet_addr *from)
{
	uint64_t h = s->key[0], v[2] = {0};

	memcpy(v, cookie, 8);
	h = mix(h, v[0]);
	memcpy(v, from->b, from->family == INET_V4 ? 4 : 16);
	h = mix(mix(h, v[0]), v[1]);
	return mix(h, s->key[1]);
}
