/*
 * Offers for an IKE SA that differ in the group alone are one proposal with several groups: that says the
 * same and is shorter. Combined ciphers and others must not be in one proposal (RFC 7296 section 3.3).
 */
#include "keyd/ike2/offer.h"

#include "crypto/ike.h"
#include "base/rd.h"
#include "base/wr.h"
#include "wire/ike/v2_transform.h"

enum { DEFAULT_BITS = 128, SPI_LEN = 4, ALL_MAX = 3 * IKE_ALGS_MAX };

static size_t enc_len_of(enum alg_enc enc, uint16_t bits)
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	if (!a)
		return 0;
	if (a->key_min == a->key_max)
		return a->key_min;
	return (bits ? bits : DEFAULT_BITS) / 8U + a->salt_len;
}

static bool is_aead(enum alg_enc enc)
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	return a && a->aead;
}

/* --- the IKE SA --- */

static enum alg_auth integ_of(enum alg_prf hash)
{
	switch (hash) {
	case ALG_PRF_HMAC_MD5:
		return ALG_AUTH_HMAC_MD5;
	case ALG_PRF_HMAC_SHA1:
		return ALG_AUTH_HMAC_SHA1;
	case ALG_PRF_HMAC_SHA256:
		return ALG_AUTH_HMAC_SHA256;
	case ALG_PRF_HMAC_SHA384:
		return ALG_AUTH_HMAC_SHA384;
	case ALG_PRF_HMAC_SHA512:
		return ALG_AUTH_HMAC_SHA512;
	case ALG_PRF_AES128_XCBC:
		return ALG_AUTH_AES_XCBC;
	case ALG_PRF_AES128_CMAC:
		return ALG_AUTH_AES_CMAC;
	default:
		return ALG_AUTH_NONE;
	}
}

/* False: not to be had in version 2, or not here. */
static bool terms_of(const struct ike_offer *o, struct ike2_terms *ret)
{
	*ret = (struct ike2_terms){.suite = {.prf = o->hash,
	                               .enc = o->enc,
	                               .auth = is_aead(o->enc) ? ALG_AUTH_NONE : integ_of(o->hash),
	                               .enc_key_len = (uint8_t)enc_len_of(o->enc, o->key_bits)},
	    .group = o->group};
	return crypto_dh_public_len(o->group) && ike2_suite_check(&ret->suite) == 0;
}

static bool same_suite(const struct ike2_terms *a, const struct ike2_terms *b)
{
	return a->suite.prf == b->suite.prf && a->suite.enc == b->suite.enc &&
	       a->suite.auth == b->suite.auth && a->suite.enc_key_len == b->suite.enc_key_len;
}

/* Whether an earlier offer has the same but for the group. */
static bool is_said(const struct ike_peer *p, uint8_t at, const struct ike2_terms *t)
{
	struct ike2_terms earlier;

	for (uint8_t i = 0; i < at; i++)
		if (terms_of(&p->offer[i], &earlier) && same_suite(&earlier, t))
			return true;
	return false;
}

static uint8_t put_suite(const struct ike2_suite *s, struct ike2_transform t[IKE_OFFERS_MAX])
{
	const struct alg_auth_info *a = alg_auth_by_id(s->auth);
	uint8_t n = 0;

	n += ike2_transform_of_cipher(s->enc, s->enc_key_len, &t[n]);
	t[n++] = (struct ike2_transform){.type = IKE2_T_PRF, .id = s->prf};
	if (s->auth)
		n += ike2_transform_of_integ(s->auth, a->key_min, &t[n]);
	return n;
}

static void put_ike(struct ike_out *o, bool last, uint8_t number, const uint8_t *spi,
    const struct ike2_transform *t, uint8_t n)
{
	const struct ike2_offer offer = {.number = number,
	    .protocol = IKE2_PROTO_IKE,
	    .spi_len = spi ? IKE2_SPI : 0,
	    .n_transforms = n,
	    .spi = spi,
	    .transform = t};

	ike2_put_proposal(o, last, &offer);
}

/* The proposal that begins with offer `at`: its suite with every group that is offered for it. */
static uint8_t gather(const struct ike_peer *p, uint8_t at, struct ike2_transform t[IKE_OFFERS_MAX + 4])
{
	struct ike2_terms terms, other;
	uint8_t n;

	if (!terms_of(&p->offer[at], &terms) || is_said(p, at, &terms))
		return 0;
	n = put_suite(&terms.suite, t);
	for (uint8_t i = at; i < p->n_offers; i++)
		if (terms_of(&p->offer[i], &other) && same_suite(&terms, &other))
			t[n++] = (struct ike2_transform){.type = IKE2_T_GROUP, .id = other.group};
	return n;
}

