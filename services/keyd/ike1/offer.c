/*
 * One proposal, one transform for each `proposal` of the file in its order, numbered from 1 (racoon-conf.md
 * section 4.5).
 */
#include <errno.h>
#include <stdio.h>

#include "keyd/ike1/numbers.h"
#include "keyd/ike1/phase1.h"
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

enum alg_group phase1_first_group(const struct isakmp *sa)
{
	const struct ike_peer *p = isakmp_peer(sa);

	return p->n_offers ? p->offer[0].group : ALG_GROUP_NONE;
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

/* What is told of an offer: of one that is refused, the first few. */
struct telling {
	struct isakmp *sa;
	const struct ike1_own1 *own;
	const struct ike1_sa *offered;
	enum core_level level;
	unsigned left;
};

static const struct ike1_transform *transform_at(const struct ike1_sa *s, uint8_t proposal, uint8_t transform)
{
	for (uint8_t i = 0; i < s->n_proposals; i++) {
		const struct ike1_proposal *p = &s->proposal[i];

		for (uint8_t k = 0; p->number == proposal && k < p->n_transforms; k++)
			if (s->transform[p->first + k].number == transform)
				return &s->transform[p->first + k];
	}
	return NULL;
}

/* The n-th of a table of words, or the number. */
static const char *word(const char *const *list, size_t n_list, uint64_t n, char buf[24])
{
	if (n < n_list && list[n])
		return list[n];
	snprintf(buf, 24, "%llu", (unsigned long long)n);
	return buf;
}

/* What the two have, in racoon's words. */
static const char *value(enum ike1_mismatch why, const struct ike1_own1 *v, char buf[24])
{
	static const char *const ciphers[] = {[1] = "DES-CBC",
	    "IDEA-CBC",
	    "BLOWFISH-CBC",
	    "RC5-R16-B64-CBC",
	    "3DES-CBC",
	    "CAST-CBC",
	    "AES-CBC",
	    "CAMELLIA-CBC"};
	static const char *const hashes[] = {[1] = "MD5", "SHA", "TIGER", "SHA2-256", "SHA2-384", "SHA2-512"};
	static const char *const methods[] = {
	    [1] = "pre-shared key", "DSS signatures", "RSA signatures", "RSA encryption"};

	switch (why) {
	case IKE1_MISS_CIPHER:
		return word(ciphers, ARRAY_SIZE(ciphers), v->cipher, buf);
	case IKE1_MISS_HASH:
		return word(hashes, ARRAY_SIZE(hashes), v->hash, buf);
	case IKE1_MISS_AUTH:
		return word(methods, ARRAY_SIZE(methods), v->auth, buf);
	case IKE1_MISS_GROUP:
		return word(NULL, 0, v->group, buf);
	case IKE1_MISS_KEY_BITS:
		return word(NULL, 0, v->key_bits, buf);
	case IKE1_MISS_LIFE:
		return word(NULL, 0, v->seconds, buf);
	default:
		return "";
	}
}

static void missed(void *arg, enum ike1_mismatch why, uint32_t own, uint8_t proposal, uint8_t transform)
{
	struct telling *t = arg;
	const struct ike1_transform *of = transform_at(t->offered, proposal, transform);
	struct ike1_phase1 p = {0};
	struct ike1_own1 peer = {0};
	char a[24], b[24];
	uint16_t unknown;

	if (!t->left)
		return;
	t->left--;
	if (of && ike1_phase1_decode(of, &p, &unknown) == IKE_OK)
		peer = (struct ike1_own1){.cipher = p.cipher,
		    .hash = p.hash,
		    .auth = p.auth,
		    .group = p.group,
		    .key_bits = p.key_bits ? p.key_bits : ike1_default_bits(p.cipher),
		    .seconds = p.life.seconds};
	core_note(t->sa->core, t->level, "isakmp.rejected",
	    "rejected %s: DB(prop#1:trns#%u):Peer(prop#%u:trns#%u) = %s:%s", ike1_mismatch_name(why), own + 1,
	    proposal, transform, value(why, &t->own[own], a), value(why, &peer, b));
}

/* Each item that differs: an error where nothing meets. Strangers can have it written: few lines do. */
static bool choose(struct isakmp *sa, const struct ike1_own1 *own, uint8_t n, const struct ike1_sa *offered,
    struct ike1_choice1 *ret)
{
	enum { LINES = 4 };
	enum proposal_check check = isakmp_peer(sa)->check;
	struct telling t = {.sa = sa, .own = own, .offered = offered, .left = LINES};
	bool found = ike1_choose1(check, own, n, offered, NULL, NULL, ret);
	struct ike1_choice1 again;

	t.level = found ? CORE_DEBUG : CORE_ERROR;
	(void)!ike1_choose1(check, own, n, offered, missed, &t, &again);
	return found;
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
	if (!choose(sa, own, n, &offered, &choice))
		return -ENOENT;
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
