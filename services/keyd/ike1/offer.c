/*
 * One proposal, one transform for each `proposal` of the file in its order, numbered from 1 (racoon-conf.md
 * section 4.5).
 */
#include <errno.h>

#include "keyd/ike1/numbers.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/rejected.h"
#include "keyd/ike1/trace.h"
#include "wire/ike/v1_sa.h"
#include "wire/ike/v1_transform.h"

/* Where our configured offers have their numbers on the wire: index + 1. */
static uint8_t own_offers(const struct isakmp *sa, struct ike1_own1 own[IKE_OFFERS_MAX])
{
	const struct ike_peer *p = isakmp_peer(sa);
	uint8_t n = 0;

	for (uint8_t i = 0; i < p->n_offers && n < IKE_OFFERS_MAX; i++)
		if (ike1_from_offer(&p->offer[i], sa->initiator, &own[n]))
			n++;
	return n;
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

int phase1_choose(struct isakmp *sa, const struct ike_payload *p, struct octets *ret_body)
{
	struct ike1_own1 own[IKE_OFFERS_MAX];
	uint8_t n = own_offers(sa, own);
	struct ike1_choice1 choice;
	struct ike1_sa offered;
	int r;

	if (ike1_sa_parse(p->body, p->len, &offered) != IKE_OK)
		return -EBADMSG;
	trace_sa1(sa->core, &offered);
	if (!ike1_choose1(isakmp_peer(sa)->check, own, n, &offered, NULL, NULL, &choice)) {
		rejected_phase1(sa, own, n, &offered);
		return -ENOENT;
	}
	r = octets_set(&sa->sa, p->body, p->len);
	if (r == 0)
		r = answer_body(&choice, ret_body);
	if (r < 0)
		return r;
	set_terms(sa, offer_at(sa, choice.own),
	    choice.peer.key_bits ? choice.peer.key_bits : ike1_default_bits(choice.peer.cipher),
	    choice.seconds);
	sa->tell_life =
	    sa->terms.seconds < (choice.peer.life.seconds ? choice.peer.life.seconds : IKE1_LIFE_DEFAULT_S);
	return 0;
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
		/* Key lengths must be equal; of the lifetime the shorter counts (racoon-conf.md 6.4). */
		if (ike1_meet1(CHECK_OBEY, &own[i], &peer, &seconds) != IKE1_MEETS ||
		    (peer.key_bits && peer.key_bits != own[i].key_bits))
			continue;
		if (own[i].seconds && seconds > own[i].seconds)
			seconds = own[i].seconds;
		set_terms(sa, offer_at(sa, i), own[i].key_bits, seconds);
		return 0;
	}
	return -ENOENT;
}
