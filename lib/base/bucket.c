/*
 * Counted in thousandths of a token, so that a slow rate polled often still refills.
 */
#include "base/bucket.h"

static void refill(struct bucket *b, uint64_t now_ms)
{
	uint64_t full = (uint64_t)b->burst * 1000;
	uint64_t elapsed;

	/* A time that went back must not be paid for twice. */
	if (now_ms <= b->last_ms)
		return;
	elapsed = now_ms - b->last_ms;
	b->last_ms = now_ms;
	/* An hour refills any bucket; the bound keeps the product from overflowing. */
	if (elapsed > 3600000)
		elapsed = 3600000;
	b->milli += elapsed * b->rate;
	if (b->milli > full)
		b->milli = full;
}

void bucket_init(struct bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
	b->rate = rate;
	b->burst = burst;
	b->milli = (uint64_t)burst * 1000;
	b->last_ms = now_ms;
}

bool bucket_take(struct bucket *b, uint32_t cost, uint64_t now_ms)
{
	uint64_t need = (uint64_t)cost * 1000;

	refill(b, now_ms);
	if (b->milli < need)
		return false;
	b->milli -= need;
	return true;
}

uint64_t bucket_wait_ms(struct bucket *b, uint32_t cost, uint64_t now_ms)
{
	uint64_t need = (uint64_t)(cost > b->burst ? b->burst : cost) * 1000;

	refill(b, now_ms);
	if (b->milli >= need)
		return 0;
	if (!b->rate)
		return UINT64_MAX;
	return (need - b->milli + b->rate - 1) / b->rate;
}
