/*
 * Every bound here is on what one client, or all of them, can make of the book. Who a client is, his ticket
 * says: the same after a reconnection, from wherever.
 */
#include "policyd/generated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "policyd/match.h"

_Static_assert((int)SPD_OWNER_LEN == (int)TICKET_OWNER_LEN, "the book keeps what the ticket says");

void generated_init(struct generated_set *g)
{
	*g = (struct generated_set){0};
	list_init(&g->all);
}

static void forget(struct generated_set *g, struct generated *x)
{
	list_remove(&x->node);
	g->n--;
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

/* Its client went with the boot, or cannot be told from others. */
static bool is_over(const struct spd_entry *x)
{
	static const uint8_t nobody[SPD_OWNER_LEN];

	return x->inherited || memcmp(x->owner, nobody, sizeof(nobody)) == 0;
}

/* The first one of this kind in the book; NULL: none is left. */
static const struct spd_entry *next_generated(
    const struct spd *spd, enum policy_dir d, const struct generated_set *g)
{
	for (const struct spd_entry *x = spd_first(spd, d); x; x = spd_next(spd, x))
		if (x->policy.generated && (is_over(x) || (d == POLICY_OUT && !find(g, x->policy.id))))
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
			struct generated *k = is_over(x) ? NULL : add(g);

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

static bool is_his(const struct spd_entry *x, const uint8_t *owner)
{
	return memcmp(x->owner, owner, sizeof(x->owner)) == 0;
}

/* An entry of the same traffic in one direction: none, or one that may be replaced. */
static int make_way(const struct spd *spd, const struct policy *p, const uint8_t *owner, struct err_text *e)
{
	const struct spd_entry *x = spd_find(spd, p->dir, &p->sel);

	if (!x)
		return 0;
	if (!x->policy.generated)
		return err_set(e, -EEXIST, "root has written policy %u for the same traffic", x->policy.id);
	return is_his(x, owner)
	           ? 0
	           : err_set(e, -EEXIST, "policy %u for the same traffic is another client's", x->policy.id);
}

static unsigned count_of(const struct generated_set *g, const struct spd *spd, const uint8_t *owner)
{
	unsigned n = 0;

	list_foreach (k, &g->all, struct generated, node) {
		const struct spd_entry *x = spd_find_id(spd, k->out_id);

		n += x && is_his(x, owner);
	}
	return n;
}

static bool same_request(const struct policy_request *a, const struct policy_request *b)
{
	return a->proto == b->proto && a->mode == b->mode && inet_addr_equal(&a->src, &b->src) &&
	       inet_addr_equal(&a->dst, &b->dst);
}

/* The pair that is there already, same in everything; NULL: there is none. */
static struct generated *find_same(
    const struct generated_set *g, const struct spd *spd, const struct generate_pair *p)
{
	const struct spd_entry *out = spd_find(spd, POLICY_OUT, &p->out.sel),
	                       *in = spd_find(spd, POLICY_IN, &p->in.sel);
	struct generated *k = out ? find(g, out->policy.id) : NULL;

	return k && in && k->in_id == in->policy.id && same_request(&out->policy.req[0], &p->out.req[0]) &&
	               same_request(&in->policy.req[0], &p->in.req[0])
	           ? k
	           : NULL;
}

static int put_one(
    struct book *b, const struct policy *p, const uint8_t *owner, uint32_t *ret_id, struct err_text *e)
{
	int r = book_put(b, p, true, ret_id, e);

	if (r == 0)
		memcpy(spd_find_id(b->spd, *ret_id)->owner, owner, SPD_OWNER_LEN);
	return r;
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
	uint8_t owner[TICKET_OWNER_LEN];
	struct generated *x;
	int r;

	ticket_owner(t, owner);
	r = make_way(b->spd, &p->out, owner, e);
	if (r == 0)
		r = make_way(b->spd, &p->in, owner, e);
	if (r < 0)
		return r;
	x = find_same(g, b->spd, p);
	if (x) {
		if (x->expires_ms < now_ms + GENERATED_NEW_MS)
			x->expires_ms = now_ms + GENERATED_NEW_MS;
		*ret_out_id = x->out_id;
		return 1;
	}
	if (g->n >= GENERATED_MAX || count_of(g, b->spd, owner) >= GENERATED_OF_ONE_MAX)
		return err_set(e, -ENOSPC, "%u policies are there for clients, %u for this one", g->n,
		    count_of(g, b->spd, owner));
	forget_replaced(g, b, p);
	x = add(g);
	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	r = put_one(b, &p->out, owner, &x->out_id, e);
	if (r == 0)
		r = put_one(b, &p->in, owner, &x->in_id, e);
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
