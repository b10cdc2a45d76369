/*
 * An outbound policy says between which two hosts its tunnel is, and so which `remote` and which connection
 * it belongs to; its addresses say which `sainfo`. What comes in is its mirror.
 */
#include "config/convert/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/native/native.h"
#include "ipsec/selector.h"

struct conversion {
	struct convert_input *in;
	struct sbuf *to;
	convert_say_fn say;
	void *arg;
	bool *peer_used, *child_used;
	uint32_t n_conns, n_children; /* the latter of the connection that is being written */
};

static void tell_policy(
    const struct conversion *x, const struct convert_policy *p, enum convert_fate fate, const char *what)
{
	convert_tell(x->say, x->arg, fate, p->file, p->line, "spdadd: %s", what);
}

/* --- policies --- */

static bool is_mirror(const struct policy *a, const struct policy *b)
{
	return inet_prefix_equal(&a->sel.src, &b->sel.dst) && inet_prefix_equal(&a->sel.dst, &b->sel.src) &&
	       a->sel.proto == b->sel.proto && a->sel.sport == b->sel.dport && a->sel.dport == b->sel.sport &&
	       a->sel.misc == b->sel.misc && a->action == b->action;
}

/* Those that go along with an outbound one. */
static bool take_mirror(const struct conversion *x, const struct policy *out)
{
	bool found = false;

	for (uint32_t i = 0; i < x->in->n_policies; i++) {
		struct convert_policy *q = &x->in->policy[i];

		if (q->done || q->p.dir == POLICY_OUT || !is_mirror(out, &q->p))
			continue;
		found |= q->p.dir == POLICY_IN;
		q->done = true;
	}
	return found;
}

static void look_at(const struct conversion *x, const struct convert_policy *q)
{
	if (q->p.priority)
		tell_policy(x, q, CONVERT_APPROXIMATED, "a priority: the order of the file counts");
	if (q->p.lifetime_s || q->p.validtime_s)
		tell_policy(x, q, CONVERT_APPROXIMATED, "a lifetime: it stays until it is taken out");
	for (uint8_t i = 0; i < q->p.n_requests; i++)
		if (q->p.req[i].proto != IPSEC_IPCOMP && q->p.req[i].level < LEVEL_REQUIRE)
			tell_policy(
			    x, q, CONVERT_APPROXIMATED, "level use or default: packets are always protected");
}

/* Policies without a tunnel are tried first here. */
static void look_at_order(const struct conversion *x, uint32_t n)
{
	const struct convert_policy *q = &x->in->policy[n];

	for (uint32_t i = 0; i < n; i++) {
		const struct policy *p = &x->in->policy[i].p;

		if (p->action == POLICY_IPSEC && p->dir == q->p.dir &&
		    inet_prefix_overlaps(&p->sel.src, &q->p.sel.src) &&
		    inet_prefix_overlaps(&p->sel.dst, &q->p.sel.dst)) {
			tell_policy(x, q, CONVERT_APPROXIMATED,
			    "it is tried before connections here, and stood behind an ipsec policy for some "
			    "of the same packets");
			return;
		}
	}
}

static void write_plain(struct conversion *x, uint32_t i)
{
	struct convert_policy *q = &x->in->policy[i];
	const struct policy *p = &q->p;
	bool out = p->dir == POLICY_OUT, both;

	if (q->done || p->action == POLICY_IPSEC || p->dir == POLICY_FWD)
		return;
	q->done = true;
	if (p->sel.misc) {
		tell_policy(x, q, CONVERT_DROPPED, "kinds of ICMP and keys of GRE have no word");
		return;
	}
	look_at(x, q);
	look_at_order(x, i);
	both = out && take_mirror(x, p);
	sbuf_add(x->to, "policy %s %s", p->action == POLICY_PASS ? "none" : "discard",
	    both  ? ""
	    : out ? "out "
	          : "in ");
	convert_write_side(
	    x->to, out ? &p->sel.src : &p->sel.dst, p->sel.proto, out ? p->sel.sport : p->sel.dport);
	sbuf_add(x->to, " = ");
	convert_write_side(
	    x->to, out ? &p->sel.dst : &p->sel.src, p->sel.proto, out ? p->sel.dport : p->sel.sport);
	sbuf_add(x->to, "\n");
}

