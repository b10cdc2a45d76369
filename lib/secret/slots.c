#include "secret/slots.h"

static bool is_used(const struct slot_map *m, uint32_t i)
{
	return m->used[i / 8] >> i % 8 & 1;
}

void slot_map_set(struct slot_map *m, uint32_t first, uint32_t n, bool used)
{
	for (uint32_t i = first; i < first + n; i++) {
		if (is_used(m, i) == used)
			continue;
		m->used[i / 8] ^= (uint8_t)(1 << i % 8);
		m->n_used += used ? 1 : -1U;
	}
}

/* From where the last search ended, and once more from the start. */
static uint32_t find_run(const struct slot_map *m, uint32_t n)
{
	for (uint32_t pass = 0; pass < 2; pass++) {
		uint32_t run = 0;

		for (uint32_t i = pass ? 1 : m->next; i < SLOTS_IN_SEGMENT; i++) {
			run = i == 0 || is_used(m, i) ? 0 : run + 1;
			if (run == n)
				return i + 1 - n;
		}
	}
	return 0;
}

uint32_t slot_map_take(struct slot_map *m, uint32_t n)
{
	/* A full segment is not searched: with many of them that would be most of the work. */
	uint32_t at = n > SLOTS_IN_SEGMENT - m->n_used ? 0 : find_run(m, n);

	if (!at)
		return 0;
	slot_map_set(m, at, n, true);
	m->next = at + n < SLOTS_IN_SEGMENT ? at + n : 1;
	return at;
}

/* FNV-1a: each step is a bijection, so a single changed octet always changes the sum. */
uint64_t slot_sum(const void *p, size_t n)
{
	static const uint64_t basis = 0xcbf29ce484222325u, prime = 0x100000001b3u;
	const uint8_t *b = (const uint8_t *)p;
	uint64_t h = basis;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * prime;
	return h ? h : 1;
}
