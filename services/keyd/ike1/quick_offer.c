/*
 * What is protected how comes from the policy, never from sainfo: each of its requests is one protocol of one
 * proposal, and sainfo's lists are the transforms (racoon-conf.md section 5.3).
 */
#include <errno.h>

#include "base/rd.h"
#include "base/wr.h"
#include "keyd/ike1/life.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/rejected.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "wire/ike/v1_sa.h"
#include "wire/ike/v1_transform.h"

enum { SPI_LEN = 4, CPI_LEN = 2, OFFER_NUMBER = 1, DEFLATE = 2 };

static bool is_between(const struct policy_request *r, const struct ike_path *path)
{
	return r->src.family == INET_NONE ||
	       (inet_addr_equal(&r->src, &path->local) && inet_addr_equal(&r->dst, &path->remote));
}

static uint32_t reqid_of(const struct policy_request *r)
{
	return r->level == LEVEL_UNIQUE ? r->reqid : 0;
}

bool quick_plan(struct quick *q, const char **ret_why)
{
	*ret_why = "its policy has no request, or another number of them in each direction";
	if (!q->out.n_requests || (q->has_in && q->in.n_requests != q->out.n_requests))
		return false;
	for (uint8_t i = 0; i < q->out.n_requests; i++) {
		const struct policy_request *r = &q->out.req[i];

		*ret_why = "its policy has requests to several gateways: these have to be negotiated with "
		           "each of them";
		if (!is_between(r, &q->sa->path))
			return false;
		q->part[i].proto = r->proto;
		q->part[i].mode = r->mode;
		q->part[i].reqid_out = reqid_of(r);
		q->part[i].reqid_in = q->has_in ? reqid_of(&q->in.req[i]) : 0;
	}
	q->n_parts = q->out.n_requests;
	return true;
}

/* RFC 3947 section 5.1; IPComp is inside of what is encapsulated. */
static uint16_t encap_of(const struct quick *q, const struct quick_part *p)
{
	bool tunnel = p->mode == IPSEC_TUNNEL;

	if (!nat_found(q->sa) || p->proto == IPSEC_IPCOMP)
		return tunnel ? IKE1_ENCAP_TUNNEL : IKE1_ENCAP_TRANSPORT;
	if (q->sa->nat_form == NAT_DRAFT_02)
		return tunnel ? IKE1_ENCAP_UDP_TUNNEL_DRAFT : IKE1_ENCAP_UDP_TRANSPORT_DRAFT;
	return tunnel ? IKE1_ENCAP_UDP_TUNNEL : IKE1_ENCAP_UDP_TRANSPORT;
}

/* Our terms, as an offer and to compare with. */
static struct ike1_terms own_terms(const struct quick *q)
{
	return (struct ike1_terms){
	    .seconds = q->conf->seconds, .kilobytes = q->conf->bytes / 1024, .group = (uint16_t)q->conf->pfs};
}

static bool needs_auth(enum alg_enc enc)
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	return a && !a->aead;
}

/* One of the transforms that the configuration allows for a request. */
struct choice {
	uint8_t transform;
	enum alg_enc enc;
	uint16_t bits;
	enum alg_auth auth;
	enum alg_comp comp;
};

/* The n-th, encryption the outer loop, both in the order of the file; false: there are not so many. */
static bool esp_at(const struct ike_child *k, uint32_t n, struct choice *ret)
{
	for (uint8_t i = 0; i < k->n_enc; i++) {
		uint32_t wide = needs_auth(k->enc[i].id) ? k->n_auth : 1;

		if (n < wide) {
			*ret = (struct choice){.transform = ike1_esp_transform(k->enc[i].id),
			    .enc = k->enc[i].id,
			    .bits = ike1_wire_bits(k->enc[i].id, k->enc[i].key_bits),
			    .auth = needs_auth(k->enc[i].id) ? k->auth[n].id : ALG_AUTH_NONE};
			return true;
		}
		n -= wide;
	}
	return false;
}

