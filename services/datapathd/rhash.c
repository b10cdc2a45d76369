/*
 * Growing links every node a second time, into a table twice as large, and swaps the table pointer: readers
 * in the old table keep following the old links. That is why each node has two next pointers and why the
 * table may grow again only after the readers of the one before are gone.
 */
#include "datapathd/rhash.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 64, LOAD_MAX = 2, BUCKETS_MAX = 1 << 20 };

static struct rhash_table *table_new(uint32_t n_buckets, uint8_t side)
{
	struct rhash_table *t = calloc(1, sizeof(*t) + n_buckets * sizeof(t->bucket[0]));

	if (!t)
		return NULL;
	t->mask = n_buckets - 1;
	t->side = side;
	return t;
}

static void table_free(struct retired *r)
{
	free(container_of(r, struct rhash_table, retired));
}

int rhash_init(struct rhash *h, struct epoch *epoch)
{
	struct rhash_table *t = table_new(FIRST_BUCKETS, 0);

	if (!t)
		return -ENOMEM;
	atomic_store(&h->table, t);
	h->epoch = epoch;
	h->n = 0;
	h->grown_epoch = 0;
	return 0;
}

void rhash_fini(struct rhash *h)
{
	free(atomic_exchange(&h->table, NULL));
}

static void table_link(struct rhash_table *t, struct rhash_node *n)
{
	_Atomic(struct rhash_node *) *head = &t->bucket[n->hash & t->mask];

	atomic_store_explicit(
	    &n->next[t->side], atomic_load_explicit(head, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(head, n, memory_order_release);
}

/* Linking at the head reverses a chain, so each is walked to its end first: newest must stay in front. */
static void relink_reversed(struct rhash_table *to, const struct rhash_table *from, struct rhash_node *n)
{
	struct rhash_node *chain[256];
	size_t depth = 0;

	while (n) {
		for (depth = 0; n && depth < ARRAY_SIZE(chain); depth++) {
			chain[depth] = n;
			n = atomic_load_explicit(&n->next[from->side], memory_order_relaxed);
		}
		while (depth)
			table_link(to, chain[--depth]);
	}
}

/* No memory only means longer chains. */
static void grow(struct rhash *h)
{
	struct rhash_table *old = atomic_load(&h->table), *t;
	uint32_t n = (old->mask + 1) * 2;

	if (n > BUCKETS_MAX || !epoch_passed(h->epoch, h->grown_epoch))
		return;
	t = table_new(n, !old->side);
	if (!t)
		return;
	for (uint32_t i = 0; i <= old->mask; i++)
		relink_reversed(t, old, atomic_load(&old->bucket[i]));
	atomic_store_explicit(&h->table, t, memory_order_release);
	epoch_retire(h->epoch, &old->retired, table_free);
	h->grown_epoch = old->retired.epoch;
}

void rhash_insert(struct rhash *h, struct rhash_node *n, uint64_t hash)
{
	struct rhash_table *t = atomic_load(&h->table);

	n->hash = hash;
	table_link(t, n);
	h->n++;
	if (h->n > (size_t)LOAD_MAX * (t->mask + 1))
		grow(h);
}

void rhash_remove(struct rhash *h, struct rhash_node *n)
{
	struct rhash_table *t = atomic_load(&h->table);
	_Atomic(struct rhash_node *) *at = &t->bucket[n->hash & t->mask];

	for (struct rhash_node *it = atomic_load(at); it; it = atomic_load(at)) {
		if (it == n) {
			atomic_store_explicit(at, atomic_load(&n->next[t->side]), memory_order_release);
			h->n--;
			return;
		}
		at = &it->next[t->side];
	}
}
