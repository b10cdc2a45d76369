/*
 * The configuration says which policies are one child's (`set`); each is asked of policyd before it is named
 * to the peer, or taken from what the peer names, because only a policy lets packets through. What the peer
 * leaves out has no SAs then: the next packet of it begins a pair for what no child serves yet, so that it
 * comes to an end however little a peer takes at a time.
 */
#include "keyd/ike2/pair_more.h"

#include <errno.h>
#include <stdlib.h>

#include "keyd/core/news.h"
#include "keyd/core/upkeep.h"

/* --- the configuration's sets --- */

static bool is_peers(const struct ikesa *sa, const struct ike_child *k)
{
	return k->remoteid == ike2_peer(sa)->ph1id;
}

static uint32_t set_of(const struct ikesa *sa, const struct selector *sel)
{
	const struct ike_conf *c = sa->conf->c;
	struct selector s;

	for (uint32_t i = 0; i < c->n_children; i++)
		if (c->child[i].set && is_peers(sa, &c->child[i]) && ike_child_selector(&c->child[i], &s) &&
		    selector_equal(&s, sel))
			return c->child[i].set;
	return 0;
}

static bool is_unique(const struct policy *p)
{
	return p->n_requests && p->req[p->n_requests - 1].level == LEVEL_UNIQUE;
}

/* Level `require` takes any SA, and so would send what was not agreed on. */
static bool may_have_more(const struct ike2_pair *p)
{
	return p->conf->set && !p->alone && !p->sa->single && p->has_in && is_unique(&p->out) &&
	       is_unique(&p->in);
}

/* The first policy's selector and then those of its set. How many. */
static uint16_t list_set(const struct ike2_pair *p, struct selector ret[IKE_SET_MAX])
{
	const struct ike_conf *c = p->held->c;
	uint16_t n = 0;

	ret[n++] = p->out.sel;
	for (uint32_t i = 0; i < c->n_children && n < IKE_SET_MAX; i++) {
		const struct ike_child *k = &c->child[i];

		if (k->set == p->conf->set && is_peers(p->sa, k) && ike_child_selector(k, &ret[n]) &&
		    !selector_equal(&ret[n], &p->out.sel))
			n++;
	}
	return n;
}

/* --- what goes with the first policy --- */

static bool in_transport(const struct ike2_pair *p)
{
	for (uint8_t i = 0; i < p->n_parts; i++)
		if (p->part[i].mode == IPSEC_TUNNEL)
			return false;
	return true;
}

/* In transport mode the SA is of two hosts, however many the policy names. */
static struct selector between_hosts(const struct ikesa *sa, const struct selector *policy)
{
	struct selector s = *policy;

	s.src = inet_prefix_host(&sa->path.local);
	s.dst = inet_prefix_host(&sa->path.remote);
	return s;
}

static struct selector as_said(const struct ike2_pair *p, const struct selector *policy)
{
	return in_transport(p) ? between_hosts(p->sa, policy) : *policy;
}

static bool is_served(const struct ikesa *sa, const struct selector *sel)
{
	list_foreach (k, &sa->core->children, struct child, node)
		if (k->owner == sa && !k->replaced && !k->told && child_serves_selector(k, sel))
			return true;
	return false;
}

/* I: a renewal is for what there was (section 2.9.2); else for all that has no SAs. */
static void choose_wanted(const struct ike2_pair *p, const struct selector *sel, uint16_t n, bool *taken)
{
	for (uint16_t i = 0; i < n; i++)
		taken[i] =
		    !i || (p->old ? child_serves_selector(p->old, &sel[i]) : !is_served(p->sa, &sel[i]));
}

static void choose_offered(const struct ike2_pair *p, const struct selector *sel, uint16_t n, bool *taken)
{
	struct selector said[IKE_SET_MAX];

	for (uint16_t i = 0; i < n; i++)
		said[i] = as_said(p, &sel[i]);
	(void)selectors_narrow(&p->ts, said, n, taken);
}

