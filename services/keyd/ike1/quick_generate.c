/*
 * A policy for a client that root has written none for (`generate_policy`): what of its offers can be had
 * says how traffic is protected, its identities say which, and policyd says whether that may be. Only the
 * answering side does this.
 */
#include <errno.h>

#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "wire/ike/v1_transform.h"

bool quick_generates(const struct quick *q, const struct core_reply *r)
{
	if (q->initiator || isakmp_peer(q->sa)->generate == IKE_GENERATE_OFF)
		return false;
	/* One that was made before may be another client's, or from where this one was before. policyd knows:
	 * it makes it anew, leaves it, or refuses. */
	return !r->out || !r->in || r->out->generated;
}

static enum ipsec_mode mode_of(uint16_t encap)
{
	switch (encap) {
	case IKE1_ENCAP_TUNNEL:
	case IKE1_ENCAP_UDP_TUNNEL:
	case IKE1_ENCAP_UDP_TUNNEL_DRAFT:
		return IPSEC_TUNNEL;
	case IKE1_ENCAP_TRANSPORT:
	case IKE1_ENCAP_UDP_TRANSPORT:
	case IKE1_ENCAP_UDP_TRANSPORT_DRAFT:
		return IPSEC_TRANSPORT;
	default:
		return IPSEC_MODE_ANY;
	}
}

bool quick_shape(struct quick *q, const struct ike1_sa *s, uint8_t at, uint8_t n)
{
	const struct ike1_proposal *pr = &s->proposal[at];
	struct policy_request *r = &q->out.req[0];
	const char *why;
	struct ike1_phase2 w;
	uint16_t unknown;

	/* Several protocols at once would need an order of tunnels that their proposal does not say. */
	if (n != 1 || (pr->protocol != IKE1_PROTO_ESP && pr->protocol != IKE1_PROTO_AH) ||
	    !pr->n_transforms || ike1_phase2_decode(&s->transform[pr->first], &w, &unknown) != IKE_OK)
		return false;
	*r = (struct policy_request){.proto = pr->protocol == IKE1_PROTO_ESP ? IPSEC_ESP : IPSEC_AH,
	    .mode = mode_of(w.encap),
	    .level = isakmp_peer(q->sa)->generate == IKE_GENERATE_UNIQUE ? LEVEL_UNIQUE : LEVEL_REQUIRE};
	if (r->mode == IPSEC_TUNNEL) {
		r->src = q->sa->path.local;
		r->dst = q->sa->path.remote;
	}
	q->out.n_requests = 1;
	return r->mode != IPSEC_MODE_ANY && quick_plan(q, &why);
}

static void on_made(struct parked *p, struct core_reply *r)
{
	struct quick *q = container_of(p, struct quick, wait);
	const char *why;

	if (r->result < 0) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION,
		    "no policy found for what the peer asks for, and policyd makes none: %s", r->why);
		return;
	}
	q->out = *r->out;
	q->in = *r->in;
	q->has_in = true;
	if (quick_plan(q, &why))
		quick_chosen(q);
	else
		quick_fail(q, IKE1_N_NO_PROPOSAL_CHOSEN, "%s", why);
}

/* Who was given an address has that one; who was not has none of the pool's, which are others'. */
static bool is_his(const struct isakmp *sa, const struct inet_prefix *asked)
{
	const struct ike_pool *pool = &sa->conf->c->pool;

	if (sa->ra.has_lease)
		return inet_prefix_is_host(asked) && inet_addr_equal(&asked->addr, &sa->ra.address);
	return !pool->present || !inet_prefix_is_host(asked) || !ike_pool_has(pool, &asked->addr);
}

void quick_generate(struct quick *q)
{
	const struct isakmp *sa = q->sa;
	const struct core_ports *ports = &sa->core->ports;
	char a[INET_PREFIX_STRLEN], b[INET_PREFIX_STRLEN], c[INET_ADDR_STRLEN];
	struct err_text e = {{0}};
	int r;

	if (!is_his(sa, &q->out.sel.dst)) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION, "the peer asks for %s, and has been given %s",
		    inet_prefix_format(&q->out.sel.dst, a),
		    sa->ra.has_lease ? inet_addr_format(&sa->ra.address, c) : "no address of the pool");
		return;
	}
	core_log(sa->core, CORE_INFO, "policy.generate",
	    "no policy found, try to generate the policy : %s[%u] %s[%u] proto=%u dir=in",
	    inet_prefix_format(&q->out.sel.dst, a), q->out.sel.dport, inet_prefix_format(&q->out.sel.src, b),
	    q->out.sel.sport, q->out.sel.proto);
	q->out.dir = POLICY_OUT;
	q->out.action = POLICY_IPSEC;
	q->shapes = true;
	r = quick_choose(q, &e);
	q->shapes = false;
	if (r < 0) {
		quick_fail(q, IKE1_N_NO_PROPOSAL_CHOSEN, "%s", e.s);
		return;
	}
	r = ports->policy_make(ports->arg, parking_enter(&sa->core->parking, &q->wait, on_made), sa->ticket.p,
	    sa->ticket.n, &q->out, &sa->path);
	if (r < 0)
		quick_fail(q, 0, "policyd cannot be asked: %s", err_name(r));
}