void offer_put_ike(const struct ike_peer *p, struct ike_out *o, const uint8_t *spi)
{
	struct ike2_transform t[IKE_OFFERS_MAX + 4];
	uint8_t total = 0, number = 0;

	for (uint8_t i = 0; i < p->n_offers; i++)
		total += gather(p, i, t) > 0;
	ike_out_payload(o, IKE2_P_SA);
	for (uint8_t i = 0; i < p->n_offers; i++) {
		uint8_t n = gather(p, i, t);

		if (!n)
			continue;
		number++;
		put_ike(o, number == total, number, spi, t, n);
	}
}

enum alg_group offer_first_group(const struct ike_peer *p)
{
	struct ike2_terms t;

	for (uint8_t i = 0; i < p->n_offers; i++)
		if (terms_of(&p->offer[i], &t))
			return t.group;
	return ALG_GROUP_NONE;
}

bool offer_has_group(const struct ike_peer *p, uint16_t group)
{
	struct ike2_terms t;

	for (uint8_t i = 0; i < p->n_offers; i++)
		if (terms_of(&p->offer[i], &t) && t.group == group)
			return true;
	return false;
}

static bool has(const struct ike2_sa *sa, const struct ike2_proposal *p, uint8_t type, uint16_t id)
{
	const struct ike2_transform *t;

	for (uint32_t i = 0; (t = ike2_sa_transform(sa, p, type, i)); i++)
		if (t->id == id && !t->strange && !t->key_bits)
			return true;
	return false;
}

static bool has_type(const struct ike2_sa *sa, const struct ike2_proposal *p, uint8_t type)
{
	return ike2_sa_transform(sa, p, type, 0) != NULL;
}

static bool has_cipher(const struct ike2_sa *sa, const struct ike2_proposal *p, enum alg_enc enc, size_t len)
{
	const struct ike2_transform *t;
	enum alg_enc id;
	size_t n;

	for (uint32_t i = 0; (t = ike2_sa_transform(sa, p, IKE2_T_ENCR, i)); i++)
		if (ike2_cipher_of(t, &id, &n) && id == enc && n == len)
			return true;
	return false;
}

/* NONE is said by saying NONE, or nothing. */
static bool has_integ(const struct ike2_sa *sa, const struct ike2_proposal *p, enum alg_auth auth, size_t len)
{
	const struct ike2_transform *t;
	enum alg_auth id;
	size_t n;

	if (!auth && !has_type(sa, p, IKE2_T_INTEG))
		return true;
	for (uint32_t i = 0; (t = ike2_sa_transform(sa, p, IKE2_T_INTEG, i)); i++)
		if (ike2_integ_of(t, &id, &n) && id == auth && n == len)
			return true;
	return false;
}

/* A type of transform that we do not know cannot be answered, so the proposal cannot be taken (section
 * 3.3.6). */
static bool is_known(const struct ike2_sa *sa, const struct ike2_proposal *p, uint8_t last_type)
{
	for (uint8_t i = 0; i < p->n_transforms; i++) {
		uint8_t type = sa->transform[p->first + i].type;

		if (type < IKE2_T_ENCR || type > last_type)
			return false;
	}
	return true;
}

static uint8_t integ_len(enum alg_auth a)
{
	const struct alg_auth_info *i = a ? alg_auth_by_id(a) : NULL;

	return i ? i->key_min : 0;
}

static bool meets(const struct ike2_terms *t, const struct ike2_sa *sa, const struct ike2_proposal *p)
{
	return p->protocol == IKE2_PROTO_IKE && is_known(sa, p, IKE2_T_ESN) &&
	       has_cipher(sa, p, t->suite.enc, t->suite.enc_key_len) &&
	       has(sa, p, IKE2_T_PRF, (uint16_t)t->suite.prf) &&
	       has_integ(sa, p, t->suite.auth, integ_len(t->suite.auth)) &&
	       has(sa, p, IKE2_T_GROUP, (uint16_t)t->group);
}

static struct offer_choice choice_of(const struct ike2_proposal *p)
{
	return (struct offer_choice){.number = p->number, .spi = p->spi, .spi_len = p->spi_len};
}

static bool choose(const struct ike_peer *p, const struct ike2_sa *theirs, uint16_t only_group,
    struct ike2_terms *ret, struct offer_choice *ret_choice)
{
	for (uint8_t i = 0; i < p->n_offers; i++) {
		if (!terms_of(&p->offer[i], ret) || (only_group && ret->group != only_group))
			continue;
		for (uint8_t j = 0; j < theirs->n_proposals; j++)
			if (meets(ret, theirs, &theirs->proposal[j])) {
				*ret_choice = choice_of(&theirs->proposal[j]);
				return true;
			}
	}
	return false;
}