static bool choice_at(const struct quick *q, enum ipsec_proto proto, uint32_t n, struct choice *ret)
{
	const struct ike_child *k = q->conf;

	switch (proto) {
	case IPSEC_ESP:
		return esp_at(k, n, ret);
	case IPSEC_AH:
		if (n >= k->n_auth)
			return false;
		*ret = (struct choice){.transform = ike1_ah_transform(k->auth[n].id), .auth = k->auth[n].id};
		return true;
	default:
		if (n >= k->n_comp)
			return false;
		*ret = (struct choice){.transform = DEFLATE, .comp = k->comp[n]};
		return true;
	}
}

/* What cannot be said in version 1's numbers, or would protect nothing, is left out. */
static bool can_offer(enum ipsec_proto proto, const struct choice *c)
{
	bool idle =
	    c->auth == ALG_AUTH_NONE && (proto == IPSEC_AH || (proto == IPSEC_ESP && c->enc == ALG_ENC_NULL));

	return c->transform && !idle;
}

static uint8_t count(const struct quick *q, enum ipsec_proto proto)
{
	struct choice c;
	uint32_t n = 0;

	for (uint32_t i = 0; n < UINT8_MAX && choice_at(q, proto, i, &c); i++)
		n += can_offer(proto, &c);
	return (uint8_t)n;
}

static struct ike1_open_part open_proposal(
    struct ike_out *o, bool last, uint8_t number, const struct quick_part *p, uint8_t n)
{
	const uint8_t spi[SPI_LEN] = {(uint8_t)(p->spi_in >> 24), (uint8_t)(p->spi_in >> 16),
	    (uint8_t)(p->spi_in >> 8), (uint8_t)p->spi_in};
	uint8_t len = p->proto == IPSEC_IPCOMP ? CPI_LEN : SPI_LEN;

	return ike1_put_proposal(o, last, number, ike1_wire_proto(p->proto), spi + SPI_LEN - len, len, n);
}

static void put_transforms(const struct quick *q, const struct quick_part *p, struct ike_out *o, uint8_t n)
{
	const struct ike1_terms terms = own_terms(q);
	uint8_t number = 0;
	struct choice c;

	for (uint32_t i = 0; number < n && choice_at(q, p->proto, i, &c); i++) {
		const struct ike1_phase2 t = {.encap = encap_of(q, p),
		    .auth = ike1_auth_attr(c.auth),
		    .group = terms.group,
		    .key_bits = c.bits,
		    .life = {terms.seconds, terms.kilobytes}};
		struct ike1_open_part part;

		if (!can_offer(p->proto, &c))
			continue;
		number++;
		part = ike1_put_transform(o, number == n, number, c.transform);
		ike1_put_phase2(o, &t);
		ike1_end_part(o, part);
	}
}

void quick_put_offer(struct quick *q, struct ike_out *o)
{
	ike1_put_sa(o);
	for (uint8_t i = 0; i < q->n_parts; i++) {
		uint8_t n = count(q, q->part[i].proto);
		struct ike1_open_part p = open_proposal(o, i + 1 == q->n_parts, OFFER_NUMBER, &q->part[i], n);

		/* One without a transform would be malformed; what cannot be offered cannot be negotiated. */
		if (!n)
			o->w.bad = true;
		put_transforms(q, &q->part[i], o, n);
		ike1_end_part(o, p);
	}
}

void quick_put_answer(struct quick *q, struct ike_out *o)
{
	ike1_put_sa(o);
	for (uint8_t i = 0; i < q->n_parts; i++) {
		const struct quick_part *p = &q->part[i];
		struct ike1_open_part a = open_proposal(o, i + 1 == q->n_parts, p->proposal, p, 1),
		                      t = ike1_put_transform(o, true, p->transform, p->transform_id);

		wr_bytes(&o->w, p->attrs.p, p->attrs.n);
		ike1_end_part(o, t);
		ike1_end_part(o, a);
	}
}

/* Whether a transform is one of ours; `exact`: the key length may not differ. */
static bool is_ours(const struct quick *q, const struct quick_part *p, const struct ike1_transform *t,
    const struct ike1_phase2 *w, bool exact, struct choice *ret)
{
	enum proposal_check check = exact ? CHECK_EXACT : isakmp_peer(q->sa)->check;

	for (uint32_t i = 0; choice_at(q, p->proto, i, ret); i++) {
		uint16_t bits = w->key_bits ? w->key_bits : ike1_wire_bits(ret->enc, 0);
		const struct alg_enc_info *a = alg_enc_by_id(ret->enc);

		if (!can_offer(p->proto, ret) || ret->transform != t->id ||
		    ike1_auth_attr(ret->auth) != w->auth)
			continue;
		if (!ike1_bits_fit(check, ret->bits, bits))
			continue;
		ret->bits = ret->bits ? bits : 0;
		if (a && !alg_enc_keylen_ok(a, ike1_enc_key_len(ret->enc, ret->bits)))
			continue;
		return true;
	}
	return false;
}

