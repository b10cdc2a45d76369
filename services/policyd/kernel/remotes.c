/*
 * Table R: one route per remote network, so that a packet that starts here gets a source address its policy
 * knows.
 */
#include "policyd/kernel/remotes.h"

#include <errno.h>
#include <stdlib.h>

#include "policyd/conf.h"
#include "policyd/kernel/routes.h"

void remotes_fini(struct remotes *l)
{
	free(l->r);
	*l = (struct remotes){0};
}

struct locals {
	struct inet_addr *a;
	size_t n;
};

static int take_local(const struct nlmsghdr *h, void *arg)
{
	struct locals *l = arg;
	const struct ifaddrmsg *i = NLMSG_DATA(h);
	size_t len;
	const void *p;
	struct inet_addr *grown;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return 0;
	/* Nobody far away can answer to these, or soon not any more. */
	if (i->ifa_scope >= RT_SCOPE_LINK ||
	    i->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED))
		return 0;
	len = i->ifa_family == AF_INET ? 4 : 16;
	p = rtnl_attr(h, sizeof(*i), IFA_LOCAL, len);
	if (!p)
		p = rtnl_attr(h, sizeof(*i), IFA_ADDRESS, len);
	if (!p)
		return 0;
	grown = reallocarray(l->a, l->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->a = grown;
	l->a[l->n++] = inet_addr_from_bytes(p, len);
	return 0;
}

static int list_locals(struct rtnl *r, struct locals *ret)
{
	struct rtnl_msg m;

	rtnl_msg_init(&m, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	return rtnl_dump(r, &m, take_local, ret);
}

static struct inet_addr local_within(const struct locals *l, const struct inet_prefix *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (inet_prefix_contains(p, &l->a[i]))
			return l->a[i];
	return (struct inet_addr){0};
}

static bool wants_route(const struct policy *p)
{
	if (p->action != POLICY_IPSEC)
		return false;
	for (uint8_t i = 0; i < p->n_requests; i++)
		if (p->req[i].mode == IPSEC_TUNNEL)
			return true;
	return false;
}

static int by_destination(const void *a, const void *b)
{
	const struct remote *x = a, *y = b;
	int c = inet_addr_cmp(&x->dst.addr, &y->dst.addr);

	return c ? c : (int)x->dst.plen - (int)y->dst.plen;
}

static int by_destination_then_order(const void *a, const void *b)
{
	const struct remote *x = a, *y = b;
	int c = by_destination(a, b);

	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

/* Of several policies to one network the first with a source of ours decides. */
static void keep_first(struct remotes *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (kept && by_destination(&l->r[kept - 1], &l->r[i]) == 0) {
			if (!l->r[kept - 1].src.family)
				l->r[kept - 1].src = l->r[i].src;
			continue;
		}
		l->r[kept++] = l->r[i];
	}
	l->n = kept;
}

int remotes_of(struct rtnl *r, const struct spd *spd, struct remotes *ret)
{
	struct locals locals = {0};
	struct remotes l = {0};
	int err;

	*ret = l;
	if (!spd || !spd_count(spd, POLICY_OUT))
		return 0;
	err = list_locals(r, &locals);
	if (err == 0) {
		l.r = calloc(spd_count(spd, POLICY_OUT), sizeof(*l.r));
		err = l.r ? 0 : -ENOMEM;
	}
	for (const struct spd_entry *e = spd_first(spd, POLICY_OUT); err == 0 && e; e = spd_next(spd, e)) {
		const struct selector *s = &e->policy.sel;

		if (!wants_route(&e->policy))
			continue;
		l.r[l.n] = (struct remote){.dst = {.addr = inet_prefix_first(&s->dst), .plen = s->dst.plen},
		    .src = local_within(&locals, &s->src),
		    .order = (uint32_t)l.n};
		l.n++;
	}
	free(locals.a);
	if (err < 0) {
		remotes_fini(&l);
		return err;
	}
	qsort(l.r, l.n, sizeof(*l.r), by_destination_then_order);
	keep_first(&l);
	*ret = l;
	return 0;
}

static int send_remote(struct rtnl *r, const struct policyd_conf *c, uint16_t type, uint16_t flags, int index,
    const struct remote *x, bool with_src)
{
	struct rtnl_msg m;
	struct rtmsg *h = route_msg_init(&m, type, flags, x->dst.addr.family, c->rt_remotes);

	h->rtm_dst_len = x->dst.plen;
	if (type == RTM_DELROUTE)
		h->rtm_scope = RT_SCOPE_NOWHERE;
	if (x->dst.plen)
		rtnl_put(&m, RTA_DST, x->dst.addr.b, inet_addr_len(&x->dst.addr));
	if (index)
		rtnl_put_u32(&m, RTA_OIF, (uint32_t)index);
	if (with_src && x->src.family)
		rtnl_put(&m, RTA_PREFSRC, x->src.b, inet_addr_len(&x->src));
	return rtnl_request(r, &m);
}

int remotes_replace(struct rtnl *r, const struct policyd_conf *c, int index, const struct remotes *have,
    const struct remotes *want)
{
	size_t w = 0;
	int n_refused = 0;

	for (size_t i = 0; i < want->n && index; i++) {
		int err =
		    send_remote(r, c, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, index, &want->r[i], true);

		if (err < 0) /* the address may have gone meanwhile */
			err = send_remote(
			    r, c, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, index, &want->r[i], false);
		n_refused += err < 0;
	}
	for (size_t i = 0; i < have->n; i++) {
		while (w < want->n && by_destination(&want->r[w], &have->r[i]) < 0)
			w++;
		if (w == want->n || by_destination(&want->r[w], &have->r[i]) != 0)
			(void)send_remote(r, c, RTM_DELROUTE, 0, 0, &have->r[i], false);
	}
	return n_refused;
}