/* --- connections --- */

/* The two hosts of a policy that a child can be made of: IPComp inside, then one of ESP and AH. */
static bool ends_of(const struct policy *p, struct inet_addr *local, struct inet_addr *remote)
{
	const struct policy_request *q = &p->req[0];
	bool comp = q->proto == IPSEC_IPCOMP;

	if (p->dir != POLICY_OUT || p->action != POLICY_IPSEC || p->n_requests != 1U + comp || p->sel.misc)
		return false;
	if (comp && (p->req[1].proto == IPSEC_IPCOMP || p->req[1].mode != IPSEC_TRANSPORT))
		return false;
	*local = q->src;
	*remote = q->dst;
	if (q->mode == IPSEC_TUNNEL)
		return q->src.family != INET_NONE;
	*local = p->sel.src.addr;
	*remote = p->sel.dst.addr;
	return inet_prefix_is_host(&p->sel.src) && inet_prefix_is_host(&p->sel.dst);
}

static bool side_is(const struct ike_side *s, const struct inet_prefix *net, uint16_t proto, uint16_t port,
    const struct inet_addr *peer)
{
	const struct inet_prefix own = {s->first, s->plen};

	if (s->kind == IKE_SIDE_ANY)
		return true;
	if (s->kind == IKE_SIDE_CLIENT)
		return inet_prefix_is_host(net) && inet_addr_equal(&net->addr, peer);
	if (s->proto != proto || s->port != port)
		return false;
	if (s->kind == IKE_SIDE_HOST)
		return inet_prefix_is_host(net) && inet_addr_equal(&net->addr, &s->first);
	return s->kind == IKE_SIDE_NET && inet_prefix_equal(&own, net);
}

/* As key exchange would select it. */
static const struct ike_child *child_of(const struct conversion *x, const struct ike_peer *peer,
    const struct policy *p, const struct inet_addr *remote)
{
	const struct ike_conf *c = x->in->ike;

	for (uint32_t i = 0; i < c->n_children; i++) {
		const struct ike_child *k = &c->child[i];

		if ((!k->remoteid || k->remoteid == peer->ph1id) &&
		    side_is(&k->local, &p->sel.src, p->sel.proto, p->sel.sport, remote) &&
		    side_is(&k->remote, &p->sel.dst, p->sel.proto, p->sel.dport, remote)) {
			x->child_used[i] = true;
			return k;
		}
	}
	return NULL;
}

static void write_one_child(struct conversion *x, const struct ike_peer *peer, struct convert_policy *q,
    const struct inet_addr *remote, struct sbuf *to)
{
	const struct policy *p = &q->p;
	const struct ike_child *k = child_of(x, peer, p, remote);

	q->done = true;
	if (!k || x->n_children == NATIVE_CHILDREN_MAX) {
		tell_policy(x, q, CONVERT_DROPPED,
		    k ? "a connection has no room for so many children"
		      : "no sainfo is for it, so no key would be negotiated");
		return;
	}
	x->n_children++;
	look_at(x, q);
	if (!take_mirror(x, p))
		tell_policy(
		    x, q, CONVERT_APPROXIMATED, "there is no `in` for it: packets back are protected too");
	sbuf_add(to, "    child ");
	convert_write_side(to, &p->sel.src, p->sel.proto, p->sel.sport);
	sbuf_add(to, " = ");
	convert_write_side(to, &p->sel.dst, p->sel.proto, p->sel.dport);
	sbuf_add(to, " {\n");
	convert_write_child(k, p, to, x->say, x->arg);
	sbuf_add(to, "    }\n");
}

