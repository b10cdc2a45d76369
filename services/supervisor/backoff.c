/*
 * Jitter keeps two services that fell together from hammering each other in step.
 */
#include "supervisor/backoff.h"

uint32_t backoff_next_ms(struct backoff *b, uint64_t lived_ms, struct rng *rng)
{
	uint32_t delay = BACKOFF_MIN_MS;

	if (lived_ms >= BACKOFF_HEALTHY_MS)
		b->failures = 0;
	for (uint32_t i = 0; i < b->failures && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	if (b->failures < UINT32_MAX)
		b->failures++;
	return delay - delay / 4 + rng_below(rng, delay / 2 + 1);
}