/* Those that policyd will be asked for. 0 or -ENOMEM. */
static int list_more(struct ike2_pair *p)
{
	struct selector sel[IKE_SET_MAX];
	bool taken[IKE_SET_MAX];
	uint16_t n = list_set(p, sel);

	if (n == 1)
		return 0;
	if (p->initiator)
		choose_wanted(p, sel, n, taken);
	else
		choose_offered(p, sel, n, taken);
	p->more = calloc(n - 1U, sizeof(*p->more));
	if (!p->more)
		return -ENOMEM;
	for (uint16_t i = 1; i < n; i++)
		if (taken[i])
			p->more[p->n_more++].sel = sel[i];
	return 0;
}

static void drop_unknown(struct ike2_pair *p)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < p->n_more; i++)
		if (p->more[i].policy)
			p->more[n++] = p->more[i];
	p->n_more = n;
}

static void ask_next(struct ike2_pair *p);

/* What is not there, or asks for other SAs, stays out. */
static void on_more(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = container_of(w, struct ike2_pair, wait);
	struct pair_more *m = &p->more[p->more_at++];

	if (r->result < 0) {
		pair_fail(p, 0, "policyd does not answer: %s", r->why);
		return;
	}
	if (r->out && r->in && selector_equal(&r->out->sel, &m->sel) &&
	    policy_same_requests(r->out, &p->out) && policy_same_requests(r->in, &p->in)) {
		m->policy = r->out->id;
		for (uint8_t i = 0; i < p->out.n_requests; i++) {
			m->reqid_out[i] = r->out->req[i].reqid;
			m->reqid_in[i] = r->in->req[i].reqid;
		}
	}
	ask_next(p);
}

static void ask_next(struct ike2_pair *p)
{
	struct core *c = p->sa->core;
	int r;

	if (p->more_at == p->n_more) {
		drop_unknown(p);
		p->gathered = true;
		p->then(p);
		return;
	}
	r = c->ports.match(c->ports.arg, parking_enter(&c->parking, &p->wait, on_more),
	    &p->more[p->more_at].sel, &p->sa->path, false);
	if (r < 0)
		pair_fail(p, 0, "policyd cannot be asked: %s", err_name(r));
}

void pair_ask_more(struct ike2_pair *p, pair_fn then)
{
	p->then = then;
	if (may_have_more(p) && list_more(p) < 0)
		pair_fail(p, 0, "out of memory");
	else
		ask_next(p);
}

/* --- on the wire --- */

/* A child of the configuration has at most as many different ones as lists have room for. */
void pair_lists(const struct ike2_pair *p, struct selectors *ret)
{
	struct selector s = as_said(p, &p->out.sel);

	*ret = (struct selectors){0};
	(void)!selectors_add(ret, &s);
	for (uint16_t i = 0; i < p->n_more; i++) {
		s = as_said(p, &p->more[i].sel);
		(void)!selectors_add(ret, &s);
	}
}

static bool is_inside(const struct inet_prefix *side, const struct inet_addr *end)
{
	return inet_prefix_contains(side, end);
}

/* R: what the policy of this child would be on the wire. False: it is for other hosts. */
static bool say_child(const struct ike2_pair *p, const struct selector *policy, struct selector *ret)
{
	*ret = *policy;
	if (!p->transport)
		return true;
	if (!is_inside(&policy->src, &p->sa->path.local) || !is_inside(&policy->dst, &p->sa->path.remote))
		return false;
	*ret = between_hosts(p->sa, policy);
	return true;
}

bool pair_choose_own(const struct ike2_pair *p, struct selector *ret)
{
	enum { WAS_THERE = 4 }; /* what a renewal is about comes before all else */
	const struct ike_conf *c = p->sa->conf->c;
	struct selector sel, said;
	unsigned best = 0;

	for (uint32_t i = 0; i < c->n_children; i++) {
		unsigned rank;

		if (!is_peers(p->sa, &c->child[i]) || !ike_child_selector(&c->child[i], &sel) ||
		    !say_child(p, &sel, &said) || !selectors_have(&p->ts, &said))
			continue;
		rank = 1 + selectors_rank(&p->ts, &said);
		if (p->old && child_serves_selector(p->old, &sel))
			rank += WAS_THERE;
		if (rank <= best)
			continue;
		best = rank;
		*ret = sel;
	}
	return best > 0;
}

