/*
 * Inbound, the end: what came out is held against the policy for it (RFC 4301 section 5.2 step 4).
 */
#include <string.h>

#include "datapathd/stage/fit.h"

static bool same_ends(const struct sa_rt *sa, const struct policy_request *q)
{
	return inet_addr_equal(&sa->src, &q->src) && inet_addr_equal(&sa->dst, &q->dst);
}

/*
 * An SA of mode any that held a whole packet looks like a tunnel of its own. It was transport around IP in IP
 * when the policy puts compression in tunnel mode inside it, between the same ends, and the packet did not
 * shrink.
 */
static bool was_uncompressed_tunnel(const struct spd_rule *r, const struct applied *a)
{
	if (a->mode != IPSEC_TUNNEL || a->sa->mode != IPSEC_MODE_ANY)
		return false;
	for (uint8_t i = 0; i < r->p.n_requests; i++)
		if (r->p.req[i].proto == IPSEC_IPCOMP && r->p.req[i].mode == IPSEC_TUNNEL &&
		    same_ends(a->sa, &r->p.req[i]))
			return true;
	return false;
}

static bool is_between(const struct sa_rt *sa, const struct inet_addr *src, const struct inet_addr *dst)
{
	return inet_addr_equal(&sa->dst, dst) &&
	       (inet_addr_is_any(&sa->src) || inet_addr_equal(&sa->src, src));
}

/*
 * Transport mode names no ends: they are those of the header it stands behind, the packet's own or that of a
 * tunnel the policy asks for inside of it. Without this look anybody's association would do for a tunnel that
 * is not itself demanded, such as one that only compresses.
 */
static bool has_transport_ends(
    const struct spd_rule *r, const struct pkt *p, const struct sa_rt *sa, uint8_t request)
{
	if (is_between(sa, &p->key.src, &p->key.dst))
		return true;
	for (uint8_t i = 0; i < request; i++)
		if (r->p.req[i].mode == IPSEC_TUNNEL && is_between(sa, &r->p.req[i].src, &r->p.req[i].dst))
			return true;
	return false;
}

/* Request i of the rule by one header that was undone. */
static bool meets(const struct spd_rule *r, const struct pkt *p, const struct applied *a, uint8_t i,
    enum policy_level level)
{
	const struct policy_request *q = &r->p.req[i];

	if (a->sa->proto != q->proto)
		return false;
	if (a->mode != q->mode && !(q->mode == IPSEC_TRANSPORT && was_uncompressed_tunnel(r, a)))
		return false;
	if (level == LEVEL_UNIQUE && !sa_rt_serves(a->sa, q->reqid))
		return false;
	if (q->dst_port && (a->sa->encap.sport != q->src_port || a->sa->encap.dport != q->dst_port))
		return false;
	return q->mode == IPSEC_TUNNEL ? same_ends(a->sa, q) : has_transport_ends(r, p, a->sa, i);
}

/* Which header meets which demand: `able[i]` are those that could, as bits; `taken[j]` is whose header j is.
 */
struct matching {
	uint32_t able[POLICY_REQUESTS_MAX];
	uint8_t taken[POLICY_REQUESTS_MAX]; /* POLICY_REQUESTS_MAX: nobody's */
};

_Static_assert(POLICY_REQUESTS_MAX < 32, "headers as bits of a word");

/* Finds demand i a header, moving earlier demands to other ones that do for them where need be (an augmenting
 * path of a bipartite graph). `seen` bounds it: no header is asked for twice. */
static bool find_header(struct matching *m, uint8_t i, uint32_t *seen)
{
	for (uint32_t open = m->able[i] & ~*seen; open; open = m->able[i] & ~*seen) {
		uint8_t j = (uint8_t)__builtin_ctz(open);

		*seen |= 1u << j;
		if (m->taken[j] == POLICY_REQUESTS_MAX || find_header(m, m->taken[j], seen)) {
			m->taken[j] = i;
			return true;
		}
	}
	return false;
}

static bool is_demanded(const struct spd_rule *r, uint8_t i)
{
	return r->level[i] != LEVEL_USE && r->p.req[i].proto != IPSEC_IPCOMP;
}

/*
 * Each demand is met by a header of its own; protection beyond the demands never hurts (setkey.md 8.7). In
 * the role that an `in` policy plays for forwarded packets (`mirrored`), `unique` is `require`. Compression
 * is no protection, and a sender leaves it out where it gains nothing (RFC 3173 section 2.2): it is never
 * demanded. One header may do for a demand that any of them would meet while another demand has no choice:
 * hence a matching, not the first that fits.
 */
