/*
 * An owner is known again by his identity and his user, octet by octet: the same after a reconnection, from
 * wherever.
 */
#include "policyd/generated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "policyd/match.h"

enum { OWNER_MAX = 3 + IKE_ID_DATA_MAX + TICKET_USER_MAX };

void generated_init(struct generated_set *g)
{
	*g = (struct generated_set){0};
	list_init(&g->all);
}

static void forget(struct generated_set *g, struct generated *x)
{
	list_remove(&x->node);
	g->n--;
	free(x->owner);
	free(x);
}

void generated_fini(struct generated_set *g)
{
	list_foreach_safe (x, next, &g->all, struct generated, node)
		forget(g, x);
}

static struct generated *add(struct generated_set *g)
{
	struct generated *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	list_init(&x->node);
	list_append(&g->all, &x->node);
	g->n++;
	return x;
}

static struct generated *find(const struct generated_set *g, uint32_t out_id)
{
	list_foreach (x, &g->all, struct generated, node)
		if (x->out_id == out_id)
			return x;
	return NULL;
}

static void take_out(struct book *b, struct book *staged, uint32_t id)
{
	struct policy gone;

	(void)book_expire(b, id, &gone);
	if (staged)
		(void)book_expire(staged, id, &gone);
}

/* The first one of this kind in the book; NULL: none is left. */
static const struct spd_entry *next_generated(
    const struct spd *spd, enum policy_dir d, const struct generated_set *g)
{
	for (const struct spd_entry *x = spd_first(spd, d); x; x = spd_next(spd, x))
		if (x->policy.generated && (x->inherited || (d == POLICY_OUT && !find(g, x->policy.id))))
			return x;
	return NULL;
}

unsigned generated_adopt(struct generated_set *g, struct book *b, uint64_t now_ms)
{
	const struct spd_entry *x;
	unsigned n = 0;

	for (enum policy_dir d = POLICY_IN; d <= POLICY_OUT; d++)
		while ((x = next_generated(b->spd, d, g))) {
			const struct selector mirror = match_mirror(&x->policy.sel);
			const struct spd_entry *in = spd_find(b->spd, POLICY_IN, &mirror);
			struct generated *k = x->inherited ? NULL : add(g);

			if (!k) {
				take_out(b, NULL, x->policy.id);
				n++;
				continue;
			}
			k->out_id = x->policy.id;
			k->in_id = in ? in->policy.id : 0;
			k->expires_ms = now_ms + GENERATED_LIFE_MS;
		}
	return n;
}

/* Identity and user, each with what tells it from others; octets of it. */
static size_t owner_of(const struct ticket *t, uint8_t ret[OWNER_MAX])
{
	struct wr w = wr_init(ret, OWNER_MAX);

	wr_u8(&w, (uint8_t)t->id.kind);
	wr_u16(&w, t->id.len);
	wr_bytes(&w, t->id.data, t->id.len);
	wr_bytes(&w, t->user, strnlen(t->user, TICKET_USER_MAX));
	return wr_len(&w);
}

static bool is_his(const struct generated *k, const uint8_t *owner, size_t n)
{
	return k->owner && k->n_owner == n && memcmp(k->owner, owner, n) == 0;
}

/* An entry of the same traffic in one direction: none, or one that may be replaced. */
static int make_way(const struct generated_set *g, const struct spd *spd, const struct policy *p,
    const uint8_t *owner, size_t n_owner, struct err_text *e)
{
	const struct spd_entry *x = spd_find(spd, p->dir, &p->sel);

	if (!x)
		return 0;
	if (!x->policy.generated)
		return err_set(e, -EEXIST, "root has written policy %u for the same traffic", x->policy.id);
	list_foreach (k, &g->all, struct generated, node)
		if ((k->out_id == x->policy.id || k->in_id == x->policy.id) && k->owner &&
		    !is_his(k, owner, n_owner))
			return err_set(
			    e, -EEXIST, "policy %u for the same traffic is another client's", x->policy.id);
	return 0;
}

static unsigned count_of(const struct generated_set *g, const uint8_t *owner, size_t n_owner)
{
	unsigned n = 0;

	list_foreach (k, &g->all, struct generated, node)
		n += is_his(k, owner, n_owner);
	return n;
}

/* Those of the pairs whose entry a new one is about to replace. */
static void forget_replaced(struct generated_set *g, struct book *b, const struct generate_pair *p)
{
	const struct spd_entry *out = spd_find(b->spd, POLICY_OUT, &p->out.sel),
	                       *in = spd_find(b->spd, POLICY_IN, &p->in.sel);

	list_foreach_safe (k, next, &g->all, struct generated, node)
		if ((out && k->out_id == out->policy.id) || (in && k->in_id == in->policy.id)) {
			take_out(b, NULL, k->out_id);
			take_out(b, NULL, k->in_id);
			forget(g, k);
		}
}

int generated_put(struct generated_set *g, struct book *b, const struct ticket *t,
    const struct generate_pair *p, uint64_t now_ms, uint32_t *ret_out_id, struct err_text *e)
{
	uint8_t owner[OWNER_MAX];
	size_t n_owner = owner_of(t, owner);
	struct generated *x;
	int r = make_way(g, b->spd, &p->out, owner, n_owner, e);

	if (r == 0)
		r = make_way(g, b->spd, &p->in, owner, n_owner, e);
	if (r < 0)
		return r;
	if (g->n >= GENERATED_MAX || count_of(g, owner, n_owner) >= GENERATED_OF_ONE_MAX)
		return err_set(e, -ENOSPC, "%u policies are there for clients, %u for this one", g->n,
		    count_of(g, owner, n_owner));
	forget_replaced(g, b, p);
	x = add(g);
	if (x)
		x->owner = malloc(n_owner);
	if (!x || !x->owner) {
		if (x)
			forget(g, x);
		return err_set(e, -ENOMEM, "out of memory");
	}
	memcpy(x->owner, owner, n_owner);
	x->n_owner = n_owner;
	r = book_put(b, &p->out, true, &x->out_id, e);
	if (r == 0)
		r = book_put(b, &p->in, true, &x->in_id, e);
	if (r < 0) {
		take_out(b, NULL, x->out_id);
		forget(g, x);
		return r;
	}
	x->expires_ms = now_ms + GENERATED_NEW_MS;
	*ret_out_id = x->out_id;
	return 0;
}

bool generated_drop(struct generated_set *g, struct book *b, struct book *staged, uint32_t out_id)
{
	struct generated *x = find(g, out_id);

	if (!x)
		return false;
	take_out(b, staged, x->out_id);
	take_out(b, staged, x->in_id);
	forget(g, x);
	return true;
}

void generated_used(struct generated_set *g, uint32_t out_id, uint64_t now_ms)
{
	struct generated *x = find(g, out_id);

	if (x)
		x->expires_ms = now_ms + GENERATED_LIFE_MS;
}

unsigned generated_expire(struct generated_set *g, struct book *b, struct book *staged, uint64_t now_ms)
{
	unsigned n = 0;

	list_foreach_safe (x, next, &g->all, struct generated, node) {
		bool there = spd_find_id(b->spd, x->out_id);

		if (there && now_ms < x->expires_ms)
			continue;
		n += there;
		(void)generated_drop(g, b, staged, x->out_id);
	}
	return n;
}

uint64_t generated_next_ms(const struct generated_set *g)
{
	uint64_t next = UINT64_MAX;

	list_foreach (x, &g->all, struct generated, node)
		next = x->expires_ms < next ? x->expires_ms : next;
	return next;
}