/* Which of the policy's requests a part is for: compression may have been left out. */
static uint8_t request_of(const struct ike2_pair *p, uint8_t part)
{
	return (uint8_t)(p->out.n_requests - p->n_parts + part);
}

static void swap_reqids(struct ike2_pair *p, struct pair_more *m)
{
	for (uint8_t i = 0; i < p->n_parts; i++) {
		struct pair_part *x = &p->part[i];

		x->reqid_in = x->reqid_in ? m->reqid_in[request_of(p, i)] : 0;
		x->reqid_out = x->reqid_out ? m->reqid_out[request_of(p, i)] : 0;
	}
	for (uint8_t i = 0; i < p->out.n_requests; i++) {
		p->out.req[i].reqid = m->reqid_out[i];
		p->in.req[i].reqid = m->reqid_in[i];
	}
}

/* The first policy is left out: another one takes its place, and whoever wanted it waits on. */
static void put_first(struct ike2_pair *p, uint16_t at)
{
	const struct policy was = p->out;
	uint64_t acquire = p->acquire;

	p->acquire = 0;
	p->out.id = p->more[at].policy;
	p->out.sel = p->more[at].sel;
	swap_reqids(p, &p->more[at]);
	p->more[at] = p->more[--p->n_more];
	pair_join(p, &was, acquire);
}

bool pair_keep_agreed(struct ike2_pair *p, const struct selectors *l)
{
	struct selector said = as_said(p, &p->out.sel);
	bool first = selectors_have(l, &said);
	uint16_t n = 0;

	for (uint16_t i = 0; i < p->n_more; i++) {
		said = as_said(p, &p->more[i].sel);
		if (selectors_have(l, &said))
			p->more[n++] = p->more[i];
	}
	p->n_more = n;
	if (!first && n)
		put_first(p, 0);
	return first || n;
}

/* --- for the SAs --- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

size_t pair_more_policies(const struct ike2_pair *p, uint32_t ret[SA_MORE_MAX])
{
	size_t n = 0;

	for (uint16_t i = 0; i < p->n_more; i++)
		ret[n++] = p->more[i].policy;
	qsort(ret, n, sizeof(ret[0]), by_number);
	return n;
}

/* Two policies may be bound to the same number, and a part without one is everybody's. */
size_t pair_more_reqids(const struct ike2_pair *p, uint8_t i, bool inbound, uint32_t ret[SA_MORE_MAX])
{
	uint32_t own = inbound ? p->part[i].reqid_in : p->part[i].reqid_out;
	uint8_t request = request_of(p, i);
	size_t n = 0, kept = 0;

	for (uint16_t k = 0; own && k < p->n_more; k++) {
		uint32_t reqid = inbound ? p->more[k].reqid_in[request] : p->more[k].reqid_out[request];

		if (reqid && reqid != own)
			ret[n++] = reqid;
	}
	qsort(ret, n, sizeof(ret[0]), by_number);
	for (size_t k = 0; k < n; k++)
		if (!kept || ret[k] != ret[kept - 1])
			ret[kept++] = ret[k];
	return kept;
}

static struct ike_row_also row_of(const struct pair_more *m)
{
	return (struct ike_row_also){.policy = m->policy, .sel = m->sel};
}

void pair_show_more(const struct ike2_pair *p, core_row_fn fn, void *arg)
{
	for (uint16_t i = 0; i < p->n_more; i++) {
		const struct ike_row_also row = row_of(&p->more[i]);

		fn(arg, &(struct ike_row){.also = &row});
	}
}

struct ike_row_also *pair_more_rows(const struct ike2_pair *p)
{
	struct ike_row_also *rows = p->n_more ? calloc(p->n_more, sizeof(*rows)) : NULL;

	for (uint16_t i = 0; rows && i < p->n_more; i++)
		rows[i] = row_of(&p->more[i]);
	return rows;
}

/* --- who waits --- */

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

static void move_wishes(struct list *from, struct list *to)
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
	move_wishes(&p->wishes, ret);
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
	move_wishes(&p->wishes, &wishes);
	pair_drop(p);
	if (ike2_is_up(sa))
		pair_begin(q, false, pair_ask_in_turn);
	pair_wishes_again(sa, &wishes);
	return true;
}
