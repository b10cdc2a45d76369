/*
 * Each rule has its sentence, because whoever reads it has two daemons that disagree and needs to know about
 * what. Of a grant's requests the one is spoken of that the SA comes nearest to.
 */
#include "datapathd/sa/granted.h"

#include <errno.h>

enum {
	SPI_FIRST = 0x100,     /* RFC 4303 section 2.1 */
	SPI_LAST = 0x0fffffff, /* as setkey's getspi */
	CPI_LAST = 61439,      /* RFC 3173 section 3.3 */
};

static const char *way_name(bool inbound)
{
	return inbound ? "inbound" : "outbound";
}

static const struct grant *grant_in_force(
    const struct sad *s, const struct grants *g, uint64_t id, struct err_text *e)
{
	const struct grant *grant = grants_find(g, id);

	if (!grant)
		(void)err_set(e, -EACCES, "policyd has told of no grant %llu", (unsigned long long)id);
	else if (grant->expires_ms <= clock_now_ms(s->clock))
		(void)err_set(
		    e, -EACCES, "grant %llu has expired: ask policyd again", (unsigned long long)id);
	else
		return grant;
	return NULL;
}

static int check_ends(const struct grant *g, const struct inet_addr *src, const struct inet_addr *dst,
    bool inbound, struct err_text *e)
{
	const struct inet_addr *from = inbound ? &g->remote : &g->local,
	                       *to = inbound ? &g->local : &g->remote;
	char allowed[2][INET_ADDR_STRLEN], asked[2][INET_ADDR_STRLEN];

	if (inet_addr_equal(src, from) && inet_addr_equal(dst, to))
		return 0;
	return err_set(e, -EACCES, "grant %llu is for %s SAs from %s to %s, not from %s to %s",
	    (unsigned long long)g->id, way_name(inbound), inet_addr_format(from, allowed[0]),
	    inet_addr_format(to, allowed[1]), inet_addr_format(src, asked[0]),
	    inet_addr_format(dst, asked[1]));
}

static bool is_allowed(alg_set set, unsigned alg)
{
	return !set || (alg < ALG_SET_NUMBERS && set >> alg & 1);
}

/* A cipher that authenticates by itself leaves nothing for the other list to say. */
static bool auth_is_allowed(const struct grant_request *q, const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);

	return (!d->auth && enc && enc->aead) || is_allowed(q->auth, d->auth);
}

/* How far an SA gets with a request: what it fails at. */
enum match { MATCH_PROTO = 0, MATCH_MODE, MATCH_REQID, MATCH_ENC, MATCH_AUTH, MATCH_ALL };

static bool is_for(const struct grant_request *q, bool inbound, uint32_t reqid)
{
	if (inbound)
		return reqid == q->reqid_in || sa_reqids_have(q->more_in, q->n_more_in, reqid);
	return reqid == q->reqid_out || sa_reqids_have(q->more_out, q->n_more_out, reqid);
}

/* Every policy that the SA is for is one of the grant's: it may be for fewer, as what was narrowed is. */
static bool serves_no_other(const struct grant_request *q, const struct granted_sa *sa)
{
	const struct sa_desc *d = sa->desc;
	bool ok = is_for(q, sa->inbound, d->reqid);

	for (uint16_t i = 0; ok && i < d->n_more; i++)
		ok = is_for(q, sa->inbound, d->more_reqids[i]);
	return ok;
}

static enum match match(const struct grant_request *q, const struct granted_sa *sa)
{
	const struct sa_desc *d = sa->desc;

	if (q->proto != d->proto)
		return MATCH_PROTO;
	if (q->mode != d->mode)
		return MATCH_MODE;
	if (!serves_no_other(q, sa))
		return MATCH_REQID;
	if (d->proto == IPSEC_IPCOMP)
		return MATCH_ALL;
	if (d->proto == IPSEC_ESP && !is_allowed(q->enc, d->enc))
		return MATCH_ENC;
	return auth_is_allowed(q, d) ? MATCH_ALL : MATCH_AUTH;
}

