/*
 * Each connection becomes a peer, and each of its selector pairs a child of that peer: number N of the one is
 * the ph1id of the other's remoteid. In version 2 the pairs of one child in the file are one set.
 */
#include "config/native/compile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ipsec/spd.h"

/* Of version 1: so often a message is repeated that a peer's return is noticed soon. */
enum { REPEAT_MS = 3000 };

struct compile {
	const struct native_conf *c;
	const struct native_host_facts *host;
	native_say_fn say;
	void *arg;
	struct native_plan *plan;
	struct spd *seen;             /* what children protect; a policy's number is its child's, from 1 */
	uint32_t n_faults, n_passing; /* of these so many may be gone in a moment */
	bool no_memory;
};

static bool fault(struct compile *x, const struct native_at *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool fault(struct compile *x, const struct native_at *at, const char *fmt, ...)
{
	char text[480];
	const struct native_note note = {.is_error = true,
	    .file = x->c->file[at->file],
	    .line = at->line,
	    .column = at->column,
	    .text = text,
	    .source = ""};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->say(x->arg, &note);
	x->n_faults++;
	return false;
}

static bool no_memory(struct compile *x)
{
	x->no_memory = true;
	return false;
}

/* --- addresses --- */

/* What a host says of the network before it is up. */
static void note_passing(struct compile *x, int r)
{
	x->n_passing += r == -EAGAIN || r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EADDRNOTAVAIL;
}

static bool find_host(struct compile *x, const struct native_conn *n, const struct native_host *h,
    enum inet_family family, struct inet_addr *ret)
{
	int r = 0;

	*ret = h->addr;
	if (h->kind == NATIVE_HOST_NAME)
		r = x->host->resolve(x->host->arg, h->name, family, ret);
	note_passing(x, r);
	return r == 0 || fault(x, &h->at, "connection %s: the name %s has no address now: %s", n->name,
	                     h->name, err_name(r));
}

/* Both of one family: an address decides, wherever it stands. */
static bool find_ends(
    struct compile *x, const struct native_conn *n, struct inet_addr *local, struct inet_addr *remote)
{
	enum inet_family family = n->remote.addr.family;
	bool ok =
	    find_host(x, n, &n->local, family, local) && find_host(x, n, &n->remote, local->family, remote);
	int r;

	if (!ok || n->remote.kind == NATIVE_HOST_ANY || local->family)
		return ok;
	r = x->host->source(x->host->arg, remote, local);
	note_passing(x, r);
	return r == 0 || fault(x, &n->remote.at, "connection %s: there is no way to its remote: %s", n->name,
	                     err_name(r));
}

/* --- the peer --- */

static bool add_offers(struct compile *x, const struct native_conn *n, struct ike_peer *p)
{
	p->offer = calloc(n->ike.n, sizeof(*p->offer));
	if (!p->offer)
		return no_memory(x);
	for (uint8_t i = 0; i < n->ike.n; i++) {
		const struct native_proposal *o = &n->ike.p[i];

		p->offer[p->n_offers++] = (struct ike_offer){.enc = o->enc,
		    .key_bits = o->key_bits,
		    .hash = o->hash,
		    .group = o->group,
		    .auth = native_auth_signs(n->auth) ? IKE_AUTH_RSA : IKE_AUTH_PSK,
		    .seconds = n->seconds,
		    .line = o->at.line ? o->at.line : n->at.line};
	}
	return true;
}

static bool add_identities(struct compile *x, const struct native_conn *n, struct ike_peer *p)
{
	if (n->local_id.kind)
		p->my_id = n->local_id;
	else if (n->auth == NATIVE_AUTH_CERTIFICATE)
		p->my_id = (struct ike_id){.kind = IKE_ID_DN};
	if (!n->n_remote_ids)
		return true;
	p->peer_id = calloc(n->n_remote_ids, sizeof(*p->peer_id));
	if (!p->peer_id)
		return no_memory(x);
	memcpy(p->peer_id, n->remote_id, n->n_remote_ids * sizeof(*p->peer_id));
	p->n_peer_ids = n->n_remote_ids;
	p->verify_identifier = true;
	return true;
}

static bool copy(struct compile *x, char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to || no_memory(x);
}

static bool add_texts(struct compile *x, const struct native_conn *n, struct ike_peer *p)
{
	bool ok = copy(x, &p->name, n->name) && copy(x, &p->file, x->c->file[n->at.file]) &&
	          copy(x, &p->cert, n->certificate) && copy(x, &p->key, n->key) &&
	          copy(x, &p->peer_cert, n->remote_certificate) && copy(x, &p->peer_key, n->remote_key);

	for (uint8_t i = 0; ok && i < n->n_authorities; i++)
		ok = copy(x, &p->ca[i], n->authority[i]);
	return ok;
}

/* Peers are told apart by their address before they have said anything. */
static bool is_alone(struct compile *x, const struct native_conn *n, const struct inet_addr *remote)
{
	const struct ike_conf *ike = x->plan->ike;

	for (uint32_t i = 0; i < ike->n_peers; i++)
		if (inet_addr_equal(&ike->peer[i].addr, remote))
			return fault(x, &n->remote.at,
			    "connection %s has the same remote as %s, and before a peer has said who it is "
			    "nothing else tells them apart: make them one connection with several children",
			    n->name, ike->peer[i].name);
	return true;
}

static bool add_peer(
    struct compile *x, const struct native_conn *n, const struct inet_addr *remote, uint32_t *ret_id)
{
	struct ike_peer *p = ike_conf_add_peer(x->plan->ike);

	if (!p)
		return no_memory(x);
	p->line = n->at.line;
	p->addr = *remote;
	p->version = n->version;
	if (p->version == 1)
		p->mode[p->n_modes++] = n->exchange ? n->exchange : IKE_MODE_MAIN;
	p->keep_up = n->keep == NATIVE_KEEP_UP;
	p->weak_certs = n->weak_certificates;
	p->passive = n->keep == NATIVE_KEEP_RESPOND;
	p->nat_traversal = n->encap;
	p->ike_frag = IKE_ON;
	p->dpd.delay_s = n->dpd_s;
	p->dpd.maxfail = n->dpd_tries;
	p->seconds = n->seconds;
	p->reauth_s = n->reauth_s;
	p->generate = n->remote.kind == NATIVE_HOST_ANY ? IKE_GENERATE_UNIQUE : IKE_GENERATE_OFF;
	if (native_auth_signs(n->remote_auth) != native_auth_signs(n->auth))
		p->peer_auth = native_auth_signs(n->remote_auth) ? IKE_AUTH_RSA : IKE_AUTH_PSK;
	p->ph1id = *ret_id = x->plan->ike->n_peers;
	return add_texts(x, n, p) && add_offers(x, n, p) && add_identities(x, n, p);
}

/* --- its children --- */

static bool has_enc(const struct ike_child *to, const struct native_proposal *p)
{
	for (uint8_t i = 0; i < to->n_enc; i++)
		if (to->enc[i].id == p->enc && to->enc[i].key_bits == p->key_bits)
			return true;
	return false;
}

static bool has_auth(const struct ike_child *to, const struct native_proposal *p)
{
	for (uint8_t i = 0; i < to->n_auth; i++)
		if (to->auth[i].id == p->auth)
			return true;
	return false;
}

static bool is_offered(const struct native_proposals *o, enum alg_enc enc, uint16_t bits, enum alg_auth auth)
{
	for (uint8_t i = 0; i < o->n; i++)
		if (o->p[i].enc == enc && o->p[i].key_bits == bits && o->p[i].auth == auth)
			return true;
	return false;
}

/* The model is every cipher with every hash, which must not say more than was written. */
static bool is_product(struct compile *x, const struct native_child *k, const struct ike_child *to)
{
	for (uint8_t i = 0; i < to->n_enc; i++) {
		bool alone = alg_enc_by_id(to->enc[i].id)->aead;

		for (uint8_t j = 0; j < to->n_auth && !alone; j++)
			if (!is_offered(&k->offers, to->enc[i].id, to->enc[i].key_bits, to->auth[j].id))
				return fault(x, &k->offers.p[0].at,
				    "its ciphers are not all with the same hashes, which key exchange wants: "
				    "write every pair, or leave some out");
	}
	return true;
}

static bool add_algorithms(struct compile *x, const struct native_child *k, struct ike_child *to)
{
	for (uint8_t i = 0; i < k->offers.n; i++) {
		const struct native_proposal *p = &k->offers.p[i];

		if (p->enc && !has_enc(to, p))
			to->enc[to->n_enc++] = (struct ike_child_enc){.id = p->enc, .key_bits = p->key_bits};
		if (p->auth && !has_auth(to, p))
			to->auth[to->n_auth++].id = p->auth;
	}
	if (k->compress)
		to->comp[to->n_comp++] = ALG_COMP_DEFLATE;
	to->says_comp = true;
	return is_product(x, k, to);
}

static struct ike_side side_of(const struct inet_prefix *p, uint16_t proto, uint16_t port)
{
	return (struct ike_side){.kind = inet_prefix_is_host(p) ? IKE_SIDE_HOST : IKE_SIDE_NET,
	    .first = p->addr,
	    .plen = p->plen,
	    .proto = proto,
	    .port = port};
}

static bool add_pair(struct compile *x, const struct native_conn *n, const struct native_child *k,
    uint32_t id, const struct ike_side *local, const struct ike_side *remote)
{
	struct ike_child *to = ike_conf_add_child(x->plan->ike);

	if (!to)
		return fault(x, &k->at, "there are too many selectors for key exchange: %d are enough",
		    IKE_CHILDREN_MAX);
	if (!copy(x, &to->file, x->c->file[k->at.file]))
		return false;
	to->line = k->at.line;
	to->local = *local;
	to->remote = *remote;
	to->remoteid = id;
	to->pfs = k->has_pfs ? k->pfs : n->ike.p[0].group;
	to->pfs_optional = n->version == 2 && !k->has_pfs;
	to->seconds = k->seconds;
	to->bytes = k->bytes;
	return add_algorithms(x, k, to);
}

static bool same_end(
    const struct inet_prefix *a, uint16_t a_port, const struct inet_prefix *b, uint16_t b_port)
{
	return a_port == b_port && inet_prefix_equal(a, b);
}

/* How many different selectors a side of these policies has. */
static uint32_t count_ends(const struct policy *p, uint32_t n, bool local)
{
	uint32_t different = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct selector *s = &p[i].sel;
		bool is_new = p[i].dir == POLICY_OUT;

		for (uint32_t k = 0; is_new && k < i; k++) {
			const struct selector *t = &p[k].sel;

			is_new = p[k].dir != POLICY_OUT || s->proto != t->proto ||
			         !(local ? same_end(&s->src, s->sport, &t->src, t->sport)
			                 : same_end(&s->dst, s->dport, &t->dst, t->dport));
		}
		different += is_new;
	}
	return different;
}

