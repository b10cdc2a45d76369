/*
 * Inbound, the end: what came out is held against the policy for it (RFC 4301 section 5.2 step 4).
 */
#include "datapathd/stage/fit.h"

static bool same_ends(const struct sa_rt *sa, const struct policy_request *q)
{
	return inet_addr_equal(&sa->src, &q->src) && inet_addr_equal(&sa->dst, &q->dst);
}

static bool meets(const struct applied *a, const struct policy_request *q, enum policy_level level)
{
	if (a->sa->proto != q->proto || a->mode != q->mode)
		return false;
	if (level == LEVEL_UNIQUE && a->sa->reqid != q->reqid)
		return false;
	if (q->dst_port && (a->sa->encap.sport != q->src_port || a->sa->encap.dport != q->dst_port))
		return false;
	return q->mode != IPSEC_TUNNEL || same_ends(a->sa, q);
}

/*
 * Each demand is met by a header of its own; protection beyond the demands never hurts (setkey.md 8.7). Compression is
 * no protection, and a sender leaves it out where it gains nothing (RFC 3173 section 2.2): it is never demanded.
 */
static bool satisfied(const struct spd_rule *r, const struct pkt *p)
{
	uint32_t used = 0;

	for (uint8_t i = 0; i < r->p.n_requests; i++) {
		uint8_t j = 0;

		if (r->level[i] == LEVEL_USE || r->p.req[i].proto == IPSEC_IPCOMP)
			continue;
		while (
		    j < p->n_applied && (used >> j & 1 || !meets(&p->applied[j], &r->p.req[i], r->level[i])))
			j++;
		if (j == p->n_applied)
			return false;
		used |= 1u << j;
	}
	return true;
}

static bool came_by_tunnel(const struct pkt *p)
{
	for (uint8_t i = 0; i < p->n_applied; i++)
		if (p->applied[i].mode == IPSEC_TUNNEL)
			return true;
	return false;
}

static void policy_in(struct path *c, struct pkt *p)
{
	struct spd_rule *r;
	struct ip_view v;

	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK) {
		stage_drop(c->counters, p, DROP_IN_INNER);
		return;
	}
	p->fragment = v.is_frag;
	ip_packet_key(&v, &p->key);
	path_fragment_key(&c->in_frags, &v, &p->key, c->now_ms);
	r = path_match(c, &p->key, false);
	if (!r && came_by_tunnel(p)) {
		stage_drop(c->counters, p, DROP_IN_NOPOLICY);
	} else if (r && r->cls == POLICY_CLASS_DISCARD) {
		stage_drop(c->counters, p, DROP_IN_DISCARD);
	} else if (r && r->cls == POLICY_CLASS_PROTECT && !satisfied(r, p)) {
		stage_drop(c->counters, p, DROP_IN_UNPROTECTED);
	} else {
		p->verdict = VERDICT_DELIVER;
		fit_inbound(c, p, &v);
	}
}

void stage_policy_in(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->peeled) policy_in(c, p);
}
