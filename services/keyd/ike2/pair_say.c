/*
 * A child's payloads in both directions. What the peer asks for is kept, because policyd has to be asked
 * before it can be judged; nothing of an answer is kept that has not been found to be whole.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rd.h"
#include "base/wr.h"
#include "keyd/core/ident.h"
#include "keyd/ike1/select.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/pair_more.h"
#include "wire/ike/v2_payload.h"

enum { NONCE_LEN = 32, CPI_LEN = 2, TRIES_MAX = 16 };

/* --- what the policy wants --- */

static bool is_between(const struct policy_request *r, const struct ike_path *path)
{
	return r->src.family == INET_NONE ||
	       (inet_addr_equal(&r->src, &path->local) && inet_addr_equal(&r->dst, &path->remote));
}

static uint32_t reqid_of(const struct policy_request *r)
{
	return r->level == LEVEL_UNIQUE ? r->reqid : 0;
}

static bool is_tunnel(const struct ike2_pair *p)
{
	for (uint8_t i = 0; i < p->n_parts; i++)
		if (p->part[i].mode == IPSEC_TUNNEL)
			return true;
	return false;
}

/* ESP or AH, the last of the policy's requests. */
static struct pair_part *shell(struct ike2_pair *p)
{
	return &p->part[p->n_parts - 1];
}

/* The parts from the policies. False: *ret_why. */
static bool plan(struct ike2_pair *p, const char **ret_why)
{
	uint8_t n = p->out.n_requests;

	*ret_why = "its policy has no request, or another number of them in each direction";
	if (!n || (p->has_in && p->in.n_requests != n))
		return false;
	*ret_why =
	    "its policy wants several protocols, which version 2 cannot negotiate at once: one of esp and "
	    "ah, and ipcomp in front of it";
	if (n > PAIR_PARTS_MAX || p->out.req[n - 1].proto == IPSEC_IPCOMP ||
	    (n == PAIR_PARTS_MAX && p->out.req[0].proto != IPSEC_IPCOMP))
		return false;
	*ret_why = "its policy has requests to another gateway than the peer";
	for (uint8_t i = 0; i < n; i++) {
		const struct policy_request *r = &p->out.req[i];

		if (!is_between(r, &p->sa->path))
			return false;
		p->part[i] = (struct pair_part){.proto = r->proto,
		    .mode = r->mode,
		    .reqid_out = reqid_of(r),
		    .reqid_in = p->has_in ? reqid_of(&p->in.req[i]) : 0};
	}
	p->n_parts = n;
	return true;
}

/* One side of the selector, as what the configuration's children are chosen by. */
static bool side_ident(const struct inet_prefix *side, const struct selector *s, uint16_t port,
    struct octets *body, struct ike1_ident *ret)
{
	struct ike_payload x = {.type = IKE1_P_ID};

	if (ident_side_body(side, s->proto, port, body) < 0)
		return false;
	x.body = body->p;
	x.len = (uint32_t)body->n;
	return ike1_ident_parse(&x, ret) == IKE_OK;
}

static bool find_conf(struct ike2_pair *p)
{
	const struct ikesa *sa = p->sa;
	const struct selector *s = &p->out.sel;
	struct octets a = {0}, b = {0};
	struct ike1_ident local, remote;

	if (side_ident(&s->src, s, s->sport, &a, &local) && side_ident(&s->dst, s, s->dport, &b, &remote))
		p->conf = select_child(
		    sa->conf->c, ike2_peer(sa), &sa->peer_id, &local, &remote, &sa->path.remote, NULL);
	octets_fini(&a);
	octets_fini(&b);
	core_conf_unref(p->held);
	p->held = core_conf_ref(sa->conf);
	return p->conf != NULL;
}

static bool take_policies(struct ike2_pair *p, const struct core_reply *r, const char **ret_why)
{
	p->out = *r->out;
	p->has_in = r->in != NULL;
	if (p->has_in)
		p->in = *r->in;
	if (!plan(p, ret_why))
		return false;
	*ret_why = "no child of the configuration fits the policy's selector and this peer";
	return find_conf(p);
}

static int make_nonce(struct ike2_pair *p, struct octets *to)
{
	uint8_t random[NONCE_LEN];

	p->sa->core->rng->fill(p->sa->core->rng, random, sizeof(random));
	return octets_set(to, random, sizeof(random));
}

