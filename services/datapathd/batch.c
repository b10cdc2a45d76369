/*
 * One mapping for the whole batch: pages a packet never reaches are never touched, so room for the largest
 * datagram in every place costs address space only.
 */
#include "datapathd/batch.h"

#include <errno.h>
#include <sys/mman.h>

enum { PKT_STRIDE = PKT_HEADROOM + PKT_LEN_MAX + PKT_TAILROOM };

int batch_init(struct batch *b)
{
	size_t n = (size_t)PKT_STRIDE * BATCH_ROOM;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, n, MADV_DONTDUMP);
	*b = (struct batch){.arena = p, .arena_len = n};
	return 0;
}

void batch_fini(struct batch *b)
{
	if (b->arena)
		munmap(b->arena, b->arena_len);
	b->arena = NULL;
	b->n = 0;
}

struct pkt *batch_slot(struct batch *b, uint32_t i)
{
	struct pkt *p = &b->pkt[i];
	uint8_t *room = b->arena + (size_t)i * PKT_STRIDE;

	*p = (struct pkt){.room = room, .room_end = room + PKT_STRIDE, .data = room + PKT_HEADROOM};
	return p;
}
