/*
 * A list per direction keeps the order, hash tables find identities and numbers, and a small array per
 * direction knows where each priority in use ends: a file of ten thousand spdadd statements costs ten
 * thousand short steps whatever its priorities are.
 */
#include "ipsec/spd.h"

#include <errno.h>

#include "ipsec/selector.h"

enum { SPD_DIRS = POLICY_FWD + 1, SPD_BUCKETS_MIN = 64 };

/* The last entry of a priority. */
struct tail {
	int32_t priority;
	struct list *last;
};

/* In match order: larger priorities first. */
struct tails {
	struct tail *t;
	size_t n, room;
};

struct spd {
	struct list dirs[SPD_DIRS];
	struct tails tails[SPD_DIRS];
	size_t n[SPD_DIRS];
	size_t n_all, n_in_only;
	struct spd_entry **buckets, **by_id;
	size_t n_buckets; /* a power of two, of both */
};

/* Both tables in one piece. The caller links the entries again. */
static int buckets_new(struct spd *s, size_t n)
{
	struct spd_entry **p = calloc(2 * n, sizeof(struct spd_entry *));

	if (!p)
		return -ENOMEM;
	free(s->buckets);
	s->buckets = p;
	s->by_id = p + n;
	s->n_buckets = n;
	return 0;
}

int spd_new(struct spd **ret)
{
	AUTO_FREE struct spd *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (buckets_new(s, SPD_BUCKETS_MIN) < 0)
		return -ENOMEM;
	for (int d = 0; d < SPD_DIRS; d++)
		list_init(&s->dirs[d]);
	*ret = take_ptr(s);
	return 0;
}

struct spd *spd_free(struct spd *s)
{
	if (!s)
		return NULL;
	spd_clear(s);
	for (int d = 0; d < SPD_DIRS; d++)
		free(s->tails[d].t);
	free(s->buckets);
	free(s);
	return NULL;
}

/* FNV-1a. Only root fills the SPD, so nobody gains from collisions. */
static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h;
}

static uint64_t hash_prefix(uint64_t h, const struct inet_prefix *p)
{
	const struct inet_addr first = inet_prefix_first(p);

	h = hash_bytes(h, &p->plen, 1);
	return hash_bytes(h, first.b, inet_addr_len(&first));
}

static uint64_t hash_identity(enum policy_dir dir, const struct selector *sel)
{
	const uint16_t rest[] = {(uint16_t)dir, sel->proto, sel->sport, sel->dport, sel->misc};
	uint64_t h = 0xcbf29ce484222325ULL;

	h = hash_prefix(h, &sel->src);
	h = hash_prefix(h, &sel->dst);
	h = hash_bytes(h, rest, sizeof(rest));
	return h ^ h >> 32;
}

static struct spd_entry **bucket_of(const struct spd *s, enum policy_dir dir, const struct selector *sel)
{
	return &s->buckets[hash_identity(dir, sel) & (s->n_buckets - 1)];
}

static struct spd_entry **id_bucket_of(const struct spd *s, uint32_t id)
{
	return &s->by_id[id & (s->n_buckets - 1)];
}

static void hash_link(struct spd *s, struct spd_entry *e)
{
	struct spd_entry **at = bucket_of(s, e->policy.dir, &e->policy.sel);

	e->hash_next = *at;
	*at = e;
	at = id_bucket_of(s, e->policy.id);
	e->id_next = *at;
	*at = e;
}

static void hash_unlink(struct spd *s, const struct spd_entry *e)
{
	struct spd_entry **at = bucket_of(s, e->policy.dir, &e->policy.sel);

	while (*at != e)
		at = &(*at)->hash_next;
	*at = e->hash_next;
	at = id_bucket_of(s, e->policy.id);
	while (*at != e)
		at = &(*at)->id_next;
	*at = e->id_next;
}

static int hash_grow(struct spd *s)
{
	int r = buckets_new(s, s->n_buckets * 2);

	if (r < 0)
		return r;
	for (int d = 0; d < SPD_DIRS; d++)
		list_foreach (e, &s->dirs[d], struct spd_entry, in_list)
			hash_link(s, e);
	return 0;
}

struct spd_entry *spd_find_id(const struct spd *s, uint32_t id)
{
	struct spd_entry *e = id ? *id_bucket_of(s, id) : NULL;

	while (e && e->policy.id != id)
		e = e->id_next;
	return e;
}

struct spd_entry *spd_find(const struct spd *s, enum policy_dir dir, const struct selector *sel)
{
	for (struct spd_entry *e = *bucket_of(s, dir, sel); e; e = e->hash_next)
		if (e->policy.dir == dir && selector_equal(&e->policy.sel, sel))
			return e;
	return NULL;
}

/* The place of the priority in the array, or where it would have to be. */
static size_t tail_find(const struct tails *l, int32_t priority)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->t[mid].priority > priority)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool tail_is(const struct tails *l, size_t i, int32_t priority)
{
	return i < l->n && l->t[i].priority == priority;
}

static int tails_reserve(struct tails *l)
{
	size_t room = l->room ? 2 * l->room : 4;
	struct tail *t;

	if (l->n < l->room)
		return 0;
	t = reallocarray(l->t, room, sizeof(*t));
	if (!t)
		return -ENOMEM;
	l->t = t;
	l->room = room;
	return 0;
}