static const char *auth_word(const struct sa_desc *d)
{
	const struct alg_auth_info *a = alg_auth_by_id(d->auth);

	return a ? a->name : "none";
}

static int say_mismatch(const struct grant *g, const struct granted_sa *sa, enum match at, struct err_text *e)
{
	unsigned long long id = g->id;
	const struct sa_desc *d = sa->desc;

	switch (at) {
	case MATCH_PROTO:
		return err_set(e, -EACCES, "grant %llu allows no %s", id, ipsec_proto_name(d->proto));
	case MATCH_MODE:
		return err_set(e, -EACCES, "grant %llu allows no %s in mode %s", id,
		    ipsec_proto_name(d->proto), ipsec_mode_name(d->mode));
	case MATCH_REQID:
		return err_set(e, -EACCES, "grant %llu allows no %s SA of %s with reqid %u%s", id,
		    way_name(sa->inbound), ipsec_proto_name(d->proto), d->reqid,
		    d->n_more ? " and those beside it" : "");
	case MATCH_ENC:
		return err_set(e, -EACCES, "grant %llu does not allow the encryption algorithm %s", id,
		    alg_enc_by_id(d->enc)->name);
	default:
		return err_set(e, -EACCES, "grant %llu does not allow the authentication algorithm %s", id,
		    auth_word(d));
	}
}

static int check_requests(const struct grant *g, const struct granted_sa *sa, struct err_text *e)
{
	enum match nearest = MATCH_PROTO;

	for (unsigned i = 0; i < g->n_requests; i++) {
		enum match m = match(&g->req[i], sa);

		nearest = m > nearest ? m : nearest;
	}
	return nearest == MATCH_ALL ? 0 : say_mismatch(g, sa, nearest, e);
}

/* What holds for every negotiated SA, whatever was granted. */
static const char *habit_fault(const struct granted_sa *sa)
{
	const struct sa_desc *d = sa->desc;
	uint16_t our_port = sa->inbound ? d->encap.dport : d->encap.sport;

	if (!d->life.hard_s)
		return "a negotiated SA needs an end: its hard lifetime in seconds is missing";
	if (d->replay_bytes > GRANTED_WINDOW_MAX / 8)
		return "the replay window of a negotiated SA is at most 4096 packets";
	if (d->flags & SA_F_CYCLIC)
		return "the sequence numbers of a negotiated SA never begin again (RFC 4303 section 3.3.3)";
	if (d->proto == IPSEC_ESP && d->enc == ALG_ENC_NULL && !d->auth)
		return "esp with neither encryption nor authentication protects nothing (RFC 4303 section "
		       "3.2)";
	if (sa_is_encap(d) && our_port != SA_UDP_PORT)
		return "this host's port of a negotiated SA in UDP is 4500";
	return NULL;
}

static int check_asked(const struct grant *grant, const struct granted_spi *want, struct err_text *e)
{
	int r = check_ends(grant, &want->src, &want->dst, true, e);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < grant->n_requests; i++)
		if (grant->req[i].proto == want->proto)
			return 0;
	return err_set(e, -EACCES, "grant %llu allows no %s", (unsigned long long)grant->id,
	    ipsec_proto_name(want->proto));
}

/* A number alone lets nothing through: without a grant one is had as well, because version 2 names the first
 * child's before the peer has proved who it is (RFC 7296 section 1.2). To install under it takes a grant. */
int granted_reserve(struct sad *s, const struct grants *g, const struct granted_by *by,
    const struct granted_spi *want, struct rng *rng, uint32_t *ret_spi, struct err_text *e)
{
	const struct grant *grant;
	const struct larva l = {
	    .src = want->src, .dst = want->dst, .proto = want->proto, .pid = by->pid, .holder = by->holder};
	const struct larva *got;
	int r = 0;

	if (want->grant) {
		grant = grant_in_force(s, g, want->grant, e);
		r = grant ? check_asked(grant, want, e) : -EACCES;
	}
	if (r < 0)
		return r;
	r = sad_reserve(s, &l, SPI_FIRST, want->proto == IPSEC_IPCOMP ? CPI_LAST : SPI_LAST, rng, &got, e);
	if (r == 0)
		*ret_spi = got->spi;
	return r;
}