/* In version 2 one pair of SAs serves all that a child has, unless that is too much for a message. */
static bool goes_together(const struct native_conn *n, const struct policy *p, uint32_t n_policies)
{
	return n->version == 2 && n_policies > 2 && n_policies <= 2 * IKE_SET_MAX &&
	       count_ends(p, n_policies, true) <= IKE_SET_SIDES_MAX &&
	       count_ends(p, n_policies, false) <= IKE_SET_SIDES_MAX;
}

static bool is_end(const struct inet_prefix *p, const struct inet_addr *gateway)
{
	return inet_prefix_is_host(p) && inet_addr_equal(&p->addr, gateway);
}

/* What is behind a gateway has no place in a packet that goes between the two. */
static bool check_mode(struct compile *x, const struct native_child *k, const struct selector *s,
    const struct inet_addr *local, const struct inet_addr *remote)
{
	return k->mode != IPSEC_TRANSPORT || (is_end(&s->src, local) && is_end(&s->dst, remote)) ||
	       fault(x, &k->at,
	           "has mode transport, which is between the two gateways themselves: write local = remote, "
	           "or mode tunnel for what is behind them");
}

/* Of two children for the same packets only one would ever have any. */
static bool check_alone(struct compile *x, const struct native_child *k, const struct policy *p)
{
	const struct ike_conf *ike = x->plan->ike;
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];
	struct policy copy;
	int r;

	policy_copy(&copy, p);
	copy.id = ike->n_children; /* its child has just been added */
	r = spd_insert(x->seen, &copy, NULL);
	if (r == -EEXIST) {
		const struct ike_child *other =
		    &ike->child[spd_find(x->seen, p->dir, &p->sel)->policy.id - 1];

		return fault(x, &k->at, "protects %s = %s, as the child in line %u of %s does: leave one out",
		    inet_prefix_format(&p->sel.src, src), inet_prefix_format(&p->sel.dst, dst), other->line,
		    other->file);
	}
	return r == 0 || no_memory(x);
}