/* Letters that a name may have; no two addresses become one. */
static void write_name(struct sbuf *to, const struct inet_addr *a)
{
	char text[INET_ADDR_STRLEN];

	inet_addr_format(a, text);
	for (char *p = text; *p; p++)
		*p = *p == ':' || *p == '%' ? '-' : *p;
	sbuf_add(to, "peer-%s", text);
}

/* The connection with one peer, with all policies between the same two hosts. */
static void write_connection(struct conversion *x, const struct ike_peer *peer, uint32_t from,
    const struct inet_addr *local, const struct inet_addr *remote)
{
	AUTO_SBUF struct sbuf head, children;
	struct inet_addr a, b;

	sbuf_init(&head);
	sbuf_init(&children);
	x->n_children = 0;
	for (uint32_t i = from; i < x->in->n_policies; i++) {
		struct convert_policy *q = &x->in->policy[i];

		if (q->done || !ends_of(&q->p, &a, &b) || !inet_addr_equal(&b, remote))
			continue;
		if (inet_addr_equal(&a, local)) {
			write_one_child(x, peer, q, remote, &children);
		} else {
			q->done = true;
			tell_policy(x, q, CONVERT_DROPPED,
			    "another one with the same peer has another address of ours, and a connection "
			    "has one");
		}
	}
	x->peer_used[peer - x->in->ike->peer] = true;
	if (!children.len || !convert_write_peer(x->in, peer, local, remote, &head, x->say, x->arg))
		return;
	x->n_conns++;
	sbuf_add(x->to, "\n# remote %s, line %u\nconnection ", peer->addr.family ? peer->name : "anonymous",
	    peer->line);
	write_name(x->to, remote);
	sbuf_add(x->to, " {\n%s%s}\n", sbuf_str(&head), sbuf_str(&children));
	x->to->bad |= head.bad || children.bad;
}

static void write_tunnels(struct conversion *x)
{
	struct inet_addr local, remote;

	for (uint32_t i = 0; i < x->in->n_policies; i++) {
		struct convert_policy *q = &x->in->policy[i];
		const struct ike_peer *peer;

		if (q->done || q->p.dir != POLICY_OUT || q->p.action != POLICY_IPSEC)
			continue;
		if (!ends_of(&q->p, &local, &remote)) {
			q->done = true;
			tell_policy(x, q, CONVERT_DROPPED,
			    "a child has ESP or AH, compression inside of it, and two ends: this one is "
			    "something else");
			(void)take_mirror(x, &q->p);
			continue;
		}
		peer = x->in->ike ? ike_conf_find_peer(x->in->ike, &remote) : NULL;
		if (peer)
			write_connection(x, peer, i, &local, &remote);
		else
			tell_policy(
			    x, q, CONVERT_DROPPED, "no remote is for its peer: it was for keys set by hand");
		q->done = true;
		(void)take_mirror(x, &q->p);
	}
}

/* --- whoever comes --- */

static bool side_of_client(const struct ike_side *s, bool local, struct sbuf *to)
{
	const struct inet_prefix net = {
	    s->first, s->kind == IKE_SIDE_HOST ? inet_addr_bits(&s->first) : s->plen};

	if (s->kind == IKE_SIDE_ANY)
		sbuf_add(to, "any");
	else if (s->kind == IKE_SIDE_CLIENT && !local)
		sbuf_add(to, "remote");
	else if (local && (s->kind == IKE_SIDE_HOST || s->kind == IKE_SIDE_NET))
		convert_write_side(to, &net, s->proto, s->port);
	else
		return false;
	return true;
}