static struct larva *held(struct sad *s, const struct granted_by *by, const struct sa_ident *id)
{
	struct larva *l = larvae_find(&s->larvae, &id->dst, id->proto, id->spi);

	return l && l->holder == by->holder && inet_addr_equal(&l->src, &id->src) ? l : NULL;
}

bool granted_release(struct sad *s, const struct granted_by *by, const struct sa_ident *id)
{
	struct larva *l = held(s, by, id);

	if (l)
		larvae_remove(&s->larvae, l);
	return l != NULL;
}

void granted_holder_gone(struct sad *s, const void *holder)
{
	larvae_remove_held(&s->larvae, holder);
}

/* Inbound the number is ours, given out here; outbound it is the peer's, and must not be in use. */
static int check_spi(
    struct sad *s, const struct granted_by *by, const struct granted_sa *sa, struct err_text *e)
{
	static const struct inet_addr any;
	const struct sa_desc *d = sa->desc;
	const struct sa_ident id = {.src = d->src, .dst = d->dst, .proto = d->proto, .spi = d->spi};

	if (sa->inbound)
		return held(s, by, &id)
		           ? 0
		           : err_set(e, -EACCES,
		                 "%s SPI 0x%08x is not reserved for this negotiation, or not any more",
		                 ipsec_proto_name(d->proto), d->spi);
	if (sad_find(s, &any, &d->dst, d->proto, d->spi))
		return err_set(e, -EEXIST,
		    "the peer has chosen %s SPI 0x%08x, which an SA to it has already: remove that one, or "
		    "negotiate again",
		    ipsec_proto_name(d->proto), d->spi);
	return 0;
}

static int add(struct sad *s, const struct granted_by *by, const struct granted_sa *sa, sad_changed_fn fn,
    void *arg, uint64_t *ret_serial, struct err_text *e)
{
	struct sad_txn t;
	int r = sad_txn_init(&t, s);

	if (r < 0)
		return err_set(e, r, "%s", err_name(r));
	t.manual = false;
	t.partner = sa->partner;
	r = sad_txn_add(&t, sa->desc, sa->inbound, by->pid, ret_serial, e);
	if (r == 0)
		r = sad_txn_commit(&t, fn, arg, e);
	sad_txn_fini(&t);
	return r;
}

int granted_install(struct sad *s, const struct grants *g, const struct granted_by *by,
    const struct granted_sa *sa, sad_changed_fn fn, void *arg, uint64_t *ret_serial, struct err_text *e)
{
	const struct grant *grant = grant_in_force(s, g, sa->grant, e);
	const char *why;
	int r;

	if (!grant)
		return -EACCES;
	r = check_ends(grant, &sa->desc->src, &sa->desc->dst, sa->inbound, e);
	if (r == 0)
		r = check_requests(grant, sa, e);
	why = r == 0 ? habit_fault(sa) : NULL;
	if (why)
		r = err_set(e, -EACCES, "%s", why);
	if (r == 0)
		r = check_spi(s, by, sa, e);
	return r < 0 ? r : add(s, by, sa, fn, arg, ret_serial, e);
}

int granted_remove(struct sad *s, uint64_t serial, sad_changed_fn fn, void *arg, struct err_text *e)
{
	struct sa *sa = sad_find_serial(s, serial);

	if (!sa)
		return err_set(e, -ENOENT, "there is no SA %llu", (unsigned long long)serial);
	if (sa->facts.manual)
		return err_set(e, -EACCES, "SA %llu is root's: setkey added it, setkey deletes it",
		    (unsigned long long)serial);
	if (fn)
		fn(arg, "sa.delete", sa);
	sad_remove(s, sa, false);
	return 0;
}
