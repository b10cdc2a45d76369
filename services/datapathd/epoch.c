/*
 * A worker's stamp is stored sequentially consistent and followed by its loads of published pointers, and
 * control swaps a pointer before it advances the epoch: so a worker whose stamp is not older than the epoch
 * cannot have loaded the old pointer. A sleeping worker stamps itself "infinitely late" and need not be
 * woken.
 */
#include "datapathd/epoch.h"

#include <stddef.h>

static const uint64_t asleep = UINT64_MAX;

void epoch_init(struct epoch *e)
{
	atomic_store(&e->now, 1);
	atomic_store(&e->awaited, 0);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		atomic_store(&e->seen[i], asleep);
	e->first = NULL;
	e->tail = &e->first;
}

void epoch_fini(struct epoch *e)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		atomic_store(&e->seen[i], asleep);
	(void)epoch_reclaim(e);
}

static bool control_waits(struct epoch *e)
{
	uint64_t want = atomic_load_explicit(&e->awaited, memory_order_seq_cst);

	return want && epoch_passed(e, want) && atomic_exchange(&e->awaited, 0) != 0;
}

bool epoch_quiet(struct epoch *e, unsigned worker)
{
	atomic_store(&e->seen[worker], atomic_load(&e->now));
	atomic_thread_fence(memory_order_seq_cst);
	return control_waits(e);
}

bool epoch_sleep(struct epoch *e, unsigned worker)
{
	atomic_store(&e->seen[worker], asleep);
	return control_waits(e);
}

uint64_t epoch_advance(struct epoch *e)
{
	uint64_t epoch = atomic_fetch_add(&e->now, 1) + 1;

	atomic_thread_fence(memory_order_seq_cst);
	return epoch;
}

bool epoch_passed(const struct epoch *e, uint64_t epoch)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		if (atomic_load(&e->seen[i]) < epoch)
			return false;
	return true;
}

void epoch_await(struct epoch *e, uint64_t epoch)
{
	if (atomic_load(&e->awaited) < epoch)
		atomic_store(&e->awaited, epoch);
}

void epoch_retire(struct epoch *e, struct retired *r, void (*free)(struct retired *r))
{
	r->next = NULL;
	r->free = free;
	r->epoch = epoch_advance(e);
	*e->tail = r;
	e->tail = &r->next;
}

bool epoch_reclaim(struct epoch *e)
{
	while (e->first && epoch_passed(e, e->first->epoch)) {
		struct retired *r = e->first;

		e->first = r->next;
		if (!e->first)
			e->tail = &e->first;
		r->free(r);
	}
	return e->first != NULL;
}
