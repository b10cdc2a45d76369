/*
 * Policies have one prefix, one protocol and one port a side; so each pair of selectors that can meet is a
 * policy of its own, and a range is the prefixes that it is made of.
 */
#include <errno.h>

#include "config/native/compile.h"
#include "ipsec/selector.h"

enum { PLAN_POLICIES_MAX = 100000 };

uint32_t native_prefixes(const struct native_ts *t, const struct inet_addr *self, enum inet_family family,
    struct inet_prefix ret[NATIVE_PREFIXES_MAX])
{
	switch (t->kind) {
	case NATIVE_TS_ANY:
		ret[0] = (struct inet_prefix){.addr = {.family = family}};
		return 1;
	case NATIVE_TS_SELF:
		ret[0] = inet_prefix_host(self);
		return 1;
	case NATIVE_TS_PREFIX:
		ret[0] = (struct inet_prefix){t->first, t->plen};
		return 1;
	default:
		return inet_range_prefixes(&t->first, &t->last, ret, NATIVE_PREFIXES_MAX);
	}
}

static int add(struct native_plan *plan, const struct policy *p)
{
	struct policy *list = plan->policy;
	uint32_t room = plan->room ? plan->room * 2 : 16;

	if (plan->n_policies == PLAN_POLICIES_MAX)
		return -E2BIG;
	if (plan->n_policies == plan->room) {
		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		plan->policy = list;
		plan->room = room;
	}
	list[plan->n_policies++] = *p;
	return 0;
}

/* The same for packets in the other direction. */
static struct policy turned(const struct policy *out)
{
	struct policy in = *out;

	in.dir = POLICY_IN;
	in.sel.src = out->sel.dst;
	in.sel.dst = out->sel.src;
	in.sel.sport = out->sel.dport;
	in.sel.dport = out->sel.sport;
	for (uint8_t i = 0; i < in.n_requests; i++) {
		in.req[i].src = out->req[i].dst;
		in.req[i].dst = out->req[i].src;
	}
	return in;
}

/* Both directions, or the one that is wanted. */
static int add_both(struct native_plan *plan, const struct policy *out, enum policy_dir only)
{
	const struct policy in = turned(out);
	int r = only == POLICY_IN ? 0 : add(plan, out);

	return r < 0 || only == POLICY_OUT ? r : add(plan, &in);
}

static enum inet_family family_of(const struct native_ts *t, const struct inet_addr *self)
{
	if (t->kind == NATIVE_TS_PREFIX || t->kind == NATIVE_TS_RANGE)
		return t->first.family;
	return t->kind == NATIVE_TS_SELF ? self->family : INET_NONE;
}

struct pair {
	const struct native_ts *local, *remote;
	const struct inet_addr *local_self, *remote_self;
};

static int add_family(struct native_plan *plan, struct policy *p, const struct pair *x,
    enum inet_family family, enum policy_dir only)
{
	struct inet_prefix local[NATIVE_PREFIXES_MAX], remote[NATIVE_PREFIXES_MAX];
	uint32_t n = native_prefixes(x->local, x->local_self, family, local);
	uint32_t m = native_prefixes(x->remote, x->remote_self, family, remote);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		for (uint32_t k = 0; r == 0 && k < m; k++) {
			p->sel.src = local[i];
			p->sel.dst = remote[k];
			r = add_both(plan, p, only);
		}
	}
	return r;
}

/* `any` on both sides is all of both families, or of the tunnel's. */
static int add_pair(struct native_plan *plan, struct policy *p, const struct pair *x, enum policy_dir only)
{
	enum inet_family a = family_of(x->local, x->local_self), b = family_of(x->remote, x->remote_self);
	bool protos = x->local->proto == IPPROTO_ANY_ || x->remote->proto == IPPROTO_ANY_ ||
	              x->local->proto == x->remote->proto;
	int r;

	if ((a && b && a != b) || !protos)
		return 0;
	p->sel.proto = x->local->proto == IPPROTO_ANY_ ? x->remote->proto : x->local->proto;
	p->sel.sport = x->local->port;
	p->sel.dport = x->remote->port;
	if (a || b)
		return add_family(plan, p, x, a ? a : b, only);
	if (x->local_self)
		return add_family(plan, p, x, x->local_self->family, only);
	r = add_family(plan, p, x, INET_V4, only);
	return r < 0 ? r : add_family(plan, p, x, INET_V6, only);
}

static int add_sides(struct native_plan *plan, struct policy *p, const struct native_side *local,
    const struct native_side *remote, const struct pair *selves, enum policy_dir only)
{
	int r = 0;

	for (uint8_t i = 0; r == 0 && i < local->n; i++) {
		for (uint8_t k = 0; r == 0 && k < remote->n; k++) {
			struct pair x = *selves;

			x.local = &local->ts[i];
			x.remote = &remote->ts[k];
			r = add_pair(plan, p, &x, only);
		}
	}
	return r;
}

static struct policy_request request(enum ipsec_proto proto, enum ipsec_mode mode, enum policy_level level,
    const struct inet_addr *local, const struct inet_addr *remote)
{
	struct policy_request r = {.proto = proto, .mode = mode, .level = level};

	if (mode == IPSEC_TUNNEL) {
		r.src = *local;
		r.dst = *remote;
	}
	return r;
}

/* With compression the tunnel is inside of it, and the rest protects what came out. */
static void add_requests(struct policy *p, const struct native_child *k, const struct inet_addr *local,
    const struct inet_addr *remote)
{
	if (k->compress)
		p->req[p->n_requests++] = request(IPSEC_IPCOMP, k->mode, LEVEL_USE, local, remote);
	p->req[p->n_requests++] =
	    request(k->proto, k->compress ? IPSEC_TRANSPORT : k->mode, LEVEL_UNIQUE, local, remote);
}

int native_compile_tunnel(struct native_plan *plan, const struct native_child *k,
    const struct inet_addr *local, const struct inet_addr *remote)
{
	struct policy p = {.dir = POLICY_OUT, .action = POLICY_IPSEC};
	const struct pair selves = {.local_self = local, .remote_self = remote};

	add_requests(&p, k, local, remote);
	return add_sides(plan, &p, &k->local, &k->remote, &selves, POLICY_DIR_NONE);
}

int native_compile_plain(struct native_plan *plan, const struct native_policy *plain)
{
	struct policy p = {.dir = POLICY_OUT, .action = plain->action};
	const struct pair selves = {0};

	return add_sides(plan, &p, &plain->local, &plain->remote, &selves, plain->dir);
}