bool offer_choose_ike(const struct ike_peer *p, const struct ike2_sa *theirs, uint16_t ke_group,
    struct ike2_terms *ret, struct offer_choice *ret_choice)
{
	return choose(p, theirs, ke_group, ret, ret_choice) || choose(p, theirs, 0, ret, ret_choice);
}

void offer_put_ike_answer(
    const struct ike2_terms *t, const struct offer_choice *c, struct ike_out *o, const uint8_t *spi)
{
	struct ike2_transform list[IKE_OFFERS_MAX];
	uint8_t n = put_suite(&t->suite, list);

	list[n++] = (struct ike2_transform){.type = IKE2_T_GROUP, .id = (uint16_t)t->group};
	ike_out_payload(o, IKE2_P_SA);
	put_ike(o, true, c->number, spi, list, n);
}

/* One of each type, or none. */
static bool is_single(const struct ike2_sa *sa)
{
	if (sa->n_proposals != 1)
		return false;
	for (uint8_t type = IKE2_T_ENCR; type <= IKE2_T_ESN; type++)
		if (ike2_sa_transform(sa, &sa->proposal[0], type, 1))
			return false;
	return true;
}

bool offer_take_ike(const struct ike_peer *p, const struct ike2_sa *theirs, struct ike2_terms *ret,
    struct offer_choice *ret_choice)
{
	return is_single(theirs) && choose(p, theirs, 0, ret, ret_choice);
}

/* --- children --- */

static uint8_t wire_proto(enum ipsec_proto p)
{
	return p == IPSEC_AH ? IKE2_PROTO_AH : IKE2_PROTO_ESP;
}

static void put_child(struct ike_out *o, bool last, uint8_t number, uint8_t proto, uint32_t spi,
    const struct ike2_transform *t, uint8_t n)
{
	uint8_t octets[SPI_LEN];
	struct wr w = wr_init(octets, sizeof(octets));
	const struct ike2_offer offer = {.number = number,
	    .protocol = proto,
	    .spi_len = SPI_LEN,
	    .n_transforms = n,
	    .spi = octets,
	    .transform = t};

	wr_u32(&w, spi);
	ike2_put_proposal(o, last, &offer);
}

static uint8_t put_ciphers(const struct ike_child *k, bool aead, struct ike2_transform *t)
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < k->n_enc; i++)
		if (is_aead(k->enc[i].id) == aead)
			n += ike2_transform_of_cipher(
			    k->enc[i].id, enc_len_of(k->enc[i].id, k->enc[i].key_bits), &t[n]);
	return n;
}

static uint8_t put_integs(const struct ike_child *k, struct ike2_transform *t)
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < k->n_auth; i++)
		n += k->auth[i].id && ike2_transform_of_integ(k->auth[i].id, integ_len(k->auth[i].id), &t[n]);
	return n;
}

/* Extended sequence numbers are wanted; who has none may say so. */
static uint8_t put_rest(enum alg_group group, struct ike2_transform *t)
{
	uint8_t n = 0;

	if (group)
		t[n++] = (struct ike2_transform){.type = IKE2_T_GROUP, .id = (uint16_t)group};
	t[n++] = (struct ike2_transform){.type = IKE2_T_ESN, .id = IKE2_ESN_YES};
	t[n++] = (struct ike2_transform){.type = IKE2_T_ESN, .id = IKE2_ESN_NO};
	return n;
}

void offer_put_child(
    const struct ike_child *k, enum ipsec_proto proto, enum alg_group group, struct ike_out *o, uint32_t spi)
{
	struct ike2_transform aead[ALL_MAX], other[ALL_MAX];
	uint8_t n_aead = proto == IPSEC_ESP ? put_ciphers(k, true, aead) : 0,
	        n_other = proto == IPSEC_ESP ? put_ciphers(k, false, other) : 0, number = 0, n_integ = 0;

	if (n_other || proto == IPSEC_AH) {
		n_integ = put_integs(k, other + n_other);
		n_other = n_integ ? (uint8_t)(n_other + n_integ) : 0;
	}
	if (n_aead)
		n_aead += put_rest(group, aead + n_aead);
	if (n_other)
		n_other += put_rest(group, other + n_other);
	ike_out_payload(o, IKE2_P_SA);
	/* A payload without a proposal would be malformed: what cannot be offered cannot be negotiated. */
	if (!n_aead && !n_other)
		o->w.bad = true;
	if (n_aead)
		put_child(o, !n_other, ++number, wire_proto(proto), spi, aead, n_aead);
	if (n_other)
		put_child(o, true, ++number, wire_proto(proto), spi, other, n_other);
}