/* Our half of a key exchange. */
static int make_ke(struct ike2_pair *p, enum alg_group group)
{
	uint8_t public[ALG_GROUP_PUBLIC_MAX];
	int r;

	p->dh = crypto_dh_free(p->dh);
	if (!group)
		return 0;
	r = crypto_dh_new(group, &p->dh);
	if (r == 0)
		r = crypto_dh_public(p->dh, public);
	return r < 0 ? r : octets_set(&p->ke, public, crypto_dh_public_len(group));
}

/* --- the initiator --- */

static void numbered(struct ike2_pair *p)
{
	pair_set_state(p, PAIR_READY);
	p->ready(p);
}

static void granted(struct ike2_pair *p)
{
	pair_ask_spis(p, numbered);
}

static void gathered(struct ike2_pair *p)
{
	if (p->in_auth)
		pair_ask_spis(p, numbered);
	else
		pair_ask_grant(p, granted);
}

/* Of several policies that a child serves the first may have gone while the others are there. */
static bool put_next_first(struct ike2_pair *p)
{
	const struct ike_row_also *next;

	if (!p->old || p->old_at == p->old->n_more)
		return false;
	next = &p->old->more[p->old_at++];
	p->out.id = next->policy;
	p->out.sel = next->sel;
	return true;
}

static void ask_own_policy(struct ike2_pair *p);

static void on_own_policy(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = container_of(w, struct ike2_pair, wait);
	const char *why = r->why;

	if (r->result < 0 || (!r->out && !put_next_first(p))) {
		pair_fail(p, 0, "policyd does not know the policy any more: %s", r->why);
		return;
	}
	if (!r->out)
		ask_own_policy(p);
	else if (!take_policies(p, r, &why))
		pair_fail(p, 0, "%s", why);
	else
		pair_ask_more(p, gathered);
}

static void ask_own_policy(struct ike2_pair *p)
{
	struct core *c = p->sa->core;
	int r = c->ports.match(c->ports.arg, parking_enter(&c->parking, &p->wait, on_own_policy), &p->out.sel,
	    &p->sa->path, false);

	if (r < 0)
		pair_fail(p, 0, "policyd cannot be asked: %s", err_name(r));
}

void pair_begin(struct ike2_pair *p, bool in_auth, pair_fn ready)
{
	p->in_auth = in_auth;
	p->ready = ready;
	pair_set_state(p, PAIR_MATCHING);
	pair_be_patient(p);
	ask_own_policy(p);
}

static void put_selectors(const struct ike2_pair *p, struct ike_out *o)
{
	struct selectors l;
	const struct ike2_ts_list *i = p->initiator ? &l.local : &l.remote,
	                          *r = p->initiator ? &l.remote : &l.local;

	pair_lists(p, &l);
	ike2_put_ts(o, IKE2_P_TS_I, i->ts, i->n);
	ike2_put_ts(o, IKE2_P_TS_R, r->ts, r->n);
}

/* Section 2.22: the CPI, and the one compression there is. */
static void put_comp(const struct ike2_pair *p, struct ike_out *o)
{
	const uint8_t data[] = {
	    (uint8_t)(p->part[0].spi_in >> 8), (uint8_t)p->part[0].spi_in, IKE2_IPCOMP_DEFLATE};

	ike2_put_note(o, IKE2_N_IPCOMP_SUPPORTED, data, sizeof(data));
}

static void put_rekeyed(const struct ike2_pair *p, struct ike_out *o)
{
	const struct child_part *old = &p->old->part[p->old->n_parts - 1];
	uint8_t spi[4];
	struct wr w = wr_init(spi, sizeof(spi));
	const struct ike2_notification n = {
	    .protocol = old->proto == IPSEC_AH ? IKE2_PROTO_AH : IKE2_PROTO_ESP,
	    .spi_len = sizeof(spi),
	    .type = IKE2_N_REKEY_SA,
	    .spi = spi};

	wr_u32(&w, old->spi_in);
	ike2_put_notify(o, &n);
}

