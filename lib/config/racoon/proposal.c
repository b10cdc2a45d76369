/*
 * `proposal` inside of `remote` (racoon-conf.md section 4.5).
 */
#include "config/racoon/reader.h"

static bool encryption(struct rc_cur *c, void *block)
{
	struct ike_offer *o = block;

	return rc_phase1_cipher(c, &o->enc, &o->key_bits, &c->r->left_out) && rc_end(c);
}

static bool hash(struct rc_cur *c, void *block)
{
	struct ike_offer *o = block;

	return rc_hash(c, &o->hash, &c->r->left_out) && rc_end(c);
}

static bool method(struct rc_cur *c, void *block)
{
	struct ike_offer *o = block;

	return rc_auth_method(c, &o->auth, &c->r->left_out) && rc_end(c);
}

static bool group(struct rc_cur *c, void *block)
{
	struct ike_offer *o = block;

	return rc_group(c, &o->group, &c->r->left_out) && rc_end(c);
}

static bool lifetime(struct rc_cur *c, void *block)
{
	struct ike_offer *o = block;
	uint64_t bytes;

	if (rc_skip(c, "byte")) {
		if (!rc_size(c, &bytes))
			return false;
		rc_warn(c, NULL, "in bytes is ignored in `proposal`: the lifetime in time holds");
		return rc_end(c);
	}
	if (!rc_skip(c, "time"))
		return rc_fault(c, rc_peek(c), "wants `time` or `byte` behind it");
	if (!rc_time(c, &o->seconds))
		return false;
	if (!o->seconds)
		return rc_fault(c, NULL, "of 0 is none");
	if (o->seconds > IKE_LIFE_MAX_S)
		rc_warn(c, NULL, "is longer than a day, which is what an ISAKMP SA lives at most");
	return rc_end(c);
}

static bool ignored(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is ignored: not supported");
	return true;
}

static const struct rc_verb verbs[] = {
    {"encryption_algorithm", encryption, false},
    {"hash_algorithm", hash, false},
    {"authentication_method", method, false},
    {"dh_group", group, false},
    {"lifetime", lifetime, false},
    {"gss_id", ignored, false},
    {"gssapi_id", ignored, false},
    {"strength", ignored, false},
};

static bool check(struct rc_cur *c, const struct ike_offer *o)
{
	if (o->enc == ALG_ENC_NONE)
		return rc_fault(c, NULL, "encryption algorithm required.");
	if (!o->hash)
		return rc_fault(c, NULL, "hash algorithm required.");
	if (!o->group)
		return rc_fault(c, NULL, "DH group required.");
	if (!o->auth)
		return rc_fault(c, NULL, "authentication method required.");
	return true;
}

bool rc_proposal(struct rc_cur *c, struct ike_peer *p)
{
	struct ike_offer o = {.line = rc_word_at(c->r->tree, c->s, 0)->line}, *list;
	unsigned before = c->r->n_errors;

	if (!rc_end(c))
		return false;
	if (!c->s->has_body)
		return rc_fault(c, NULL, "wants a block behind it");
	/* Also by one that is left out: what the parent would take is not what this block asks for. */
	if (c->r->inherited_offers)
		p->n_offers = 0;
	c->r->inherited_offers = c->r->left_out = false;
	rc_run_body(c, verbs, ARRAY_SIZE(verbs), &o);
	if (c->r->left_out)
		return true;
	if (c->r->n_errors != before || !check(c, &o))
		return false;
	if (p->n_offers == IKE_OFFERS_MAX)
		return rc_fault(c, NULL, "is there too often: %d are enough", IKE_OFFERS_MAX);
	list = reallocarray(p->offer, p->n_offers + 1U, sizeof(*list));
	if (!list)
		return rc_no_memory(c);
	p->offer = list;
	p->offer[p->n_offers++] = o;
	return true;
}