/* AH names its algorithm twice (RFC 2407 section 4.4.3.1), some peers only once. */
static uint16_t said_auth(enum ipsec_proto proto, const struct ike1_transform *t, const struct ike1_phase2 *w)
{
	enum { AH_MD5 = 2, AH_SHA1 = 3 };

	if (proto != IPSEC_AH || w->auth)
		return w->auth;
	return t->id == AH_MD5 || t->id == AH_SHA1 ? t->id - 1U : t->id;
}

static bool take_spi(const struct ike1_proposal *p, uint32_t *ret)
{
	struct rd r = rd_init(p->spi, p->spi_len);

	if (p->spi_len == SPI_LEN)
		*ret = rd_u32(&r);
	else if (p->spi_len == CPI_LEN && p->protocol == IKE1_PROTO_IPCOMP)
		*ret = rd_u16(&r);
	else
		return false;
	return true;
}

static void set_part(struct quick_part *p, const struct choice *c, uint32_t spi)
{
	p->enc = c->enc;
	p->wire_bits = c->bits;
	p->auth = c->auth;
	p->comp = c->comp;
	p->spi_out = spi;
}

/* One transform against one part. */
static bool decode(
    const struct quick *q, const struct quick_part *p, const struct ike1_transform *t, struct ike1_phase2 *w)
{
	uint16_t unknown;

	if (ike1_phase2_decode(t, w, &unknown) != IKE_OK || unknown || w->esn)
		return false;
	w->auth = said_auth(p->proto, t, w);
	/* IPComp's mode may be left out (RFC 3173 section 4.1). */
	return w->encap == encap_of(q, p) || (p->proto == IPSEC_IPCOMP && !w->encap);
}

/* Lifetimes and group of all protocols of a proposal are one. */
static bool merge_terms(struct ike1_terms *all, bool first, const struct ike1_phase2 *w)
{
	if (!first && all->group != w->group)
		return false;
	all->group = w->group;
	if (w->life.seconds && (!all->seconds || w->life.seconds < all->seconds))
		all->seconds = w->life.seconds;
	if (w->life.kilobytes && (!all->kilobytes || w->life.kilobytes < all->kilobytes))
		all->kilobytes = w->life.kilobytes;
	return true;
}

static bool choose_transform(struct quick *q, struct quick_part *p, const struct ike1_sa *s,
    const struct ike1_proposal *pr, bool first, struct ike1_terms *terms)
{
	uint32_t spi;

	for (uint8_t k = 0; take_spi(pr, &spi) && k < pr->n_transforms; k++) {
		const struct ike1_transform *t = &s->transform[pr->first + k];
		struct ike1_phase2 w;
		struct choice c;

		if (!decode(q, p, t, &w) || !is_ours(q, p, t, &w, false, &c) ||
		    !merge_terms(terms, first, &w))
			continue;
		set_part(p, &c, spi);
		p->proposal = pr->number;
		p->transform = t->number;
		p->transform_id = t->id;
		return octets_set(&p->attrs, t->attrs, t->attrs_len) == 0;
	}
	return false;
}

/* The proposals with one number, from index `at` on: all our parts, each once. */
static bool choose_group(
    struct quick *q, const struct ike1_sa *s, uint8_t at, uint8_t n, struct ike1_terms *terms)
{
	bool used[IKE1_PROPOSALS_MAX] = {false};

	*terms = (struct ike1_terms){0};
	if (n != q->n_parts)
		return false;
	for (uint8_t i = 0; i < n; i++) {
		bool found = false;

		for (uint8_t k = 0; k < n && !found; k++) {
			const struct ike1_proposal *pr = &s->proposal[at + k];

			if (used[k] || pr->protocol != ike1_wire_proto(q->part[i].proto))
				continue;
			found = used[k] = choose_transform(q, &q->part[i], s, pr, i == 0, terms);
		}
		if (!found)
			return false;
	}
	return true;
}

