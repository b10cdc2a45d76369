/*
 * keyd may be in strangers' hands, so nothing it says is believed but what certd wrote into the ticket. The
 * order is that of trust: who is it, is he configured, is he where he says, may this policy be made with him.
 */
#include "policyd/grant_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "policyd/match.h"

/* Its block by the number, as long as the configuration in force has the very same one, however often it was
 * loaded since; else by its place in the one it was proved under, for as long as that counts. */
static int find_peer(const struct grant_world *w, const struct ticket *t, const struct ike_view **ret_v,
    const struct ike_view_peer **ret, struct err_text *e)
{
	*ret_v = w->gens->now;
	*ret = *ret_v ? ike_view_find_block(*ret_v, t->block) : NULL;
	if (*ret)
		return 0;
	*ret_v = ike_gens_find(w->gens, t->generation, w->now_ms, e);
	if (!*ret_v)
		return -ESTALE;
	if (t->peer >= (*ret_v)->n_peers)
		return err_set(e, -EACCES, "the ticket is of peer %u, the configuration has %u", t->peer,
		    (*ret_v)->n_peers);
	*ret = &(*ret_v)->peer[t->peer];
	return 0;
}

int grant_judge_peer(const struct grant_world *w, const struct ticket *t, const struct inet_addr *remote,
    const struct ike_view_peer **ret, struct err_text *e)
{
	char at[INET_ADDR_STRLEN], there[INET_ADDR_STRLEN];
	const struct ike_view_peer *peer = NULL;
	const struct ike_view *v = NULL;
	int r = find_peer(w, t, &v, &peer, e);

	if (r < 0)
		return r;
	inet_addr_format(remote, at);
	if (!inet_addr_equal(&t->addr, remote))
		return err_set(e, -EACCES, "the ticket is of a peer at %s, the grant is asked for one at %s",
		    inet_addr_format(&t->addr, there), at);
	if (!ike_view_peer_fits(v, peer, remote))
		return err_set(e, -EACCES, "peer '%.100s' of the ticket is not the one configured for %s",
		    peer->name, at);
	/* The generation before has a say about proofs under way, not about peers that were taken out. */
	if (!ike_view_knows(w->gens->now, remote))
		return err_set(
		    e, -ESTALE, "the configuration was loaded anew, and no peer is at %s any more", at);
	/* keyd must not skip a question that root wants asked. */
	if (peer->asks && !t->user[0])
		return err_set(e, -EACCES, "peer '%.100s' has not said who its user is", peer->name);
	*ret = peer;
	return 0;
}

/* An SA of this request goes between the two; `inside`: a tunnel of the policy is inside of it. */
static bool request_fits(
    const struct policy *p, const struct policy_request *q, const struct grant_ask *ask, bool inside)
{
	if (q->src.family != INET_NONE)
		return inet_addr_equal(&q->src, &ask->local) && inet_addr_equal(&q->dst, &ask->remote);
	return inside || (inet_prefix_contains(&p->sel.src, &ask->local) &&
	                     inet_prefix_contains(&p->sel.dst, &ask->remote));
}

/* What was made for one client is no other's, whatever keyd says (and behind one NAT their addresses are the
 * same). */
static int judge_owner(const struct spd_entry *x, const struct ticket *t, struct err_text *e)
{
	uint8_t owner[TICKET_OWNER_LEN];

	ticket_owner(t, owner);
	return !x->policy.generated || memcmp(x->owner, owner, sizeof(owner)) == 0
	           ? 0
	           : err_set(e, -EACCES, "policy %u for this traffic is another client's", x->policy.id);
}

static int judge_policy(const struct policy *p, const struct grant_ask *ask, struct err_text *e)
{
	char local[INET_ADDR_STRLEN], remote[INET_ADDR_STRLEN];
	bool inside = false;

	if (p->action != POLICY_IPSEC || !p->n_requests)
		return err_set(e, -EINVAL, "policy %u protects nothing", p->id);
	for (uint8_t i = 0; i < p->n_requests; i++) {
		if (!request_fits(p, &p->req[i], ask, inside))
			return err_set(e, -EACCES, "request %u (%s) of policy %u is not between %s and %s",
			    i + 1, ipsec_proto_name(p->req[i].proto), p->id,
			    inet_addr_format(&ask->local, local), inet_addr_format(&ask->remote, remote));
		inside |= p->req[i].mode == IPSEC_TUNNEL;
	}
	return 0;
}

static uint32_t reqid_of(const struct policy_request *q)
{
	return q->level == LEVEL_UNIQUE ? q->reqid : 0;
}

static void set_requests(const struct policy *out, const struct policy *in, struct grant_terms *t)
{
	t->n_requests = out->n_requests;
	for (uint8_t i = 0; i < out->n_requests; i++) {
		const struct policy_request *q = &out->req[i];
		bool paired =
		    in && i < in->n_requests && in->req[i].proto == q->proto && in->req[i].mode == q->mode;

		t->req[i] = (struct grant_request){.proto = q->proto,
		    .mode = q->mode,
		    .reqid_out = reqid_of(q),
		    .reqid_in = paired ? reqid_of(&in->req[i]) : 0};
	}
}

