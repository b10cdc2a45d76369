/*
 * Exact comparison: type, addresses, port and protocol, as racoon has it; `anonymous` fits everything.
 */
#include "keyd/ike1/select.h"

#include <string.h>

#include "keyd/core/ident.h"

static enum ike_side_kind kind_of(const struct ike1_ident *id)
{
	switch (id->type) {
	case IKE1_ID_IPV4:
	case IKE1_ID_IPV6:
		return IKE_SIDE_HOST;
	case IKE1_ID_IPV4_SUBNET:
	case IKE1_ID_IPV6_SUBNET:
		return IKE_SIDE_NET;
	case IKE1_ID_IPV4_RANGE:
	case IKE1_ID_IPV6_RANGE:
		return IKE_SIDE_RANGE;
	default:
		return IKE_SIDE_NAME;
	}
}

static bool upper_fits(const struct ike_side *s, const struct ike1_ident *id)
{
	uint16_t proto = id->proto ? id->proto : IPPROTO_ANY_;

	return s->proto == proto && s->port == id->port;
}

static bool addresses_fit(const struct ike_side *s, const struct ike1_ident *id)
{
	struct inet_prefix net = {.addr = s->first, .plen = s->plen};
	struct inet_addr first, last, want_first = s->first, want_last = s->last;

	if (ike1_ident_range(id, &first, &last) != IKE_OK)
		return false;
	if (s->kind == IKE_SIDE_NET) {
		want_first = inet_prefix_first(&net);
		want_last = inet_prefix_last(&net);
	} else if (s->kind == IKE_SIDE_HOST) {
		want_last = want_first;
	}
	return inet_addr_equal(&first, &want_first) && inet_addr_equal(&last, &want_last);
}

static bool is_client(const struct ike1_ident *id, const struct inet_addr *peer_addr)
{
	struct inet_addr first, last;

	return ike1_ident_range(id, &first, &last) == IKE_OK && inet_addr_equal(&first, &last) &&
	       inet_addr_equal(&first, peer_addr);
}

/* A policy's own side is said as the range that a sainfo has around it. */
static bool range_holds(const struct ike_side *s, const struct ike1_ident *id)
{
	struct inet_addr first, last;

	return kind_of(id) != IKE_SIDE_NAME && upper_fits(s, id) &&
	       ike1_ident_range(id, &first, &last) == IKE_OK && first.family == s->first.family &&
	       inet_addr_cmp(&s->first, &first) <= 0 && inet_addr_cmp(&last, &s->last) <= 0;
}

/* `own`: a side of our own policy, as it would be said without a sainfo. */
static bool side_fits(
    const struct ike_side *s, const struct ike1_ident *id, const struct inet_addr *peer_addr, bool own)
{
	if (own && s->kind == IKE_SIDE_RANGE)
		return range_holds(s, id);
	switch (s->kind) {
	case IKE_SIDE_ANY:
		return true;
	case IKE_SIDE_CLIENT:
		return is_client(id, peer_addr);
	case IKE_SIDE_NAME:
		return false; /* what is negotiated has addresses; the reader warns */
	default:
		return kind_of(id) == s->kind && upper_fits(s, id) && addresses_fit(s, id);
	}
}

/* `from`: without data any identity of its kind will do. */
static bool from_fits(const struct ike_child *k, const struct ike_id *id)
{
	bool same_kind = k->from.kind == id->kind || (k->from.kind == IKE_ID_DN && id->kind == IKE_ID_DN_DER);

	if (!k->has_from)
		return true;
	return same_kind && (!k->from.len || ike_id_fits(&k->from, id));
}

static bool group_fits(const struct ike_child *k, const char *groups)
{
	return !k->group || ike_list_has(groups, k->group, strlen(k->group));
}

static const struct ike_child *choose(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups, bool own)
{
	for (uint32_t i = 0; i < c->n_children; i++) {
		const struct ike_child *k = &c->child[i];

		if ((!k->remoteid || k->remoteid == peer->ph1id) && group_fits(k, groups) &&
		    from_fits(k, peer_id) && side_fits(&k->local, local, peer_addr, own) &&
		    side_fits(&k->remote, remote, peer_addr, own))
			return k;
	}
	return NULL;
}

const struct ike_child *select_child(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups)
{
	return choose(c, peer, peer_id, local, remote, peer_addr, groups, false);
}

const struct ike_child *select_own(const struct ike_conf *c, const struct ike_peer *peer,
    const struct ike_id *peer_id, const struct ike1_ident *local, const struct ike1_ident *remote,
    const struct inet_addr *peer_addr, const char *groups)
{
	return choose(c, peer, peer_id, local, remote, peer_addr, groups, true);
}

bool select_own_side(const struct inet_prefix *side, const struct selector *s, uint16_t port,
    struct octets *body, struct ike1_ident *ret)
{
	struct ike_payload p = {.type = IKE1_P_ID};

	if (ident_side_body(side, s->proto, port, body) < 0)
		return false;
	p.body = body->p;
	p.len = (uint32_t)body->n;
	return ike1_ident_parse(&p, ret) == IKE_OK;
}

/* Counted from the end, so that more is more particular; 0: none fits. */
static uint32_t particular(const struct ike_conf *c, const struct ike_peer *peer,
    const struct inet_addr *addr, const struct ike1_ident *local, const struct ike1_ident *remote)
{
	for (uint32_t i = 0; i < c->n_children; i++) {
		const struct ike_child *k = &c->child[i];

		if ((!k->remoteid || k->remoteid == peer->ph1id) && side_fits(&k->local, local, addr, true) &&
		    side_fits(&k->remote, remote, addr, true))
			return c->n_children - i;
	}
	return 0;
}

/* The two sides of a policy, as they will be said. */
struct sides {
	struct octets body[2];
	struct ike1_ident local, remote;
};

static bool take_sides(const struct selector *out, struct sides *s)
{
	return out && select_own_side(&out->src, out, out->sport, &s->body[0], &s->local) &&
	       select_own_side(&out->dst, out, out->dport, &s->body[1], &s->remote);
}

static void sides_fini(struct sides *s)
{
	octets_fini(&s->body[0]);
	octets_fini(&s->body[1]);
}

bool select_fits(const struct ike_conf *c, const struct ike_peer *peer, const struct inet_addr *addr,
    const struct selector *out)
{
	AUTO(sides_fini) struct sides s = {0};

	return take_sides(out, &s) && particular(c, peer, addr, &s.local, &s.remote);
}

/* What speaks for one, the weightier first. */
struct merit {
	bool begins;
	uint32_t particular;
	bool port;
};

static bool is_better(const struct merit *a, const struct merit *b)
{
	if (a->begins != b->begins)
		return a->begins;
	if (a->particular != b->particular)
		return a->particular > b->particular;
	return a->port && !b->port;
}

const struct ike_peer *select_remote(
    const struct ike_conf *c, const struct inet_addr *addr, const struct selector *out)
{
	const struct ike_peer *first = ike_conf_find_peer(c, addr), *best = NULL;
	AUTO(sides_fini) struct sides s = {0};
	bool known = take_sides(out, &s);
	struct merit most = {0};

	for (const struct ike_peer *p = first; p; p = ike_conf_next_peer(c, p)) {
		const struct merit m = {.begins = !p->passive,
		    .particular = known ? particular(c, p, addr, &s.local, &s.remote) : 0,
		    .port = p->port == IKE_PORT};

		if (!p->n_modes || (best && !is_better(&m, &most)))
			continue;
		best = p;
		most = m;
	}
	return best ? best : first;
}