static int judge_terms(struct quick *q, const struct ike1_terms *peer, struct err_text *e)
{
	static const char *const texts[] = {[IKE1_TERMS_LONG_SECONDS] = "long lifetime proposed",
	    [IKE1_TERMS_LONG_KILOBYTES] = "long lifebyte proposed",
	    [IKE1_TERMS_OTHER_SECONDS] = "lifetime mismatched",
	    [IKE1_TERMS_OTHER_KILOBYTES] = "lifebyte mismatched",
	    [IKE1_TERMS_GROUP] = "pfs group mismatched"};
	const struct ike1_terms own = own_terms(q);
	enum ike1_verdict2 v = ike1_terms2(isakmp_peer(q->sa)->check, &own, peer, &q->terms, &q->tell_life);

	if (v == IKE1_TERMS_OK)
		return 0;
	if (v == IKE1_TERMS_GROUP)
		return err_set(e, -ENOENT, "%s: my:%u peer:%u", texts[v], own.group, peer->group);
	return err_set(e, -ENOENT, "%s: my:%llu peer:%llu", texts[v],
	    (unsigned long long)(v == IKE1_TERMS_LONG_SECONDS || v == IKE1_TERMS_OTHER_SECONDS
	                             ? own.seconds
	                             : own.kilobytes),
	    (unsigned long long)(v == IKE1_TERMS_LONG_SECONDS || v == IKE1_TERMS_OTHER_SECONDS
	                             ? peer->seconds
	                             : peer->kilobytes));
}

int quick_choose(struct quick *q, struct err_text *e)
{
	struct ike1_terms terms;
	bool fits = false;
	struct ike1_sa s;
	int r = -ENOENT;

	if (ike1_sa_parse(q->request.p, q->request.n, &s) != IKE_OK)
		return err_set(e, -EBADMSG, "the proposal is malformed");
	(void)err_set(e, r, "no suitable proposal found");
	for (uint8_t at = 0, n; at < s.n_proposals && r < 0; at = (uint8_t)(at + n)) {
		for (n = 1; at + n < s.n_proposals && s.proposal[at + n].number == s.proposal[at].number; n++)
			;
		if (q->shapes && !quick_shape(q, &s, at, n))
			continue;
		if (!choose_group(q, &s, at, n, &terms))
			continue;
		fits = true;
		r = judge_terms(q, &terms, e);
	}
	/* Of terms the sentence says what differs. */
	if (!fits)
		rejected_phase2(q, &s);
	return r;
}

int quick_take_answer(struct quick *q, const struct ike_payload *p, struct err_text *e)
{
	const struct ike1_terms own = own_terms(q);
	struct ike1_terms terms = {0};
	struct ike1_sa s;

	if (ike1_sa_parse(p->body, p->len, &s) != IKE_OK || s.n_proposals != q->n_parts ||
	    s.n_transforms != q->n_parts)
		return err_set(
		    e, -EBADMSG, "the answer is malformed, or has not one transform for each protocol");
	for (uint8_t i = 0; i < q->n_parts; i++) {
		const struct ike1_proposal *pr = &s.proposal[i];
		const struct ike1_transform *t = &s.transform[pr->first];
		struct quick_part *part = &q->part[i];
		struct ike1_phase2 w;
		struct choice c;
		uint32_t spi;

		if (pr->protocol != ike1_wire_proto(part->proto) || !take_spi(pr, &spi) ||
		    !decode(q, part, t, &w) || !is_ours(q, part, t, &w, true, &c) ||
		    !merge_terms(&terms, i == 0, &w))
			return err_set(e, -ENOENT, "the answer is none of the proposals that were offered");
		set_part(part, &c, spi);
	}
	if (terms.group != own.group)
		return err_set(e, -ENOENT, "pfs group mismatched: my:%u peer:%u", own.group, terms.group);
	/* Whatever the peer says (racoon only warned). */
	q->terms = terms;
	q->terms.seconds = life_answered(own.seconds, terms.seconds, LIFE_LEAST_S);
	q->terms.kilobytes = life_answered(own.kilobytes, terms.kilobytes, LIFE_LEAST_KB);
	return 0;
}
