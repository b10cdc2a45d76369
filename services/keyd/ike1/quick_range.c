/*
 * Ranges as identities (RFC 2407 sections 4.6.2.6 and 4.6.2.10). A policy has a network on each side, so a
 * range that is none is agreed on when there is a policy for every network that it is made of, all with the
 * same requests: together they are what was agreed on, and nothing more. The pair of SAs is made under one of
 * them, and serves all, because level `require` takes any SA between its ends.
 */
#include <errno.h>

#include "base/sbuf.h"
#include "keyd/core/ident.h"
#include "keyd/ike1/quick.h"
#include "wire/ike/v1_payload.h"

struct quick_nets {
	struct selector sel[IDENT_NETS_MAX]; /* from us to the peer */
	uint32_t policy[IDENT_NETS_MAX];     /* the outbound one, of the first `at` */
	uint8_t n, at;
};

bool quick_has_nets(const struct quick *q)
{
	return q->nets;
}

bool quick_is_for(const struct quick *q, uint32_t policy_id)
{
	for (uint8_t i = 0; q->nets && i < q->nets->at; i++)
		if (q->nets->policy[i] == policy_id)
			return true;
	return q->out.id == policy_id;
}

static int keep(struct quick *q, const struct selector *sel, uint8_t n)
{
	q->nets = calloc(1, sizeof(*q->nets));
	if (!q->nets)
		return -ENOMEM;
	memcpy(q->nets->sel, sel, n * sizeof(sel[0]));
	q->nets->n = n;
	return 0;
}

int quick_take_nets(struct quick *q, const struct ike1_ident *local, const struct ike1_ident *remote)
{
	struct selector sel[IDENT_NETS_MAX];
	uint8_t n = 0;
	int r = ident_selectors(local, remote, sel, &n);

	if (r < 0)
		return r;
	q->out.sel = sel[0];
	return n == 1 ? 0 : keep(q, sel, n);
}

/* One of our two identities, said as the sainfo has it. */
static bool say(const struct ike_side *s, struct octets *body)
{
	return s->kind != IKE_SIDE_RANGE ||
	       ident_range_body(&s->first, &s->last, s->proto, s->port, body) == 0;
}

static bool parse(const struct octets *body, struct ike1_ident *ret)
{
	const struct ike_payload p = {.type = IKE1_P_ID, .body = body->p, .len = (uint32_t)body->n};

	return ike1_ident_parse(&p, ret) == IKE_OK;
}

/* The policy that a packet has met is one of theirs, or lies in one. */
bool quick_say_ranges(struct quick *q)
{
	struct selector sel[IDENT_NETS_MAX];
	struct ike1_ident local, remote;
	uint8_t n = 0;

	if (q->conf->local.kind != IKE_SIDE_RANGE && q->conf->remote.kind != IKE_SIDE_RANGE)
		return true;
	if (!say(&q->conf->local, &q->id_local) || !say(&q->conf->remote, &q->id_remote) ||
	    !parse(&q->id_local, &local) || !parse(&q->id_remote, &remote) ||
	    ident_selectors(&local, &remote, sel, &n) < 0)
		return false;
	return (n == 1 && selector_equal(&sel[0], &q->out.sel)) || keep(q, sel, n) == 0;
}

/* Whether both are served by the same SAs: `unique` has its own. */
static bool share(const struct policy *a, const struct policy *b)
{
	bool same = policy_same_requests(a, b);

	for (uint8_t i = 0; same && i < a->n_requests; i++)
		same = a->req[i].level != LEVEL_UNIQUE;
	return same;
}

/* The networks of both sides, as an administrator has to write them. */
static void say_nets(const struct quick_nets *nets, struct sbuf *to)
{
	char net[INET_PREFIX_STRLEN];

	for (uint8_t i = 0; i < nets->n; i++)
		if (!i || !inet_prefix_equal(&nets->sel[i].src, &nets->sel[i - 1].src))
			sbuf_add(to, "%s%s", i ? ", " : "", inet_prefix_format(&nets->sel[i].src, net));
	for (uint8_t i = 0; i < nets->n && inet_prefix_equal(&nets->sel[i].src, &nets->sel[0].src); i++)
		sbuf_add(to, "%s%s", i ? ", " : " with ", inet_prefix_format(&nets->sel[i].dst, net));
}

static void fail(struct quick *q, const char *why)
{
	AUTO_SBUF struct sbuf nets = {0};

	say_nets(q->nets, &nets);
	if (q->initiator || isakmp_may_say(q->sa))
		core_log(q->sa->core, CORE_NOTICE, "ipsec.range",
		    "a range needs a policy in both directions for each network of it, all with the same "
		    "requests and none of level unique. These are: %s",
		    sbuf_str(&nets));
	quick_fail(q, q->initiator ? 0 : IKE1_N_INVALID_ID_INFORMATION,
	    "no policy found for all of a range: %s", why);
}

static void ask_next(struct quick *q);

static void on_net(struct parked *p, struct core_reply *r)
{
	struct quick *q = container_of(p, struct quick, wait);
	struct quick_nets *nets = q->nets;

	if (r->result < 0) {
		quick_fail(q, 0, "policyd does not answer: %s", r->why);
		return;
	}
	if (!r->out || !r->in || !selector_equal(&r->out->sel, &nets->sel[nets->at])) {
		fail(q, "a part of it has none");
		return;
	}
	if (!q->initiator && nets->at == 0) {
		q->out = *r->out;
		q->in = *r->in;
		q->has_in = true;
	}
	if (!q->has_in || !share(&q->out, r->out) || !share(&q->in, r->in)) {
		fail(q, "a part of it has another one");
		return;
	}
	nets->policy[nets->at++] = r->out->id;
	if (nets->at < nets->n) {
		ask_next(q);
		return;
	}
	core_trace(
	    q->sa->core, "ipsec.range", "the identities are ranges: the pair is for %u policies", nets->n);
	q->then(q);
}

static void ask_next(struct quick *q)
{
	struct core *c = q->sa->core;
	int r = c->ports.match(c->ports.arg, parking_enter(&c->parking, &q->wait, on_net),
	    &q->nets->sel[q->nets->at], &q->sa->path, false);

	if (r < 0)
		quick_fail(q, 0, "policyd cannot be asked: %s", err_name(r));
}

void quick_ask_nets(struct quick *q, void (*then)(struct quick *q))
{
	q->then = then;
	ask_next(q);
}