static bool same_request(const struct policy_request *a, const struct policy_request *b)
{
	return a->proto == b->proto && a->mode == b->mode && (reqid_of(a) != 0) == (reqid_of(b) != 0);
}

static bool same_requests(const struct policy *a, const struct policy *b)
{
	bool same = a->n_requests == b->n_requests;

	for (uint8_t i = 0; same && i < a->n_requests; i++)
		same = same_request(&a->req[i], &b->req[i]);
	return same;
}

static const struct policy *partner(
    const struct spd *spd, const struct policy *out, const struct grant_ask *ask)
{
	struct selector mirror = match_mirror(&out->sel);

	return match_policy(spd, POLICY_IN, &mirror, &ask->remote, &ask->local);
}

/* What all policies of a question are held against. */
struct question {
	const struct spd *spd;
	const struct grant_ask *ask;
	const struct ticket *t;
};

static int judge_out(const struct question *q, uint32_t id, const struct policy **ret, struct err_text *e)
{
	const struct spd_entry *out = spd_find_id(q->spd, id);
	int r;

	if (!out || out->policy.dir != POLICY_OUT)
		return err_set(e, -ENOENT, "there is no outbound policy %u", id);
	*ret = &out->policy;
	r = judge_owner(out, q->t, e);
	return r < 0 ? r : judge_policy(&out->policy, q->ask, e);
}

static int judge_one_more(const struct question *q, const struct policy *first, uint32_t id,
    struct grant_more *ret, struct err_text *e)
{
	const struct policy *out, *in, *first_in = partner(q->spd, first, q->ask);
	int r = judge_out(q, id, &out, e);

	if (r < 0)
		return r;
	in = partner(q->spd, out, q->ask);
	if (!same_requests(first, out) || !in != !first_in || (in && !same_requests(first_in, in)))
		return err_set(e, -EACCES, "policies %u and %u do not ask for the same SAs", first->id, id);
	*ret = (struct grant_more){.out_id = id, .in_id = in ? in->id : 0};
	for (uint8_t i = 0; i < out->n_requests; i++) {
		ret->reqid_out[i] = reqid_of(&out->req[i]);
		ret->reqid_in[i] = in ? reqid_of(&in->req[i]) : 0;
	}
	return 0;
}

/* All that one pair of SAs shall serve is granted, or nothing. */
static int judge_more(
    const struct question *q, const struct policy *first, struct grant_terms *t, struct err_text *e)
{
	const struct grant_ask *ask = q->ask;
	AUTO_FREE struct grant_more *more = NULL;
	int r = 0;

	if (!ask->n_more)
		return 0;
	if (first->n_requests > GRANT_MORE_REQUESTS)
		return err_set(e, -EACCES,
		    "policy %u has more requests than SAs for several policies may have", first->id);
	more = calloc(ask->n_more, sizeof(*more));
	if (!more)
		return err_set(e, -ENOMEM, "out of memory");
	for (uint16_t i = 0; r == 0 && i < ask->n_more; i++)
		r = judge_one_more(q, first, ask->more_ids[i], &more[i], e);
	if (r < 0)
		return r;
	t->n_more = ask->n_more;
	t->more = take_ptr(more);
	return 0;
}

int grant_judge(
    const struct grant_world *w, const struct grant_ask *ask, struct grant_terms *ret, struct err_text *e)
{
	struct grant_terms terms = {.local = ask->local, .remote = ask->remote, .out_id = ask->policy_id};
	const struct ike_view_peer *peer;
	const struct policy *out, *in;
	struct ticket t;
	const struct question q = {.spd = w->spd, .ask = ask, .t = &t};
	int r;

	if (!ask->ticket_len)
		return err_set(e, -EACCES, "there is no ticket: nobody has said who the peer is");
	r = ticket_open(w->key, ask->ticket, ask->ticket_len, w->now_ms, &t, e);
	if (r == 0)
		r = grant_judge_peer(w, &t, &ask->remote, &peer, e);
	if (r < 0)
		return r;
	r = judge_out(&q, ask->policy_id, &out, e);
	if (r < 0)
		return r;
	in = partner(w->spd, out, ask);
	terms.in_id = in ? in->id : 0;
	set_requests(out, in, &terms);
	terms.enc = w->gens->now->enc;
	terms.auth = w->gens->now->auth;
	memcpy(terms.icookie, t.icookie, sizeof(terms.icookie));
	memcpy(terms.rcookie, t.rcookie, sizeof(terms.rcookie));
	if (!grant_terms_bounded(&terms))
		return err_set(e, -EINVAL, "no sainfo of the configuration allows an algorithm for policy %u",
		    ask->policy_id);
	r = judge_more(&q, out, &terms, e);
	if (r == 0)
		*ret = terms;
	return r;
}