/* A policy that was made for the child has the selectors that are negotiated for it. */
static bool add_children(struct compile *x, const struct native_conn *n, const struct native_child *k,
    uint32_t id, const struct inet_addr *local, const struct inet_addr *remote)
{
	uint32_t from = x->plan->n_policies, set = 0;
	int r = native_compile_tunnel(x->plan, k, local, remote);

	if (r == -ENOMEM)
		return no_memory(x);
	if (r < 0)
		return fault(x, &k->at, "there are too many policies in this configuration");
	/* Counted in each connection: others that come or go change nothing here. */
	if (goes_together(n, x->plan->policy + from, x->plan->n_policies - from))
		set = (uint32_t)(k - n->child) + 1;
	for (uint32_t i = from; i < x->plan->n_policies; i++) {
		const struct selector *s = &x->plan->policy[i].sel;
		const struct ike_side here = side_of(&s->src, s->proto, s->sport);
		const struct ike_side there = side_of(&s->dst, s->proto, s->dport);

		if (x->plan->policy[i].dir != POLICY_OUT)
			continue;
		if (!check_mode(x, k, s, local, remote) || !add_pair(x, n, k, id, &here, &there) ||
		    !check_alone(x, k, &x->plan->policy[i]))
			return false;
		x->plan->ike->child[x->plan->ike->n_children - 1].set = set;
	}
	return true;
}

