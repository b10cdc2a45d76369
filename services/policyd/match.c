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
