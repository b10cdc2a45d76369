/*
 * Positions count octets and wrap as 32-bit numbers do; the place in the ring is the position modulo its
 * size.
 */
#include "datapathd/ike_ring.h"

#include <string.h>

static void put(struct ike_ring *r, uint32_t at, const void *p, uint32_t n)
{
	uint32_t place = at % IKE_RING_BYTES, first = IKE_RING_BYTES - place;

	first = n < first ? n : first;
	memcpy(r->b + place, p, first);
	memcpy(r->b, (const uint8_t *)p + first, n - first);
}

static void get(const struct ike_ring *r, uint32_t at, void *p, uint32_t n)
{
	uint32_t place = at % IKE_RING_BYTES, first = IKE_RING_BYTES - place;

	first = n < first ? n : first;
	memcpy(p, r->b + place, first);
	memcpy((uint8_t *)p + first, r->b, n - first);
}

bool ike_ring_push(struct ike_ring *r, const struct ike_head *h, const uint8_t *octets)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);

	if (h->n > IKE_LEN_MAX || sizeof(*h) + h->n > IKE_RING_BYTES - used)
		return false;
	put(r, head, h, sizeof(*h));
	put(r, head + (uint32_t)sizeof(*h), octets, h->n);
	atomic_store_explicit(&r->head, head + (uint32_t)sizeof(*h) + h->n, memory_order_release);
	return true;
}

bool ike_ring_pop(struct ike_ring *r, struct ike_head *ret, uint8_t ret_octets[IKE_LEN_MAX])
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	get(r, tail, ret, sizeof(*ret));
	get(r, tail + (uint32_t)sizeof(*ret), ret_octets, ret->n);
	atomic_store_explicit(&r->tail, tail + (uint32_t)sizeof(*ret) + ret->n, memory_order_release);
	return true;
}
