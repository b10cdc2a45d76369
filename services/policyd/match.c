/*
 * The exact comparison is the rule, and constant time; the second one walks the list. Policies that are not
 * `ipsec` are passed over in the walk: `none` for IKE's own port in front of everything is what files have,
 * and no reason to find nothing.
 */
#include "policyd/match.h"

struct selector match_mirror(const struct selector *s)
{
	struct selector m = *s;

	m.src = s->dst;
	m.dst = s->src;
	if (!s->misc) {
		m.sport = s->dport;
		m.dport = s->sport;
	}
	return m;
}

static bool same_or_any(uint16_t a, uint16_t b, uint16_t any)
{
	return a == b || a == any || b == any;
}

static bool contains(const struct selector *policy, const struct selector *hosts)
{
	return inet_prefix_contains(&policy->src, &hosts->src.addr) &&
	       inet_prefix_contains(&policy->dst, &hosts->dst.addr) &&
	       same_or_any(policy->proto, hosts->proto, IPPROTO_ANY_) &&
	       same_or_any(policy->sport, hosts->sport, SELECTOR_PORT_ANY) &&
	       same_or_any(policy->dport, hosts->dport, SELECTOR_PORT_ANY);
}

static bool is_host(const struct inet_prefix *p, const struct inet_addr *a)
{
	return inet_prefix_is_host(p) && inet_addr_equal(&p->addr, a);
}

const struct policy *match_policy(const struct spd *spd, enum policy_dir dir, const struct selector *sel,
    const struct inet_addr *src, const struct inet_addr *dst)
{
	const struct spd_entry *x = spd_find(spd, dir, sel);

	if (x && x->policy.action == POLICY_IPSEC)
		return &x->policy;
	if (!is_host(&sel->src, src) || !is_host(&sel->dst, dst))
		return NULL;
	for (x = spd_first(spd, dir); x; x = spd_next(spd, x))
		if (x->policy.action == POLICY_IPSEC && contains(&x->policy.sel, sel))
			return &x->policy;
	return NULL;
}

static bool prefix_within(const struct inet_prefix *part, const struct inet_prefix *whole)
{
	return part->plen >= whole->plen && inet_prefix_contains(whole, &part->addr);
}

static bool is_part(const struct selector *part, const struct selector *whole)
{
	return prefix_within(&part->src, &whole->src) && prefix_within(&part->dst, &whole->dst) &&
	       (whole->proto == IPPROTO_ANY_ || part->proto == whole->proto) &&
	       (whole->sport == SELECTOR_PORT_ANY || part->sport == whole->sport) &&
	       (whole->dport == SELECTOR_PORT_ANY || part->dport == whole->dport);
}

/* Requests without ends of their own are between the hosts that the policy is about. */
static bool is_between(const struct policy *p, const struct inet_addr *local, const struct inet_addr *remote)
{
	bool tunnel = false;

	for (uint8_t i = 0; i < p->n_requests; i++) {
		const struct policy_request *q = &p->req[i];

		if (q->src.family == INET_NONE)
			continue;
		if (!inet_addr_equal(&q->src, local) || !inet_addr_equal(&q->dst, remote))
			return false;
		tunnel = true;
	}
	return tunnel || (is_host(&p->sel.src, local) && is_host(&p->sel.dst, remote));
}

const struct policy *match_within(const struct spd *spd, const struct selector *sel,
    const struct inet_addr *local, const struct inet_addr *remote)
{
	for (const struct spd_entry *x = spd_first(spd, POLICY_OUT); x; x = spd_next(spd, x))
		if (x->policy.action == POLICY_IPSEC && is_part(&x->policy.sel, sel) &&
		    is_between(&x->policy, local, remote))
			return &x->policy;
	return NULL;
}
