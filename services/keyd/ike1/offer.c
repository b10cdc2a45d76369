/*
 * One proposal, one transform for each `proposal` of the file in its order, numbered from 1 (racoon-conf.md
 * section 4.5).
 */
#include <errno.h>

#include "keyd/core/ident.h"
#include "keyd/ike1/life.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/rejected.h"
#include "keyd/ike1/trace.h"
#include "wire/ike/v1_sa.h"
#include "wire/ike/v1_transform.h"

/* Where a block's configured offers have their numbers on the wire: index + 1. */
static uint8_t offers_of(const struct ike_peer *p, bool initiator, struct ike1_own1 own[IKE_OFFERS_MAX])
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < p->n_offers && n < IKE_OFFERS_MAX; i++)
		if (ike1_from_offer(&p->offer[i], initiator, &own[n]))
			n++;
	return n;
}

static uint8_t own_offers(const struct isakmp *sa, struct ike1_own1 own[IKE_OFFERS_MAX])
{
	return offers_of(isakmp_peer(sa), sa->initiator, own);
}

static struct ike1_phase1 on_wire(const struct ike1_own1 *own)
{
	return (struct ike1_phase1){.cipher = own->cipher,
	    .hash = own->hash,
	    .auth = own->auth,
	    .group = own->group,
	    .key_bits = ike1_default_bits(own->cipher) ? own->key_bits : 0,
	    .life = {.seconds = own->seconds}};
}

int phase1_put_offer(struct isakmp *sa, struct ike_out *o)
{
	struct ike1_own1 own[IKE_OFFERS_MAX];
	uint8_t n = own_offers(sa, own);
	struct ike1_open_part proposal;
	const uint8_t *begin;

	if (!n)
		return -ENOENT;
	begin = o->w.p + IKE_PAYLOAD_HDR_LEN;
	ike1_put_sa(o);
	proposal = ike1_put_proposal(o, true, 1, IKE1_PROTO_ISAKMP, NULL, 0, n);
	for (uint8_t i = 0; i < n; i++) {
		const struct ike1_phase1 p1 = on_wire(&own[i]);
		struct ike1_open_part t =
		    ike1_put_transform(o, i + 1 == n, (uint8_t)(i + 1), IKE1_TRANSFORM_KEY_IKE);

		ike1_put_phase1(o, &p1);
		ike1_end_part(o, t);
	}
	ike1_end_part(o, proposal);
	return wr_ok(&o->w) ? octets_set(&sa->sa, begin, (size_t)(o->w.p - begin)) : -EMSGSIZE;
}

/* What was agreed on, in our own terms. */
static void set_terms(struct isakmp *sa, const struct ike_offer *o, uint16_t bits, uint64_t seconds)
{
	sa->terms = (struct isakmp_terms){.enc = o->enc,
	    .key_len = (uint16_t)ike1_enc_key_len(o->enc, bits),
	    .prf = o->hash,
	    .group = o->group,
	    .auth = o->auth,
	    .seconds = seconds && seconds < IKE_LIFE_MAX_S ? seconds : IKE_LIFE_MAX_S};
	sa->block = crypto_cbc_block(o->enc);
	trace_terms(sa);
}

/* The configured offer behind the n-th of own_offers(). */
static const struct ike_offer *offer_at(const struct isakmp *sa, uint32_t n)
{
	const struct ike_peer *p = isakmp_peer(sa);
	struct ike1_own1 own;

	for (uint8_t i = 0; i < p->n_offers; i++)
		if (ike1_from_offer(&p->offer[i], sa->initiator, &own) && n-- == 0)
			return &p->offer[i];
	return NULL;
}

enum alg_group phase1_first_group(const struct isakmp *sa)
{
	const struct ike_offer *o = offer_at(sa, 0);

	return o ? o->group : ALG_GROUP_NONE;
}

/* The answer has the chosen transform octet by octet as it was offered (RFC 2408 section 4.2). */
static int answer_body(const struct ike1_choice1 *c, struct octets *ret)
{
	enum { BODY_MAX = 4096 };
	uint8_t buf[BODY_MAX], first;
	struct ike1_open_part proposal, transform;
	struct ike_out o;

	ike_out_init_chain(&o, buf, sizeof(buf), &first);
	ike1_put_sa(&o);
	proposal = ike1_put_proposal(
	    &o, true, c->proposal->number, IKE1_PROTO_ISAKMP, c->proposal->spi, c->proposal->spi_len, 1);
	transform = ike1_put_transform(&o, true, c->transform->number, c->transform->id);
	wr_bytes(&o.w, c->transform->attrs, c->transform->attrs_len);
	ike1_end_part(&o, transform);
	ike1_end_part(&o, proposal);
	if (!wr_ok(&o.w))
		return -EMSGSIZE;
	return octets_set(ret, buf + IKE_PAYLOAD_HDR_LEN, wr_len(&o.w) - IKE_PAYLOAD_HDR_LEN);
}

static bool meets(const struct isakmp *sa, const struct ike_peer *p, const struct ike1_sa *offered,
    struct ike1_choice1 *ret)
{
	struct ike1_own1 own[IKE_OFFERS_MAX];
	uint8_t n = offers_of(p, false, own);