static bool satisfied(const struct spd_rule *r, const struct pkt *p, bool mirrored)
{
	struct matching m;

	if (!r || r->cls != POLICY_CLASS_PROTECT)
		return true;
	memset(m.taken, POLICY_REQUESTS_MAX, sizeof(m.taken));
	for (uint8_t i = 0; i < r->p.n_requests; i++) {
		enum policy_level level = r->level[i];
		uint32_t seen = 0;

		if (!is_demanded(r, i))
			continue;
		if (level == LEVEL_UNIQUE && mirrored)
			level = LEVEL_REQUIRE;
		m.able[i] = 0;
		for (uint8_t j = 0; j < p->n_applied; j++)
			m.able[i] |= (uint32_t)meets(r, p, &p->applied[j], i, level) << j;
		if (!find_header(&m, i, &seen))
			return false;
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

static bool discards(const struct spd_rule *r)
{
	return r && r->cls == POLICY_CLASS_DISCARD;
}

/*
 * Whether the packet is for this host or will be forwarded is decided by the kernel behind the device. Where
 * that makes a difference, a packet has to meet the demands of both. What one of them would discard is let
 * through here when the other takes it: the kernel has the same lists and drops it once it knows.
 */
static enum drop_reason judge_in(const struct spd_found *f, const struct pkt *p, bool one_in)
{
	bool forward_discards =
	    one_in || discards(f->fwd) || discards(f->mirrored) || (!f->fwd && !f->mirrored);

	if (!f->own && !f->fwd && !f->mirrored)
		return came_by_tunnel(p) ? DROP_IN_NOPOLICY : DROP_NONE;
	if (forward_discards && (discards(f->own) || (!f->own && !one_in)))
		return DROP_IN_DISCARD;
	if (!satisfied(f->own, p, false) || !satisfied(f->fwd, p, false) || !satisfied(f->mirrored, p, true))
		return DROP_IN_UNPROTECTED;
	return DROP_NONE;
}

/* A first fragment that was not let in speaks for later ones only where no other one does: a peer whose SA is
 * for somebody else must not choose by which policy these hosts' fragments are judged. */
static void remember_ports(struct path *c, const struct pkt *p, const struct ip_view *v, bool let_in)
{
	struct packet_key k = p->key;

	if (!v->is_frag || v->frag_off)
		return;
	if (let_in || !frag_memory_get(&c->in_frags, &k, v->frag_id, c->now_ms))
		path_fragment_key(&c->in_frags, v, &k, c->now_ms);
}

/* One of the same flow that came by the same association, whole, was judged already. */
static bool judged_like(const struct pkt *before, const struct pkt *p)
{
	return before->verdict == VERDICT_DELIVER && before->n_applied == 1 && p->n_applied == 1 &&
	       before->applied[0].sa == p->applied[0].sa && before->applied[0].mode == p->applied[0].mode &&
	       path_same_flow(before, p);
}

static void policy_in(struct path *c, struct pkt *p, const struct pkt *before)
{
	struct spd_found found;
	struct ip_view *v = &p->inner;
	enum drop_reason why;

	if (v->pkt != p->data && ip_parse(p->data, p->len, IP_TRUST_SUM, v) != IP_OK) {
		stage_drop(c->counters, p, DROP_IN_INNER);
		return;
	}
	p->fragment = v->is_frag;
	if (before && judged_like(before, p)) {
		p->key = before->key;
		p->verdict = VERDICT_DELIVER;
		fit_inbound(c, p, v);
		return;
	}
	ip_packet_key(v, &p->key);
	if (v->frag_off)
		path_fragment_key(&c->in_frags, v, &p->key, c->now_ms);
	found = path_match_in(c, &p->key);
	why = judge_in(&found, p, c->view->one_in);
	remember_ports(c, p, v, why == DROP_NONE);
	if (why != DROP_NONE) {
		stage_drop(c->counters, p, why);
		return;
	}
	p->verdict = VERDICT_DELIVER;
	fit_inbound(c, p, v);
}

void stage_policy_in(struct path *c, struct batch *b)
{
	const struct pkt *before = NULL;

	batch_foreach_go(p, b)
	{
		if (!p->peeled)
			continue;
		policy_in(c, p, before);
		before = p;
	}
}