/* Which group a child gets: *ret; false: this proposal cannot be. */
static bool choose_group(
    const struct ike2_sa *sa, const struct ike2_proposal *p, const struct offer_pfs *pfs, enum alg_group *ret)
{
	*ret = ALG_GROUP_NONE;
	if (pfs->first)
		return true;
	if (pfs->want) {
		*ret = pfs->want;
		return has(sa, p, IKE2_T_GROUP, (uint16_t)pfs->want);
	}
	/* Without a wish of our own: that of the peer's key exchange, or none where there may be none. */
	*ret = (enum alg_group)pfs->ke_group;
	if (pfs->ke_group)
		return has(sa, p, IKE2_T_GROUP, pfs->ke_group) && crypto_dh_public_len(*ret);
	return !has_type(sa, p, IKE2_T_GROUP) || has(sa, p, IKE2_T_GROUP, ALG_GROUP_NONE);
}

static bool choose_esn(const struct ike2_sa *sa, const struct ike2_proposal *p, bool *ret)
{
	*ret = has(sa, p, IKE2_T_ESN, IKE2_ESN_YES);
	return *ret || has(sa, p, IKE2_T_ESN, IKE2_ESN_NO) || !has_type(sa, p, IKE2_T_ESN);
}

static bool try_child(const struct ike2_sa *sa, const struct ike2_proposal *p, const struct ike_child *k,
    enum ipsec_proto proto, struct offer_child *ret)
{
	uint8_t n_enc = proto == IPSEC_AH ? 1 : k->n_enc;

	for (uint8_t i = 0; i < n_enc; i++) {
		enum alg_enc enc = proto == IPSEC_AH ? ALG_ENC_NONE : k->enc[i].id;
		size_t len = enc ? enc_len_of(enc, k->enc[i].key_bits) : 0;

		if (enc && !has_cipher(sa, p, enc, len))
			continue;
		ret->enc = enc;
		ret->enc_len = (uint8_t)len;
		ret->auth = ALG_AUTH_NONE;
		ret->auth_len = 0;
		if (is_aead(enc) && has_integ(sa, p, ALG_AUTH_NONE, 0))
			return true;
		for (uint8_t j = 0; !is_aead(enc) && j < k->n_auth; j++) {
			ret->auth = k->auth[j].id;
			ret->auth_len = integ_len(ret->auth);
			if (ret->auth && has_integ(sa, p, ret->auth, ret->auth_len))
				return true;
		}
	}
	return false;
}

bool offer_choose_child(const struct ike_child *k, enum ipsec_proto proto, const struct ike2_sa *theirs,
    const struct offer_pfs *pfs, struct offer_child *ret, struct offer_choice *ret_choice)
{
	for (uint8_t i = 0; i < theirs->n_proposals; i++) {
		const struct ike2_proposal *p = &theirs->proposal[i];

		*ret = (struct offer_child){.proto = proto};
		if (p->protocol != wire_proto(proto) || p->spi_len != SPI_LEN ||
		    !is_known(theirs, p, IKE2_T_ESN) || !choose_group(theirs, p, pfs, &ret->group) ||
		    !choose_esn(theirs, p, &ret->esn) || !try_child(theirs, p, k, proto, ret))
			continue;
		*ret_choice = choice_of(p);
		return true;
	}
	return false;
}

void offer_put_child_answer(
    const struct offer_child *t, const struct offer_choice *c, struct ike_out *o, uint32_t spi)
{
	struct ike2_transform list[4];
	uint8_t n = 0;

	if (t->enc)
		n += ike2_transform_of_cipher(t->enc, t->enc_len, &list[n]);
	if (t->auth)
		n += ike2_transform_of_integ(t->auth, t->auth_len, &list[n]);
	if (t->group)
		list[n++] = (struct ike2_transform){.type = IKE2_T_GROUP, .id = (uint16_t)t->group};
	list[n++] = (struct ike2_transform){.type = IKE2_T_ESN, .id = t->esn ? IKE2_ESN_YES : IKE2_ESN_NO};
	ike_out_payload(o, IKE2_P_SA);
	put_child(o, true, c->number, wire_proto(t->proto), spi, list, n);
}

bool offer_take_child(const struct ike_child *k, enum ipsec_proto proto, enum alg_group group,
    const struct ike2_sa *theirs, struct offer_child *ret, struct offer_choice *ret_choice)
{
	const struct offer_pfs pfs = {.want = group, .first = !group};

	return is_single(theirs) && offer_choose_child(k, proto, theirs, &pfs, ret, ret_choice);
}

uint32_t offer_spi(const struct offer_choice *c)
{
	struct rd r = rd_init(c->spi, c->spi_len);

	return rd_u32(&r);
}