	return ike_peer_accepts(p, sa->mode) && ike1_choose1(p->check, own, n, offered, NULL, NULL, ret);
}

/* How well a block suits a peer whose offer it takes: by identity, then by the port it is written with. */
static unsigned rank(const struct isakmp *sa, const struct ike_peer *p, const struct ike_id *id)
{
	return 2U * (id ? ike_peer_id_fit(p, id) : IKE_ID_UNASKED) + (p->port == sa->path.remote_port);
}

/* Of the address's blocks that take the offer the one that suits best, the first in the file among equals;
 * `best` (NULL: none) unless another suits better. `id` NULL: not known yet. One that wants another identity
 * is last, so that certd says what is wrong when there is no other. */
static const struct ike_peer *better(const struct isakmp *sa, const struct ike_peer *best,
    const struct ike_id *id, const struct ike1_sa *offered, struct ike1_choice1 *ret)
{
	const struct ike_conf *c = sa->conf->c;
	struct ike1_choice1 choice;

	for (const struct ike_peer *p = ike_conf_find_peer(c, &sa->path.remote); p;
	     p = ike_conf_next_peer(c, p)) {
		if ((best && rank(sa, p, id) <= rank(sa, best, id)) || !meets(sa, p, offered, &choice))
			continue;
		best = p;
		*ret = choice;
	}
	return best;
}

static void reject(struct isakmp *sa, const struct ike1_sa *offered)
{
	const struct ike_conf *c = sa->conf->c;
	struct ike1_own1 own[IKE_OFFERS_MAX];

	for (const struct ike_peer *p = ike_conf_find_peer(c, &sa->path.remote); p;
	     p = ike_conf_next_peer(c, p))
		if (ike_peer_accepts(p, sa->mode))
			rejected_phase1(sa->core, p->check, own, offers_of(p, false, own), offered);
}

static void choose(struct isakmp *sa, const struct ike_peer *p, const struct ike1_choice1 *c)
{
	sa->peer = (uint32_t)(p - sa->conf->c->peer);
	core_trace(sa->core, "conf.remote", "remote %s counts", p->name);
	set_terms(sa, offer_at(sa, c->own),
	    c->peer.key_bits ? c->peer.key_bits : ike1_default_bits(c->peer.cipher), c->seconds);
	sa->tell_life =
	    sa->terms.seconds < (c->peer.life.seconds ? c->peer.life.seconds : IKE1_LIFE_DEFAULT_S);
}

int phase1_choose(struct isakmp *sa, const struct ike_chain *c, struct octets *ret_body)
{
	const struct ike_payload *p = ike_chain_find(c, IKE1_P_SA, 0),
	                         *said = ike_chain_find(c, IKE1_P_ID, 0);
	const struct ike_peer *block;
	struct ike1_choice1 choice;
	struct ike1_sa offered;
	struct ike1_ident ident;
	struct ike_id id;
	bool known = said && ike1_ident_parse(said, &ident) == IKE_OK && ident_peer(&ident, &id) == 0;
	int r;

	if (ike1_sa_parse(p->body, p->len, &offered) != IKE_OK)
		return -EBADMSG;
	trace_sa1(sa->core, &offered);
	block = better(sa, NULL, known ? &id : NULL, &offered, &choice);
	if (!block) {
		reject(sa, &offered);
		return -ENOENT;
	}
	r = octets_set(&sa->sa, p->body, p->len);
	if (r == 0)
		r = answer_body(&choice, ret_body);
	if (r == 0)
		choose(sa, block, &choice);
	return r;
}

bool phase1_reconsider(struct isakmp *sa)
{
	const struct ike_peer *now = isakmp_peer(sa), *block;
	struct ike1_choice1 choice;
	struct ike1_sa answered;

	if (ike1_sa_parse(sa->answer.p, sa->answer.n, &answered) != IKE_OK)
		return false;
	block = better(sa, now, &sa->peer_id, &answered, &choice);
	if (block != now)
		choose(sa, block, &choice);
	return block != now;
}

int phase1_take_answer(struct isakmp *sa, const struct ike_payload *p)
{
	struct ike1_own1 own[IKE_OFFERS_MAX];
	uint8_t n = own_offers(sa, own);
	struct ike1_phase1 peer;
	struct ike1_sa answer;
	uint16_t unknown;
	uint64_t seconds;

	if (ike1_sa_parse(p->body, p->len, &answer) != IKE_OK)
		return -EBADMSG;
	if (answer.n_proposals != 1 || answer.n_transforms != 1 ||
	    ike1_phase1_decode(&answer.transform[0], &peer, &unknown) != IKE_OK || unknown)
		return -EBADMSG;
	for (uint8_t i = 0; i < n; i++) {
		/* Key lengths must be equal. */
		if (ike1_meet1(CHECK_OBEY, &own[i], &peer, &seconds) != IKE1_MEETS ||
		    (peer.key_bits && peer.key_bits != own[i].key_bits))
			continue;
		set_terms(sa, offer_at(sa, i), own[i].key_bits,
		    life_answered(own[i].seconds, peer.life.seconds, LIFE_LEAST_S));
		return 0;
	}
	return -ENOENT;
}
