/*
 * The configuration says which policies are one child's (`set`); each is asked of policyd before it is named
 * to the peer, or taken from what the peer names, because only a policy lets packets through. What the peer
 * leaves out has no SAs then: the next packet of it begins a pair for what no child serves yet, so that it
 * comes to an end however little a peer takes at a time.
 */
#include "keyd/ike2/pair_more.h"

#include <errno.h>
#include <stdlib.h>

/* --- the configuration's sets --- */

static bool is_peers(const struct ikesa *sa, const struct ike_child *k)
{
	return k->remoteid == ike2_peer(sa)->ph1id;
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
	list_foreach (k, core_of_peer(sa->core->by_peer, &sa->path.remote), struct child, by_peer)
		if (k->owner == sa && !k->replaced && !k->told && child_serves_selector(k, sel))
			return true;
	return false;
}

/* A set's policies as they are, and as they are said to the peer. */
struct set {
	struct selector sel[IKE_SET_MAX], said[IKE_SET_MAX];
	bool taken[IKE_SET_MAX];
	uint16_t n;
};

static bool same_side(const struct selector *a, const struct selector *b, bool local)
{
	if (a->proto != b->proto)
		return false;
	return local ? a->sport == b->sport && inet_prefix_equal(&a->src, &b->src)
	             : a->dport == b->dport && inet_prefix_equal(&a->dst, &b->dst);
}

static void put_taken(const struct set *s, struct selectors *ret)
{
	*ret = (struct selectors){0};
	for (uint16_t i = 0; i < s->n; i++)
		if (s->taken[i])
			(void)!selectors_add(ret, &s->said[i]);
}

/* Whether the lists of what is taken name nothing of the others. */
static bool is_clean(const struct set *s)
{
	struct selectors all;
	bool clean = true;

	put_taken(s, &all);
	for (uint16_t i = 0; clean && i < s->n; i++)
		clean = s->taken[i] || !selectors_touch(&all, &s->said[i]);
	return clean;
}

/* Of what has no SAs: all, or those that share a side with the first one, or that one alone. */
enum like { LIKE_ANY, LIKE_LOCAL, LIKE_REMOTE, LIKE_NONE };

static bool is_like(const struct set *s, uint16_t i, enum like like)
{
	if (!i || like == LIKE_ANY)
		return true;
	return like != LIKE_NONE && same_side(&s->sel[0], &s->sel[i], like == LIKE_LOCAL);
}

/* I: what has no SAs, as far as it can be said without naming what has some: else the peer could send that
 * through this pair, and take it in place of the one that was wanted. */
static void choose_unserved(const struct ike2_pair *p, struct set *s)
{
	bool unserved[IKE_SET_MAX];

	for (uint16_t i = 0; i < s->n; i++)
		unserved[i] = !i || !is_served(p->sa, &s->sel[i]);
	for (enum like like = LIKE_ANY; like <= LIKE_NONE; like++) {
		for (uint16_t i = 0; i < s->n; i++)
			s->taken[i] = unserved[i] && is_like(s, i, like);
		if (is_clean(s))
			return;
	}
}

/* I: what there was (section 2.9.2), with what the lists of that name besides. */
static void choose_renewed(const struct ike2_pair *p, struct set *s)
{
	struct selectors all;

	for (uint16_t i = 0; i < s->n; i++)
		s->taken[i] = !i || child_serves_selector(p->old, &s->sel[i]);
	put_taken(s, &all);
	for (uint16_t i = 0; i < s->n; i++)
		s->taken[i] |= selectors_have(&all, &s->said[i]);
}

/* Those that policyd will be asked for. 0 or -ENOMEM. */
static int list_more(struct ike2_pair *p)
{
	struct set s;

	s.n = list_set(p, s.sel);
	if (s.n == 1)
		return 0;
	for (uint16_t i = 0; i < s.n; i++)
		s.said[i] = as_said(p, &s.sel[i]);
	if (p->initiator && p->old)
		choose_renewed(p, &s);
	else if (p->initiator)
		choose_unserved(p, &s);
	else
		(void)selectors_narrow(&p->ts, s.said, s.n, s.taken);
	p->more = calloc(s.n - 1U, sizeof(*p->more));
	if (!p->more)
		return -ENOMEM;
	for (uint16_t i = 1; i < s.n; i++)
		if (s.taken[i])
			p->more[p->n_more++].sel = s.sel[i];
	return 0;
}

/* Whether the lists reach into a policy that asks for other SAs: the peer would send through this pair what
 * is let in through others only. */
static bool is_mixed(const struct ike2_pair *p)
{
	struct selectors l = {0};
	bool mixed = false;

	for (uint16_t i = 0; i <= p->n_more; i++) {
		const struct selector said = as_said(p, i ? &p->more[i - 1].sel : &p->out.sel);

		if (!i || p->more[i - 1].policy)
			(void)!selectors_add(&l, &said);
	}
	for (uint16_t i = 0; i < p->n_more && !mixed; i++) {
		const struct selector said = as_said(p, &p->more[i].sel);

		mixed = p->more[i].differs && selectors_touch(&l, &said);
	}
	return mixed;
}

/* A policy that is not there lets nothing through, whatever the lists say. */
static void keep_known(struct ike2_pair *p)
{
	uint16_t n = 0;

	if (is_mixed(p))
		p->n_more = 0;
	for (uint16_t i = 0; i < p->n_more; i++)
		if (p->more[i].policy)
			p->more[n++] = p->more[i];
	p->n_more = n;
}

static void ask_next(struct ike2_pair *p);

static bool asks_the_same(const struct ike2_pair *p, const struct core_reply *r)
{
	return r->out && r->in && policy_same_requests(r->out, &p->out) &&
	       policy_same_requests(r->in, &p->in);
}

static void on_more(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = container_of(w, struct ike2_pair, wait);
	struct pair_more *m = &p->more[p->more_at++];

	if (r->result < 0) {
		pair_fail(p, 0, "policyd does not answer: %s", r->why);
		return;
	}
	if (r->out && selector_equal(&r->out->sel, &m->sel) && !asks_the_same(p, r)) {
		m->differs = true;
	} else if (r->out && selector_equal(&r->out->sel, &m->sel)) {
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
		keep_known(p);
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

bool pair_choose_own(struct ike2_pair *p, struct selector *ret)
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

bool pair_keep_agreed(struct ike2_pair *p, struct selectors *l)
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

size_t pair_more_policies(const struct ike2_pair *p, uint32_t ret[SA_MORE_MAX])
{
	size_t n = 0;

	for (uint16_t i = 0; i < p->n_more; i++)
		ret[n++] = p->more[i].policy;
	return sa_reqids_sort(ret, n);
}

/* Two policies may be bound to the same number, and a part without one is everybody's. */
size_t pair_more_reqids(const struct ike2_pair *p, uint8_t i, bool inbound, uint32_t ret[SA_MORE_MAX])
{
	uint32_t own = inbound ? p->part[i].reqid_in : p->part[i].reqid_out;
	uint8_t request = request_of(p, i);
	size_t n = 0;

	for (uint16_t k = 0; own && k < p->n_more; k++) {
		uint32_t reqid = inbound ? p->more[k].reqid_in[request] : p->more[k].reqid_out[request];

		if (reqid && reqid != own)
			ret[n++] = reqid;
	}
	return sa_reqids_sort(ret, n);
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
