/*
 * Whoever wants a policy's SAs waits at the pair that they may come of, under its own policy or another
 * one's, and goes on by himself when they do not.
 */
#include "keyd/ike2/pair_more.h"

#include <stdlib.h>

#include "keyd/core/news.h"

static uint32_t set_of(const struct ikesa *sa, const struct selector *sel)
{
	const struct ike_conf *c = sa->conf->c;
	struct selector s;

	for (uint32_t i = 0; i < c->n_children; i++)
		if (c->child[i].set && c->child[i].remoteid == ike2_peer(sa)->ph1id &&
		    ike_child_selector(&c->child[i], &s) && selector_equal(&s, sel))
			return c->child[i].set;
	return 0;
}

static struct pair_wish *find_wish(const struct ike2_pair *p, uint32_t policy_id)
{
	list_foreach (w, &p->wishes, struct pair_wish, node)
		if (w->policy == policy_id)
			return w;
	return NULL;
}

bool pair_is_for(const struct ike2_pair *p, uint32_t policy_id)
{
	for (uint16_t i = 0; i < p->n_more; i++)
		if (p->more[i].policy == policy_id)
			return true;
	return p->out.id == policy_id || find_wish(p, policy_id);
}

/* Before policyd has been asked nothing but the configuration tells whose it will be. */
static bool will_be_for(const struct ike2_pair *p, const struct policy *out, uint32_t set)
{
	if (!p->initiator || p->gathered || p->alone || p->sa->single || !set)
		return false;
	return set_of(p->sa, &p->out.sel) == set && (!p->old || child_serves(p->old, out->id));
}

struct ike2_pair *pair_to_join(struct ikesa *sa, const struct policy *out)
{
	uint32_t set = set_of(sa, &out->sel);

	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		if (p->initiator && (pair_is_for(p, out->id) || will_be_for(p, out, set)))
			return p;
	return NULL;
}

/* One packet's wish is enough for a policy: policyd has its own list of the others. */
void pair_join(struct ike2_pair *p, const struct policy *out, uint64_t acquire)
{
	struct core *c = p->sa->core;
	struct pair_wish *w = find_wish(p, out->id);
	uint64_t *to = p->out.id == out->id ? &p->acquire : w ? &w->acquire : NULL;

	if (!to) {
		w = calloc(1, sizeof(*w));
		if (w) {
			*w = (struct pair_wish){.policy = out->id, .sel = out->sel};
			list_init(&w->node);
			list_append(&p->wishes, &w->node);
			to = &w->acquire;
		}
	}
	if (to && !*to)
		*to = acquire;
	else if (acquire)
		c->ports.acquire_done(c->ports.arg, acquire, false);
}

bool pair_want(struct ikesa *sa, const struct policy *out, uint64_t acquire, struct child *old)
{
	struct ike2_pair *p = pair_to_join(sa, out);

	if (p) {
		pair_join(p, out, acquire);
		return true;
	}
	p = pair_new(sa, true);
	if (!p)
		return false;
	p->acquire = acquire;
	p->out = *out;
	p->old = old;
	if (ike2_is_up(sa))
		pair_begin(p, false, pair_ask_in_turn);
	return true;
}

static void forget_wish(struct pair_wish *w)
{
	list_remove(&w->node);
	free(w);
}

void pair_wishes_fail(struct ike2_pair *p, const char *why)
{
	struct core *c = p->sa->core;

	list_foreach_safe (w, next, &p->wishes, struct pair_wish, node) {
		news_policy_failed(c, &p->sa->path.remote, w->policy, ike2_is_up(p->sa), why);
		if (w->acquire)
			c->ports.acquire_done(c->ports.arg, w->acquire, false);
		forget_wish(w);
	}
}

void pair_wishes_move(struct list *from, struct list *to)
{
	list_foreach_safe (w, next, from, struct pair_wish, node) {
		list_remove(&w->node);
		list_append(to, &w->node);
	}
}

void pair_wishes_settle(struct ike2_pair *p, const struct child *k, struct list *ret)
{
	struct core *c = p->sa->core;

	list_init(ret);
	list_foreach_safe (w, next, &p->wishes, struct pair_wish, node) {
		if (!child_serves(k, w->policy))
			continue;
		if (w->acquire)
			c->ports.acquire_done(c->ports.arg, w->acquire, true);
		forget_wish(w);
	}
	pair_wishes_move(&p->wishes, ret);
}

void pair_wishes_again(struct ikesa *sa, struct list *wishes)
{
	struct core *c = sa->core;

	list_foreach_safe (w, next, wishes, struct pair_wish, node) {
		const struct policy out = {.id = w->policy, .sel = w->sel};
		uint64_t acquire = w->acquire;

		forget_wish(w);
		if (!pair_want(sa, &out, acquire, NULL) && acquire)
			c->ports.acquire_done(c->ports.arg, acquire, false);
	}
}

/* The others that are waited for are asked for by themselves, too. */
bool pair_again_alone(struct ike2_pair *p, uint16_t notify)
{
	struct ikesa *sa = p->sa;
	struct ike2_pair *q;
	struct list wishes;

	if (!p->n_more || (notify != IKE2_N_SINGLE_PAIR_REQUIRED && notify != IKE2_N_TS_UNACCEPTABLE))
		return false;
	q = pair_new(sa, true);
	if (!q)
		return false;
	core_trace(sa->core, "child.alone",
	    "the peer takes no several selectors at once: one of %u is asked for", p->n_more + 1);
	sa->single |= notify == IKE2_N_SINGLE_PAIR_REQUIRED;
	q->alone = true;
	q->out = p->out;
	q->old = p->old;
	q->acquire = p->acquire;
	p->acquire = 0;
	list_init(&wishes);
	pair_wishes_move(&p->wishes, &wishes);
	pair_drop(p);
	if (ike2_is_up(sa))
		pair_begin(q, false, pair_ask_in_turn);
	pair_wishes_again(sa, &wishes);
	return true;
}