/* Whoever comes has a policy made for what was agreed on: one child for all, since nothing is known before.
 */
static bool add_for_any(
    struct compile *x, const struct native_conn *n, const struct native_child *k, uint32_t id)
{
	const struct ike_side any = {.kind = IKE_SIDE_ANY, .proto = IPPROTO_ANY_};
	const struct native_ts *local = &k->local.ts[0];
	struct inet_prefix p;
	struct ike_side here = any;

	if (k->local.n != 1 || k->remote.n != 1 || local->kind == NATIVE_TS_RANGE ||
	    local->kind == NATIVE_TS_SELF ||
	    (k->remote.ts[0].kind != NATIVE_TS_ANY && k->remote.ts[0].kind != NATIVE_TS_SELF))
		return fault(x, &k->at,
		    "with `remote any` a child has one prefix or `any` on this side, and `any` or `remote` "
		    "on "
		    "the other");
	if (local->kind == NATIVE_TS_PREFIX) {
		p = (struct inet_prefix){local->first, local->plen};
		here = side_of(&p, local->proto, local->port);
	}
	const struct ike_side there = {
	    .kind = k->remote.ts[0].kind == NATIVE_TS_SELF ? IKE_SIDE_CLIENT : IKE_SIDE_ANY,
	    .proto = IPPROTO_ANY_};

	return add_pair(x, n, k, id, &here, &there);
}

static void add_connection(struct compile *x, const struct native_conn *n)
{
	struct inet_addr local, remote;
	uint32_t id;
	bool ok = find_ends(x, n, &local, &remote) && is_alone(x, n, &remote) && add_peer(x, n, &remote, &id);

	for (uint8_t i = 0; ok && i < n->n_children; i++)
		ok = n->remote.kind == NATIVE_HOST_ANY
		         ? add_for_any(x, n, &n->child[i], id)
		         : add_children(x, n, &n->child[i], id, &local, &remote);
}

/* Plain policies first: they are the exceptions. */
static void add_plain(struct compile *x)
{
	for (uint32_t i = 0; i < x->c->n_policies && !x->no_memory; i++) {
		int r = native_compile_plain(x->plan, &x->c->policy[i]);

		if (r == -ENOMEM)
			(void)no_memory(x);
		else if (r < 0)
			(void)fault(
			    x, &x->c->policy[i].at, "there are too many policies in this configuration");
	}
}

int native_compile(const struct native_conf *c, const struct native_host_facts *host, native_say_fn say,
    void *arg, struct native_plan *ret)
{
	AUTO_NATIVE_PLAN struct native_plan plan = {.ike = ike_conf_new()};
	struct compile x = {.c = c, .host = host, .say = say, .arg = arg, .plan = &plan};

	AUTO_SPD struct spd *seen = NULL;

	if (!plan.ike || spd_new(&seen) < 0)
		return -ENOMEM;
	x.seen = seen;
	plan.ike->timers.interval_ms = REPEAT_MS;
	add_plain(&x);
	for (uint32_t i = 0; i < c->n_conns && !x.no_memory; i++)
		add_connection(&x, &c->conn[i]);
	if (x.no_memory)
		return -ENOMEM;
	if (x.n_faults)
		return x.n_faults == x.n_passing ? -EAGAIN : -EINVAL;
	*ret = plan;
	plan = (struct native_plan){0};
	return 0;
}

void native_plan_fini(struct native_plan *p)
{
	p->ike = ike_conf_free(p->ike);
	free(p->policy);
	p->policy = NULL;
}