int pair_put_request(struct ike2_pair *p, struct ike_out *o)
{
	bool renews = p->old != NULL;
	int r = 0;

	if (!p->in_auth) {
		if (!p->group)
			p->group = p->conf->pfs;
		r = make_nonce(p, &p->ni);
		if (r == 0)
			r = make_ke(p, p->group);
		if (r < 0)
			return r;
	}
	if (renews)
		put_rekeyed(p, o);
	if (p->n_parts == PAIR_PARTS_MAX)
		put_comp(p, o);
	if (!is_tunnel(p))
		ike2_put_note(o, IKE2_N_USE_TRANSPORT_MODE, NULL, 0);
	ike2_put_note(o, IKE2_N_TFC_PADDING_NOT_SUPPORTED, NULL, 0);
	offer_put_child(p->conf, shell(p)->proto, p->group, o, shell(p)->spi_in);
	if (!p->in_auth)
		ike_out_whole(o, IKE2_P_NONCE, p->ni.p, p->ni.n);
	if (p->dh)
		ike2_put_ke(o, (uint16_t)p->group, p->ke.p, p->ke.n);
	put_selectors(p, o);
	return wr_ok(&o->w) ? 0 : -EMSGSIZE;
}

/* *ret_cpi 0: it does not compress. False: malformed. */
static bool read_comp(const struct ike_chain *c, uint16_t *ret_cpi)
{
	struct ike2_notification n;
	struct rd r;
	uint16_t cpi;

	*ret_cpi = 0;
	if (!ike2_notify_find(c, IKE2_N_IPCOMP_SUPPORTED, &n))
		return true;
	r = rd_init(n.data, n.len);
	cpi = rd_u16(&r);
	if (rd_u8(&r) == IKE2_IPCOMP_DEFLATE)
		*ret_cpi = cpi;
	return rd_done(&r);
}

/* A peer that does not compress gets what is compressed by nobody: IPComp's level is `use`. */
static void drop_comp(struct ike2_pair *p)
{
	const struct core_ports *ports = &p->sa->core->ports;

	if (p->part[0].spi_in)
		ports->release(
		    ports->arg, &p->sa->path.remote, &p->sa->path.local, IPSEC_IPCOMP, p->part[0].spi_in);
	/* What it put into the tunnel, the shell does now. */
	p->part[1].mode = is_tunnel(p) ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
	p->part[0] = p->part[1];
	p->n_parts = 1;
}

static int take_selectors(struct ike2_pair *p, const struct ike_chain *c, const char **ret_why)
{
	struct selectors l;
	uint8_t unknown;

	*ret_why = "its traffic selectors are malformed";
	if (ike2_ts_parse(ike_chain_find(c, IKE2_P_TS_I, 0), &l.local, &unknown) != IKE_OK ||
	    ike2_ts_parse(ike_chain_find(c, IKE2_P_TS_R, 0), &l.remote, &unknown) != IKE_OK)
		return -EBADMSG;
	*ret_why = "it narrows the traffic to less than the policy has, and what it leaves out would be "
	           "lost: make the "
	           "policies of both sides the same";
	return pair_keep_agreed(p, &l) ? 0 : -ENOENT;
}

static int take_ke(struct ike2_pair *p, const struct ike_chain *c, struct octets *nonce, const char **ret_why)
{
	const struct ike_payload *n = ike_chain_find(c, IKE2_P_NONCE, 0),
	                         *ke = ike_chain_find(c, IKE2_P_KE, 0);
	struct ike2_ke k;

	*ret_why = "its nonce or key exchange is malformed, or missing";
	/* A peer that may do without has chosen to. */
	if (!p->terms.group)
		p->dh = crypto_dh_free(p->dh);
	if (!n || !ike2_nonce_ok(n) || !ke != !p->dh || octets_set(nonce, n->body, n->len) < 0)
		return -EBADMSG;
	if (!ke)
		return 0;
	if (ike2_ke_parse(ke, &k) != IKE_OK || k.group != p->terms.group ||
	    crypto_dh_shared(p->dh, k.data, k.len, &p->gir) < 0)
		return -EBADMSG;
	return 0;
}

int pair_take_answer(struct ike2_pair *p, const struct ike_chain *c, const char **ret_why)
{
	const struct ike_payload *sa = ike_chain_find(c, IKE2_P_SA, 0);
	struct ike2_notification n;
	struct offer_choice choice;
	struct ike2_sa theirs;
	uint16_t cpi;
	int r;

	*ret_why = "its answer to our proposals is malformed";
	if (ike2_sa_parse(sa->body, sa->len, &theirs) != IKE_OK || !read_comp(c, &cpi))
		return -EBADMSG;
	*ret_why = "its answer to our proposals is none of them";
	if (!offer_take_child(p->conf, shell(p)->proto, p->group, &theirs, &p->terms, &choice))
		return -ENOENT;
	*ret_why = "it wants the other one of tunnel and transport mode";
	if (ike2_notify_find(c, IKE2_N_USE_TRANSPORT_MODE, &n) == is_tunnel(p))
		return -ENOENT;
	r = take_selectors(p, c, ret_why);
	if (r == 0 && !p->in_auth)
		r = take_ke(p, c, &p->nr, ret_why);
	if (r < 0)
		return r;
	shell(p)->spi_out = offer_spi(&choice);
	if (p->n_parts == PAIR_PARTS_MAX && cpi)
		p->part[0].spi_out = cpi;
	else if (p->n_parts == PAIR_PARTS_MAX)
		drop_comp(p);
	return 0;
}

