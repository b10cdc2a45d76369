/*
 * A lifetime is two attributes, its type and behind it its duration (RFC 2407 section 4.5); peers that offer
 * seconds and kilobytes have the pair twice. Everything else may stand once, or again with the same value.
 */
#include "wire/ike/v1_transform.h"

enum { ESN_64 = 1, ESN_32 = 2 };

/* While a transform is read: the type whose duration has not come yet. */
struct reading {
	uint16_t life_type;
	bool bad;
	uint16_t unknown;
};

static void take_u16(struct reading *r, uint16_t *to, const struct ike1_attr *a)
{
	if (!a->small || !a->number || a->number > UINT16_MAX || (*to && *to != a->number))
		r->bad = true;
	else
		*to = (uint16_t)a->number;
}

static void take_life_type(struct reading *r, const struct ike1_attr *a)
{
	if (r->life_type || !a->small || a->number < IKE1_LIFE_SECONDS || a->number > IKE1_LIFE_KILOBYTES)
		r->bad = true;
	else
		r->life_type = (uint16_t)a->number;
}

static void take_life(struct reading *r, struct ike1_lifetimes *l, const struct ike1_attr *a)
{
	uint64_t *to = r->life_type == IKE1_LIFE_SECONDS ? &l->seconds : &l->kilobytes;

	if (!r->life_type || !a->small || !a->number || (*to && *to != a->number))
		r->bad = true;
	else
		*to = a->number;
	r->life_type = 0;
}

static void take_unknown(struct reading *r, const struct ike1_attr *a)
{
	if (!r->unknown)
		r->unknown = a->type;
}

static enum ike_fault finish(const struct reading *r, uint16_t *ret_unknown)
{
	*ret_unknown = r->unknown;
	return r->bad || r->life_type ? IKE_BAD_VALUE : IKE_OK;
}

static void take_phase1(struct reading *r, struct ike1_phase1 *p, const struct ike1_attr *a)
{
	switch (a->type) {
	case IKE1_A1_CIPHER:
		take_u16(r, &p->cipher, a);
		break;
	case IKE1_A1_HASH:
		take_u16(r, &p->hash, a);
		break;
	case IKE1_A1_AUTH:
		take_u16(r, &p->auth, a);
		break;
	case IKE1_A1_GROUP:
		take_u16(r, &p->group, a);
		break;
	case IKE1_A1_KEY_BITS:
		take_u16(r, &p->key_bits, a);
		break;
	case IKE1_A1_LIFE_TYPE:
		take_life_type(r, a);
		break;
	case IKE1_A1_LIFE:
		take_life(r, &p->life, a);
		break;
	default:
		take_unknown(r, a);
		break;
	}
}

enum ike_fault ike1_phase1_decode(
    const struct ike1_transform *t, struct ike1_phase1 *ret, uint16_t *ret_unknown)
{
	struct rd attrs = ike1_attrs(t);
	struct reading r = {0};
	struct ike1_attr a;

	*ret = (struct ike1_phase1){0};
	while (ike1_attr_next(&attrs, &a))
		take_phase1(&r, ret, &a);
	return finish(&r, ret_unknown);
}

static void take_esn(struct reading *r, struct ike1_phase2 *p, const struct ike1_attr *a)
{
	/* RFC 4304 section 2. */
	if (!a->small || (a->number != ESN_64 && a->number != ESN_32))
		r->bad = true;
	else
		p->esn = a->number == ESN_64;
}

static void take_phase2(struct reading *r, struct ike1_phase2 *p, const struct ike1_attr *a)
{
	switch (a->type) {
	case IKE1_A2_ENCAP:
		take_u16(r, &p->encap, a);
		break;
	case IKE1_A2_AUTH:
		take_u16(r, &p->auth, a);
		break;
	case IKE1_A2_GROUP:
		take_u16(r, &p->group, a);
		break;
	case IKE1_A2_KEY_BITS:
		take_u16(r, &p->key_bits, a);
		break;
	case IKE1_A2_ESN:
		take_esn(r, p, a);
		break;
	case IKE1_A2_LIFE_TYPE:
		take_life_type(r, a);
		break;
	case IKE1_A2_LIFE:
		take_life(r, &p->life, a);
		break;
	default:
		take_unknown(r, a);
		break;
	}
}

enum ike_fault ike1_phase2_decode(
    const struct ike1_transform *t, struct ike1_phase2 *ret, uint16_t *ret_unknown)
{
	struct rd attrs = ike1_attrs(t);
	struct reading r = {0};
	struct ike1_attr a;

	*ret = (struct ike1_phase2){.id = t->id};
	while (ike1_attr_next(&attrs, &a))
		take_phase2(&r, ret, &a);
	return finish(&r, ret_unknown);
}

static void put_if(struct ike_out *o, uint16_t type, uint32_t number)
{
	if (number)
		ike1_put_attr(o, type, number);
}

/* A duration beyond 32 bits is as good as none that long. */
static void put_life(struct ike_out *o, uint16_t type_attr, uint16_t attr, uint16_t type, uint64_t duration)
{
	if (!duration)
		return;
	ike1_put_attr(o, type_attr, type);
	ike1_put_attr(o, attr, duration > UINT32_MAX ? UINT32_MAX : (uint32_t)duration);
}

void ike1_put_phase1(struct ike_out *o, const struct ike1_phase1 *p)
{
	put_life(o, IKE1_A1_LIFE_TYPE, IKE1_A1_LIFE, IKE1_LIFE_SECONDS, p->life.seconds);
	put_life(o, IKE1_A1_LIFE_TYPE, IKE1_A1_LIFE, IKE1_LIFE_KILOBYTES, p->life.kilobytes);
	put_if(o, IKE1_A1_CIPHER, p->cipher);
	put_if(o, IKE1_A1_KEY_BITS, p->key_bits);
	put_if(o, IKE1_A1_AUTH, p->auth);
	put_if(o, IKE1_A1_HASH, p->hash);
	put_if(o, IKE1_A1_GROUP, p->group);
}

void ike1_put_phase2(struct ike_out *o, const struct ike1_phase2 *p)
{
	put_life(o, IKE1_A2_LIFE_TYPE, IKE1_A2_LIFE, IKE1_LIFE_SECONDS, p->life.seconds);
	put_life(o, IKE1_A2_LIFE_TYPE, IKE1_A2_LIFE, IKE1_LIFE_KILOBYTES, p->life.kilobytes);
	put_if(o, IKE1_A2_ENCAP, p->encap);
	put_if(o, IKE1_A2_KEY_BITS, p->key_bits);
	put_if(o, IKE1_A2_AUTH, p->auth);
	put_if(o, IKE1_A2_GROUP, p->group);
	put_if(o, IKE1_A2_ESN, p->esn ? ESN_64 : 0);
}