/* Behind all of the same or a larger priority. There is room for one more tail. */
static void order_link(struct spd *s, struct spd_entry *e)
{
	struct tails *l = &s->tails[e->policy.dir];
	size_t i = tail_find(l, e->policy.priority);
	struct list *after;

	if (tail_is(l, i, e->policy.priority)) {
		after = l->t[i].last;
	} else {
		after = i ? l->t[i - 1].last : &s->dirs[e->policy.dir];
		memmove(&l->t[i + 1], &l->t[i], (l->n++ - i) * sizeof(*l->t));
		l->t[i].priority = e->policy.priority;
	}
	list_insert_before(after->next, &e->in_list);
	l->t[i].last = &e->in_list;
}

static void order_unlink(struct spd *s, struct spd_entry *e)
{
	struct list *head = &s->dirs[e->policy.dir], *before = e->in_list.prev;
	struct tails *l = &s->tails[e->policy.dir];
	size_t i = tail_find(l, e->policy.priority);

	list_remove(&e->in_list);
	if (l->t[i].last != &e->in_list)
		return;
	l->t[i].last = before;
	if (before == head ||
	    list_entry(before, struct spd_entry, in_list)->policy.priority != e->policy.priority)
		memmove(&l->t[i], &l->t[i + 1], (--l->n - i) * sizeof(*l->t));
}

int spd_insert(struct spd *s, const struct policy *p, struct spd_entry **ret)
{
	return spd_insert_before(s, p, NULL, ret);
}

int spd_insert_before(struct spd *s, const struct policy *p, struct spd_entry *before, struct spd_entry **ret)
{
	struct spd_entry *e;
	int r;

	if (spd_find(s, p->dir, &p->sel))
		return -EEXIST;
	if (s->n_all >= s->n_buckets) {
		r = hash_grow(s);
		if (r < 0)
			return r;
	}
	r = tails_reserve(&s->tails[p->dir]);
	if (r < 0)
		return r;
	e = calloc(1, offsetof(struct spd_entry, policy) + policy_size(p));
	if (!e)
		return -ENOMEM;
	policy_copy(&e->policy, p);
	/* What stays behind it is still the last of its priority. */
	if (before)
		list_insert_before(&before->in_list, &e->in_list);
	else
		order_link(s, e);
	hash_link(s, e);
	s->n[p->dir]++;
	s->n_all++;
	s->n_in_only += p->in_only;
	if (ret)
		*ret = e;
	return 0;
}

void spd_remove(struct spd *s, struct spd_entry *e)
{
	hash_unlink(s, e);
	order_unlink(s, e);
	s->n[e->policy.dir]--;
	s->n_all--;
	s->n_in_only -= e->policy.in_only;
	free(e);
}

void spd_clear(struct spd *s)
{
	for (int d = 0; d < SPD_DIRS; d++)
		list_foreach_safe (e, tmp, &s->dirs[d], struct spd_entry, in_list)
			spd_remove(s, e);
}

int spd_clone(const struct spd *s, struct spd **ret)
{
	AUTO_SPD struct spd *c = NULL;
	struct spd_entry *copy;
	int r = spd_new(&c);

	for (int d = 0; r == 0 && d < SPD_DIRS; d++)
		list_foreach (e, &s->dirs[d], struct spd_entry, in_list) {
			r = spd_insert(c, &e->policy, &copy);
			if (r < 0)
				return r;
			copy->inherited = e->inherited;
			memcpy(copy->owner, e->owner, sizeof(copy->owner));
			copy->born_ms = e->born_ms;
			copy->used_ms = e->used_ms;
		}
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

struct spd_entry *spd_first(const struct spd *s, enum policy_dir dir)
{
	return list_is_empty(&s->dirs[dir]) ? NULL : list_entry(s->dirs[dir].next, struct spd_entry, in_list);
}

struct spd_entry *spd_next(const struct spd *s, const struct spd_entry *e)
{
	struct list *next = e->in_list.next;

	return next == &s->dirs[e->policy.dir] ? NULL : list_entry(next, struct spd_entry, in_list);
}

static const struct spd_entry *skip_in_only(const struct spd *s, const struct spd_entry *e)
{
	while (e && e->policy.in_only)
		e = spd_next(s, e);
	return e;
}

const struct spd_entry *spd_first_mirrored(const struct spd *s)
{
	return skip_in_only(s, spd_first(s, POLICY_IN));
}

const struct spd_entry *spd_next_mirrored(const struct spd *s, const struct spd_entry *e)
{
	return skip_in_only(s, spd_next(s, e));
}

size_t spd_count_in_only(const struct spd *s)
{
	return s->n_in_only;
}

size_t spd_count(const struct spd *s, enum policy_dir dir)
{
	return dir == POLICY_DIR_NONE ? s->n_all : s->n[dir];
}

struct spd_entry *spd_match(
    const struct spd *s, enum policy_dir dir, const struct packet_key *k, bool lenient)
{
	list_foreach (e, &s->dirs[dir], struct spd_entry, in_list)
		if (selector_match(&e->policy.sel, k, lenient))
			return e;
	return NULL;
}
