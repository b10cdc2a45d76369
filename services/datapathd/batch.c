/*
 * One mapping for the whole batch: pages a packet never reaches are never touched, so room for the largest
 * datagram in every place costs address space only.
 */
#include "datapathd/batch.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum { PKT_STRIDE = PKT_HEADROOM + PKT_LEN_MAX + PKT_TAILROOM };

int batch_init(struct batch *b)
{
	size_t n = (size_t)PKT_STRIDE * (ARRAY_SIZE(b->place) + BATCH_SPARE);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, n, MADV_DONTDUMP);
	*b = (struct batch){.arena = p, .arena_len = n};
	for (size_t i = 0; i < ARRAY_SIZE(b->place); i++)
		b->place[i] = b->arena + i * PKT_STRIDE;
	b->spare = b->arena + ARRAY_SIZE(b->place) * PKT_STRIDE;
	return 0;
}

void batch_fini(struct batch *b)
{
	if (b->arena)
		munmap(b->arena, b->arena_len);
	b->arena = NULL;
	b->n = 0;
}

static struct pkt *empty(struct batch *b, uint32_t i, uint8_t *room)
{
	struct pkt *p = &b->pkt[i];

	memset(p, 0, offsetof(struct pkt, bound));
	p->room = room;
	p->room_end = room + PKT_STRIDE;
	p->data = room + PKT_HEADROOM;
	return p;
}

struct pkt *batch_slot(struct batch *b, uint32_t i)
{
	return empty(b, i, b->place[i]);
}

uint8_t *batch_spare_at(const struct batch *b, uint32_t k)
{
	return b->spare + (size_t)k * PKT_STRIDE + PKT_HEADROOM;
}

struct pkt *batch_slot_spare(struct batch *b, uint32_t i, uint32_t k)
{
	return empty(b, i, b->spare + (size_t)k * PKT_STRIDE);
}

const uint8_t *batch_put_aside(struct batch *b, uint32_t i)
{
	uint8_t *aside = b->place[i];

	b->place[i] = b->place[BATCH_ROOM];
	b->place[BATCH_ROOM] = aside;
	return aside + PKT_HEADROOM;
}
