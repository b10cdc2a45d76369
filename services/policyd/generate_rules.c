/*
 * A peer can claim any addresses, so what is made is held against what root has written: a client that is
 * given addresses has one of the pool and nothing else; any other has what a `sainfo` allows. Nobody gets
 * this host's own address, nor one that is nobody's.
 */
#include "policyd/generate_rules.h"

#include <errno.h>

#include "policyd/match.h"

static int judge_shape(const struct generate_ask *ask, const struct ike_view_peer *peer, struct err_text *e)
{
	const struct policy *p = ask->out;
	const struct policy_request *q = &p->req[0];
	enum policy_level level = peer->generate == IKE_GENERATE_UNIQUE ? LEVEL_UNIQUE : LEVEL_REQUIRE;

	if (p->dir != POLICY_OUT || p->action != POLICY_IPSEC || p->n_requests != 1 ||
	    (q->proto != IPSEC_ESP && q->proto != IPSEC_AH) || q->level != level || q->reqid)
		return err_set(e, -EINVAL, "it is not outbound protection by ESP or AH alone, of level %s",
		    policy_level_name(level));
	if (q->mode == IPSEC_TUNNEL)
		return inet_addr_equal(&q->src, &ask->local) && inet_addr_equal(&q->dst, &ask->remote)
		           ? 0
		           : err_set(e, -EACCES, "its tunnel does not end at the peer");
	if (q->mode != IPSEC_TRANSPORT || q->src.family != INET_NONE)
		return err_set(e, -EINVAL, "its mode is neither tunnel nor transport");
	return inet_prefix_is_host(&p->sel.src) && inet_addr_equal(&p->sel.src.addr, &ask->local) &&
	               inet_prefix_is_host(&p->sel.dst) && inet_addr_equal(&p->sel.dst.addr, &ask->remote)
	           ? 0
	           : err_set(e, -EACCES, "transport mode is between the two hosts themselves");
}

/* Addresses that cannot be a client's. */
static int judge_remote(const struct generate_ask *ask, struct err_text *e)
{
	static const struct {
		const char *net;
		uint8_t plen;
	} nobodys[] = {{"0.0.0.0", 8}, {"127.0.0.0", 8}, {"224.0.0.0", 3}, {"::", 96}, {"ff00::", 8}};
	const struct inet_prefix *dst = &ask->out->sel.dst;
	char text[INET_PREFIX_STRLEN];

	if (inet_prefix_contains(dst, &ask->local))
		return err_set(
		    e, -EACCES, "the peer claims %s, and this host is in it", inet_prefix_format(dst, text));
	for (size_t i = 0; i < ARRAY_SIZE(nobodys); i++) {
		struct inet_prefix net = {.plen = nobodys[i].plen};

		if (inet_addr_parse(nobodys[i].net, &net.addr) == 0 && inet_prefix_overlaps(dst, &net))
			return err_set(e, -EACCES, "the peer claims %s, which is no client's",
			    inet_prefix_format(dst, text));
	}
	return 0;
}

static bool in_pool(const struct ike_view *v, const struct inet_addr *a)
{
	return v->pool_first.family != INET_NONE && a->family == v->pool_first.family &&
	       inet_addr_cmp(&v->pool_first, a) <= 0 && inet_addr_cmp(a, &v->pool_last) <= 0;
}

/* `named`: one that says which addresses, not just any. */
static bool side_allows(const struct ike_view_side *s, const struct inet_prefix *p, uint16_t proto,
    uint16_t port, const struct ike_view *v, const struct generate_ask *ask, bool named)
{
	const struct inet_addr first = inet_prefix_first(p), last = inet_prefix_last(p);

	switch (s->kind) {
	case IKE_SIDE_ANY:
		return !named;
	case IKE_SIDE_CLIENT:
		return inet_prefix_is_host(p) &&
		       (inet_addr_equal(&first, &ask->remote) || in_pool(v, &first));
	case IKE_SIDE_HOST:
	case IKE_SIDE_NET:
	case IKE_SIDE_RANGE:
		return inet_addr_equal(&first, &s->first) && inet_addr_equal(&last, &s->last) &&
		       s->proto == proto && s->port == port;
	default:
		return false;
	}
}

static bool some_child_allows(const struct ike_view *v, const struct generate_ask *ask, bool named)
{
	const struct selector *s = &ask->out->sel;

	for (uint32_t i = 0; i < v->n_children; i++)
		if (side_allows(&v->child[i].local, &s->src, s->proto, s->sport, v, ask, false) &&
		    side_allows(&v->child[i].remote, &s->dst, s->proto, s->dport, v, ask, named))
			return true;
	return false;
}

static int judge_selector(
    const struct ike_view *v, const struct generate_ask *ask, const struct ticket *t, struct err_text *e)
{
	const struct selector *s = &ask->out->sel;
	bool pool = v->pool_first.family != INET_NONE, host = inet_prefix_is_host(&s->dst);
	bool given = host && in_pool(v, &s->dst.addr),
	     itself = host && inet_addr_equal(&s->dst.addr, &ask->remote);
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];

	inet_prefix_format(&s->src, src);
	inet_prefix_format(&s->dst, dst);
	if (t->user[0] && pool && !given)
		return err_set(e, -EACCES, "%s is not one address of the pool of mode_cfg", dst);
	/* Where addresses are given, `anonymous` stands for those and for the peer's own. */
	if (!some_child_allows(v, ask, pool && !given && !itself))
		return err_set(e, -EACCES, "no sainfo allows %s here and %s there", src, dst);
	return 0;
}

static void make(const struct generate_ask *ask, struct generate_pair *ret)
{
	struct policy_request *q = &ret->in.req[0];

	ret->out = *ask->out;
	ret->out.id = 0;
	ret->out.generated = true;
	ret->out.priority = INT32_MIN;
	ret->out.in_only = false;
	ret->out.lifetime_s = ret->out.validtime_s = 0;
	/* Clients behind one NAT have one address: each is sent its own traffic, and believed in its own
	 * name, only under SAs of its own. */
	ret->out.req[0].level = LEVEL_UNIQUE;
	ret->in = ret->out;
	ret->in.dir = POLICY_IN;
	ret->in.sel = match_mirror(&ret->out.sel);
	if (q->mode == IPSEC_TUNNEL) {
		q->src = ask->remote;
		q->dst = ask->local;
	}
}

int generate_judge(const struct grant_world *w, const struct generate_ask *ask, struct ticket *ret_ticket,
    struct generate_pair *ret, struct err_text *e)
{
	const struct ike_view_peer *peer;
	const char *why;
	int r;

	if (!ask->ticket_len)
		return err_set(e, -EACCES, "there is no ticket: nobody has said who the peer is");
	r = ticket_open(w->key, ask->ticket, ask->ticket_len, w->now_ms, ret_ticket, e);
	if (r == 0)
		r = grant_judge_peer(w, ret_ticket, &ask->remote, &peer, e);
	if (r < 0)
		return r;
	if (peer->generate == IKE_GENERATE_OFF)
		return err_set(e, -EACCES, "generate_policy of peer '%.100s' is off", peer->name);
	r = judge_shape(ask, peer, e);
	if (r == 0)
		r = judge_remote(ask, e);
	if (r == 0)
		r = judge_selector(w->gens->now, ask, ret_ticket, e);
	if (r < 0)
		return r;
	make(ask, ret);
	if (policy_check(&ret->out, &why) < 0 || policy_check(&ret->in, &why) < 0)
		return err_set(e, -EINVAL, "%s", why);
	return 0;
}