/* --- the responder --- */

int pair_take_request(struct ike2_pair *p, const struct ike_chain *c, const char **ret_why)
{
	const struct ike_payload *sa = ike_chain_find(c, IKE2_P_SA, 0),
	                         *n = ike_chain_find(c, IKE2_P_NONCE, 0),
	                         *ke = ike_chain_find(c, IKE2_P_KE, 0);
	struct ike2_notification note;
	struct ike2_sa theirs;
	struct ike2_ke k = {0};
	uint8_t unknown;

	*ret_why = "its proposals are malformed";
	if (ike2_sa_parse(sa->body, sa->len, &theirs) != IKE_OK || !read_comp(c, &p->comp_cpi))
		return -EBADMSG;
	*ret_why = "its traffic selectors are malformed";
	if (ike2_ts_parse(ike_chain_find(c, IKE2_P_TS_I, 0), &p->ts.remote, &unknown) != IKE_OK ||
	    ike2_ts_parse(ike_chain_find(c, IKE2_P_TS_R, 0), &p->ts.local, &unknown) != IKE_OK)
		return -EBADMSG;
	*ret_why = "its nonce or key exchange is malformed, or missing";
	if (!p->in_auth && (!n || !ike2_nonce_ok(n) || (ke && ike2_ke_parse(ke, &k) != IKE_OK)))
		return -EBADMSG;
	p->transport = ike2_notify_find(c, IKE2_N_USE_TRANSPORT_MODE, &note);
	p->ke_group = p->in_auth ? 0 : k.group;
	*ret_why = "out of memory";
	if (octets_set(&p->request, sa->body, sa->len) < 0)
		return -ENOMEM;
	if (p->in_auth)
		return 0;
	if (octets_set(&p->ni, n->body, n->len) < 0 || octets_set(&p->ke, k.data, k.len) < 0)
		return -ENOMEM;
	return 0;
}

static void opened_both(struct ike2_pair *p)
{
	p->ready(p);
}

/* A new pair sends at once; one that takes another's place lets that one send until the peer has our answer.
 */
static void opened(struct ike2_pair *p)
{
	if (p->old)
		p->ready(p);
	else
		pair_install(p, false, opened_both);
}

static void numbered_answer(struct ike2_pair *p)
{
	pair_install(p, true, opened);
}

static void granted_answer(struct ike2_pair *p)
{
	pair_ask_spis(p, numbered_answer);
}

/* The peer's public value is in `ke` until our own takes its place. 0; -EBADMSG; -errno. */
static int answer_ke(struct ike2_pair *p)
{
	struct octets peer = p->ke;
	int r;

	p->ke = (struct octets){0};
	r = make_ke(p, p->terms.group);
	if (r == 0 && p->dh)
		r = crypto_dh_shared(p->dh, peer.p, peer.n, &p->gir);
	octets_fini(&peer);
	return r;
}

/* The group that was chosen is not that of the peer's key exchange. */
static bool needs_other_ke(const struct ike2_pair *p)
{
	return p->terms.group && p->terms.group != p->ke_group;
}

