/*
 * A chained hash table with one writer and readers that take no lock. Nodes live inside what they index, so
 * that inserting cannot fail; a removed object is retired through the epoch, never freed at once.
 */
#ifndef POSTERN_DATAPATHD_RHASH_H
#define POSTERN_DATAPATHD_RHASH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "datapathd/epoch.h"

struct rhash_node {
	_Atomic(struct rhash_node *)
	    next[2]; /* one per side, so that a grown table can be linked beside the old */
	uint64_t hash;
};

struct rhash_table {
	struct retired retired;
	uint32_t mask;
	uint8_t side;
	_Atomic(struct rhash_node *) bucket[];
};

struct rhash {
	_Atomic(struct rhash_table *) table;
	struct epoch *epoch;
	size_t n;
	uint64_t grown_epoch; /* no second growth before every reader has left the table before */
};

/* 0, or -ENOMEM. `epoch` is borrowed. */
int must_check rhash_init(struct rhash *h, struct epoch *epoch);
/* The nodes are not touched; no reader may be left. */
void rhash_fini(struct rhash *h);

/* Writer. The newest node with a hash is found first. */
void rhash_insert(struct rhash *h, struct rhash_node *n, uint64_t hash);
/*
 * Writer. Readers may hold the node until the epoch advanced now has passed. Who replaces a node inserts the
 * new one and removes the old one only after a quiet point: a reader already inside the chain sees no
 * insertion in front of it.
 */
void rhash_remove(struct rhash *h, struct rhash_node *n);

/* Readers: every node that may have this hash, newest first. */
#define rhash_foreach(it, h, want)                                                                           \
	for (struct rhash_cursor cur_ = rhash_find(h, want); cur_.node; rhash_cursor_next(&cur_))            \
		if ((it = cur_.node)->hash == (want))

struct rhash_cursor {
	struct rhash_node *node;
	uint8_t side;
};

static inline struct rhash_cursor rhash_find(const struct rhash *h, uint64_t hash)
{
	const struct rhash_table *t = atomic_load_explicit(&h->table, memory_order_acquire);

	return (struct rhash_cursor){
	    .node = atomic_load_explicit(&t->bucket[hash & t->mask], memory_order_acquire),
	    .side = t->side,
	};
}

/* Where a search for this hash begins: for fetch(). */
static inline const void *rhash_bucket(const struct rhash *h, uint64_t hash)
{
	const struct rhash_table *t = atomic_load_explicit(&h->table, memory_order_acquire);

	return &t->bucket[hash & t->mask];
}

static inline void rhash_cursor_next(struct rhash_cursor *c)
{
	c->node = atomic_load_explicit(&c->node->next[c->side], memory_order_acquire);
}

/* Mixes n bytes; good enough for addresses and SPIs that only root chooses. */
static inline uint64_t rhash_bytes(uint64_t seed, const void *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;
	uint64_t x = seed ^ 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < n; i++)
		x = (x ^ b[i]) * 0x100000001b3u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

#endif