static void write_client_child(struct conversion *x, uint32_t i, struct sbuf *to)
{
	const struct ike_child *k = &x->in->ike->child[i];
	AUTO_SBUF struct sbuf sides;

	sbuf_init(&sides);
	sbuf_add(&sides, "    child ");
	x->child_used[i] = true;
	if (!side_of_client(&k->local, true, &sides) ||
	    (sbuf_add(&sides, " = "), !side_of_client(&k->remote, false, &sides))) {
		convert_tell(x->say, x->arg, CONVERT_DROPPED, k->file ? k->file : "", k->line,
		    "sainfo: for whoever comes a child has one prefix or any here, and any or the client "
		    "there");
		return;
	}
	sbuf_add(to, "%s {\n", sbuf_str(&sides));
	convert_write_child(k, NULL, to, x->say, x->arg);
	sbuf_add(to, "    }\n");
	to->bad |= sides.bad;
}

static void write_clients(struct conversion *x, const struct ike_peer *p)
{
	static const struct inet_addr any;
	AUTO_SBUF struct sbuf head, children;

	sbuf_init(&head);
	sbuf_init(&children);
	for (uint32_t i = 0; i < x->in->ike->n_children; i++) {
		const struct ike_child *k = &x->in->ike->child[i];

		if (!k->remoteid || k->remoteid == p->ph1id)
			write_client_child(x, i, &children);
	}
	if (!children.len || !convert_write_peer(x->in, p, &any, &any, &head, x->say, x->arg))
		return;
	x->n_conns++;
	sbuf_add(x->to, "\n# remote anonymous, line %u\nconnection anybody {\n%s%s}\n", p->line,
	    sbuf_str(&head), sbuf_str(&children));
	x->to->bad |= head.bad || children.bad;
}

/* --- what is left --- */

static void tell_unused(struct conversion *x)
{
	const struct ike_conf *c = x->in->ike;

	for (uint32_t i = 0; c && i < c->n_peers; i++)
		if (!x->peer_used[i])
			convert_tell(x->say, x->arg, CONVERT_DROPPED, c->peer[i].file ? c->peer[i].file : "",
			    c->peer[i].line, "remote %s: no policy is with it", c->peer[i].name);
	for (uint32_t i = 0; c && i < c->n_children; i++)
		if (!x->child_used[i])
			convert_tell(x->say, x->arg, CONVERT_DROPPED,
			    c->child[i].file ? c->child[i].file : "", c->child[i].line,
			    "sainfo: no policy wants it");
	for (uint32_t i = 0; i < x->in->n_policies; i++)
		if (!x->in->policy[i].done)
			tell_policy(x, &x->in->policy[i], CONVERT_DROPPED,
			    "an `in` or `fwd` without an `out` that is its mirror has no word");
}

static void write_all(struct conversion *x)
{
	const struct ike_conf *c = x->in->ike;

	sbuf_add(x->to, "# Converted from racoon.conf and setkey's policies; see postern.conf(5).\n");
	for (uint32_t i = 0; i < x->in->n_policies; i++)
		write_plain(x, i);
	write_tunnels(x);
	for (uint32_t i = 0; c && i < c->n_peers; i++)
		if (!c->peer[i].addr.family && c->peer[i].generate != IKE_GENERATE_OFF) {
			x->peer_used[i] = true;
			write_clients(x, &c->peer[i]);
		}
	tell_unused(x);
	convert_report_tree(x->in, x->say, x->arg);
}

int convert_write(struct convert_input *in, struct sbuf *to, convert_say_fn say, void *arg)
{
	AUTO_FREE bool *peers = calloc(in->ike ? in->ike->n_peers + 1U : 1, sizeof(bool));
	AUTO_FREE bool *children = calloc(in->ike ? in->ike->n_children + 1U : 1, sizeof(bool));
	struct conversion x = {
	    .in = in, .to = to, .say = say, .arg = arg, .peer_used = peers, .child_used = children};

	if (!peers || !children)
		return -ENOMEM;
	write_all(&x);
	return to->bad ? -ENOMEM : 0;
}
