/*
 * Comparing every box with every earlier one would cost fifty million comparisons for ten thousand policies
 * at every reload. Boxes are therefore kept by the length and value of one address prefix: a new box meets
 * only those whose prefix contains its own (one hash lookup per length in use) or is longer (rare: a wide
 * entry behind narrow ones, which has to look at all of those).
 */
#include "policyd/compile/layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

enum { PLENS = 129, NIL = -1 };

/* The side of the boxes with more distinct prefixes leads. */
struct index {
	const struct box *b;
	enum box_field lead;
	size_t n_buckets;
	int32_t *bucket, *bucket_next; /* chains of boxes with equal (prefix length, prefix), newest first */
	int32_t by_plen[PLENS], *plen_next;
};

static const struct inet_prefix *prefix_of(const struct box *b, enum box_field f)
{
	return f == BOX_SRC ? &b->src : &b->dst;
}

static size_t hash_prefix(const struct inet_addr *a, uint8_t plen, size_t n_buckets)
{
	uint64_t hi, lo, h;

	memcpy(&hi, a->b, 8);
	memcpy(&lo, a->b + 8, 8);
	h = (hi ^ lo * 0x9e3779b97f4a7c15ULL ^ plen) * 0xbf58476d1ce4e5b9ULL;
	return (h ^ h >> 29) & (n_buckets - 1);
}

static void index_fini(struct index *ix)
{
	free(ix->bucket);
	free(ix->bucket_next);
	free(ix->plen_next);
}

static int index_init(struct index *ix, const struct box_list *l, enum box_field lead)
{
	*ix = (struct index){.b = l->b, .lead = lead, .n_buckets = 64};
	while (ix->n_buckets < l->n)
		ix->n_buckets *= 2;
	ix->bucket = malloc(ix->n_buckets * sizeof(int32_t));
	ix->bucket_next = malloc(l->n * sizeof(int32_t));
	ix->plen_next = malloc(l->n * sizeof(int32_t));
	if (!ix->bucket || !ix->bucket_next || !ix->plen_next) {
		index_fini(ix);
		return -ENOMEM;
	}
	memset(ix->bucket, 0xff, ix->n_buckets * sizeof(int32_t));
	memset(ix->by_plen, 0xff, sizeof(ix->by_plen));
	return 0;
}

static void index_add(struct index *ix, int32_t i)
{
	const struct inet_prefix *p = prefix_of(&ix->b[i], ix->lead);
	size_t h = hash_prefix(&p->addr, p->plen, ix->n_buckets);

	ix->bucket_next[i] = ix->bucket[h];
	ix->bucket[h] = i;
	ix->plen_next[i] = ix->by_plen[p->plen];
	ix->by_plen[p->plen] = i;
}

/* Raises *top to the highest layer of a chained box that overlaps `b`. True: `b` is covered and can never
 * match. */
static bool meet(
    const struct index *ix, int32_t first, const int32_t *next, const struct box *b, uint32_t *top)
{
	for (int32_t i = first; i != NIL; i = next[i]) {
		const struct box *o = &ix->b[i];

		if (!box_overlaps(o, b))
			continue;
		if (box_covers(o, b))
			return true;
		if (o->layer > *top)
			*top = o->layer;
	}
	return false;
}

static bool index_meet(const struct index *ix, const struct box *b, uint32_t *top)
{
	const struct inet_prefix *p = prefix_of(b, ix->lead);

	for (int plen = 0; plen < PLENS; plen++) {
		struct inet_prefix wide = {.addr = p->addr, .plen = (uint8_t)plen};
		struct inet_addr key;
		bool covered;

		if (ix->by_plen[plen] == NIL)
			continue;
		if (plen > p->plen) {
			covered = meet(ix, ix->by_plen[plen], ix->plen_next, b, top);
		} else {
			key = inet_prefix_first(&wide);
			covered = meet(ix, ix->bucket[hash_prefix(&key, wide.plen, ix->n_buckets)],
			    ix->bucket_next, b, top);
		}
		if (covered)
			return true;
	}
	return false;
}

struct span {
	uint8_t lo[17]; /* address and prefix length, or interval bounds, big endian */
};

static struct span span_of(const struct box *b, enum box_field f)
{
	struct span s = {{0}};