static void choose(struct ike2_pair *p)
{
	const struct offer_pfs pfs = {.ke_group = p->ke_group,
	    .want = p->conf->pfs,
	    .optional = p->conf->pfs_optional,
	    .first = p->in_auth};
	struct ike2_sa theirs;
	int r;

	if (p->transport == is_tunnel(p)) {
		pair_fail(p, IKE2_N_NO_PROPOSAL_CHOSEN, "the peer wants %s mode, the policy the other one",
		    p->transport ? "transport" : "tunnel");
		return;
	}
	if (ike2_sa_parse(p->request.p, p->request.n, &theirs) != IKE_OK ||
	    !offer_choose_child(p->conf, shell(p)->proto, &theirs, &pfs, &p->terms, &p->choice)) {
		pair_fail(p, IKE2_N_NO_PROPOSAL_CHOSEN,
		    "none of the peer's proposals is one of ours: compare esp (or "
		    "ah) and pfs of both sides");
		return;
	}
	if (needs_other_ke(p)) {
		pair_fail(p, IKE2_N_INVALID_KE_PAYLOAD,
		    "the peer's key exchange is of group %u, ours of group %u: it "
		    "is told",
		    p->ke_group, p->terms.group);
		return;
	}
	shell(p)->spi_out = offer_spi(&p->choice);
	p->part[0].spi_out = p->n_parts == PAIR_PARTS_MAX ? p->comp_cpi : p->part[0].spi_out;
	if (p->n_parts == PAIR_PARTS_MAX && !p->comp_cpi)
		drop_comp(p);
	r = p->in_auth ? 0 : make_nonce(p, &p->nr);
	if (r == 0 && !p->in_auth)
		r = answer_ke(p);
	if (r < 0)
		pair_fail(p, r == -EBADMSG ? IKE2_N_INVALID_SYNTAX : 0, "the key exchange cannot be made: %s",
		    err_name(r));
	else
		pair_ask_grant(p, granted_answer);
}

static bool covers_us(const struct ike2_pair *p)
{
	struct selectors l;

	pair_lists(p, &l);
	return selectors_cover(&p->ts.local, &l.local.ts[0]) &&
	       selectors_cover(&p->ts.remote, &l.remote.ts[0]);
}

static void say_unacceptable(struct ike2_pair *p)
{
	char a[SELECTORS_STRLEN], b[SELECTORS_STRLEN];

	pair_fail(p, IKE2_N_TS_UNACCEPTABLE,
	    "no policy with this peer protects what it asks for, or a part of it: %s here, %s there",
	    selectors_format(&p->ts.local, a), selectors_format(&p->ts.remote, b));
}

static void on_policies(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = container_of(w, struct ike2_pair, wait);
	const char *why = "";
	bool fits;

	if (r->result < 0) {
		pair_fail(p, 0, "policyd does not answer: %s", r->why);
		return;
	}
	fits = r->out && r->in && take_policies(p, r, &why) && covers_us(p);
	if (fits)
		pair_ask_more(p, choose);
	else if (why[0] && !p->conf)
		pair_fail(p, IKE2_N_TS_UNACCEPTABLE, "%s", why);
	else
		pair_answer(p);
}

static void ask_policies(struct ike2_pair *p, const struct selector *s, bool within)
{
	struct core *c = p->sa->core;
	int r = c->ports.match(
	    c->ports.arg, parking_enter(&c->parking, &p->wait, on_policies), s, &p->sa->path, within);

	if (r < 0)
		pair_fail(p, 0, "policyd cannot be asked: %s", err_name(r));
}

/* A child of the configuration names its policies. Where none does, one combination of the peer's selectors
 * after the other is tried, until a policy lies in one: the first ones are of the packet that it wants the
 * pair for (section 2.9). */
void pair_answer(struct ike2_pair *p)
{
	uint8_t n = p->ts.remote.n;
	struct selector s;

	if (!p->chosen) {
		p->chosen = true;
		if (n && p->ts.local.n && pair_choose_own(p, &s)) {
			ask_policies(p, &s, false);
			return;
		}
	}
	while (n && p->try_at < TRIES_MAX && p->try_at / n < p->ts.local.n) {
		const struct ike2_ts *local = &p->ts.local.ts[p->try_at / n],
		                     *remote = &p->ts.remote.ts[p->try_at % n];

		p->try_at++;
		if (!selectors_span(local, remote, &s))
			continue;
		ask_policies(p, &s, true);
		return;
	}
	say_unacceptable(p);
}

void pair_put_answer(struct ike2_pair *p, struct ike_out *o)
{
	if (p->n_parts == PAIR_PARTS_MAX)
		put_comp(p, o);
	if (!is_tunnel(p))
		ike2_put_note(o, IKE2_N_USE_TRANSPORT_MODE, NULL, 0);
	ike2_put_note(o, IKE2_N_TFC_PADDING_NOT_SUPPORTED, NULL, 0);
	offer_put_child_answer(&p->terms, &p->choice, o, shell(p)->spi_in);
	if (!p->in_auth)
		ike_out_whole(o, IKE2_P_NONCE, p->nr.p, p->nr.n);
	if (p->dh)
		ike2_put_ke(o, (uint16_t)p->terms.group, p->ke.p, p->ke.n);
	put_selectors(p, o);
}