	switch (f) {
	case BOX_SRC:
	case BOX_DST:
		memcpy(s.lo, prefix_of(b, f)->addr.b, 16);
		s.lo[16] = prefix_of(b, f)->plen;
		break;
	case BOX_PROTO:
		s.lo[0] = b->proto_lo;
		s.lo[1] = b->proto_hi;
		break;
	case BOX_SPORT:
		memcpy(s.lo, &b->sport_lo, 2);
		memcpy(s.lo + 2, &b->sport_hi, 2);
		break;
	default:
		memcpy(s.lo, &b->dport_lo, 2);
		memcpy(s.lo + 2, &b->dport_hi, 2);
		break;
	}
	return s;
}

static int span_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct span));
}

static size_t count_distinct(const struct box *b, size_t n, enum box_field f, struct span *scratch)
{
	size_t distinct = n ? 1 : 0;

	for (size_t i = 0; i < n; i++)
		scratch[i] = span_of(&b[i], f);
	qsort(scratch, n, sizeof(*scratch), span_cmp);
	for (size_t i = 1; i < n; i++)
		distinct += span_cmp(&scratch[i - 1], &scratch[i]) != 0;
	return distinct;
}

static int by_layer(const void *a, const void *b)
{
	const struct box *x = a, *y = b;

	return x->layer < y->layer ? -1 : x->layer > y->layer;
}

/* Counting sort keeps list order within a layer. */
static int sort_by_layer(struct box_list *l)
{
	bool sorted = true;

	for (size_t i = 1; sorted && i < l->n; i++)
		sorted = by_layer(&l->b[i - 1], &l->b[i]) <= 0;
	if (sorted)
		return 0;

	uint32_t top = 0;
	AUTO_FREE struct box *to = malloc(l->n * sizeof(*to));
	AUTO_FREE size_t *start = NULL;

	for (size_t i = 0; i < l->n; i++)
		top = l->b[i].layer > top ? l->b[i].layer : top;
	start = calloc(top + 2, sizeof(*start));
	if (!to || !start)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		start[l->b[i].layer + 1]++;
	for (uint32_t i = 1; i < top + 2; i++)
		start[i] += start[i - 1];
	for (size_t i = 0; i < l->n; i++)
		to[start[l->b[i].layer]++] = l->b[i];
	memcpy(l->b, to, l->n * sizeof(*to));
	return 0;
}

static int choose_lead(const struct box_list *l, enum box_field *ret)
{
	AUTO_FREE struct span *scratch = malloc((l->n + 1) * sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	*ret = count_distinct(l->b, l->n, BOX_SRC, scratch) > count_distinct(l->b, l->n, BOX_DST, scratch)
	           ? BOX_SRC
	           : BOX_DST;
	return 0;
}

int box_list_layer(struct box_list *l, uint32_t *ret_n_layers)
{
	enum box_field lead = BOX_DST;
	uint32_t n_layers = 0;
	struct index ix;
	size_t kept = 0;
	int r;

	*ret_n_layers = 0;
	if (!l->n)
		return 0;
	r = choose_lead(l, &lead);
	if (r == 0)
		r = index_init(&ix, l, lead);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n; i++) {
		uint32_t top = 0;

		if (index_meet(&ix, &l->b[i], &top))
			continue;
		l->b[kept] = l->b[i];
		l->b[kept].layer = top + 1;
		if (top + 1 > n_layers)
			n_layers = top + 1;
		index_add(&ix, (int32_t)kept++);
	}
	l->n = kept;
	index_fini(&ix);
	r = sort_by_layer(l);
	if (r == 0)
		*ret_n_layers = n_layers;
	return r;
}

int box_field_order(const struct box *b, size_t n, enum box_sight sight, enum box_field ret[BOX_FIELDS])
{
	static const int n_fields[BOX_SIGHTS] = {
	    [BOX_SEES_PORTS] = BOX_FIELDS, [BOX_SEES_PROTO] = BOX_PROTO + 1, [BOX_SEES_ADDRS] = BOX_DST + 1};
	AUTO_FREE struct span *scratch = malloc((n + 1) * sizeof(*scratch));
	size_t distinct[BOX_FIELDS];
	int n_ret = n_fields[sight];

	if (!scratch)
		return -ENOMEM;
	for (int i = 0; i < n_ret; i++) {
		size_t d = count_distinct(b, n, (enum box_field)i, scratch);
		int at = i;

		while (at > 0 && distinct[at - 1] < d) {
			distinct[at] = distinct[at - 1];
			ret[at] = ret[at - 1];
			at--;
		}
		distinct[at] = d;
		ret[at] = (enum box_field)i;
	}
	return n_ret;
}
