/*
 * What of a `remote` is legal and yet not what its author should want.
 */
#include "config/racoon/reader.h"
#include "ipsec/ike_weak.h"

/* Signatures of base mode leave out who answers: its certificate alone says it, if that is looked at. */
static const char *why_unsigned(const struct ike_peer *p)
{
	return p->verify_cert ? "signatures of base mode do not cover the answerer's identity: main mode's do"
	                      : "signatures of base mode do not cover the answerer's identity, and without "
	                        "verify_cert nothing else does: main mode's do";
}

/* What a proposal has; NULL: nothing that is weak. */
static const char *why_offer(const struct ike_offer *o)
{
	const char *of[] = {ike_weak_group(o->group), ike_weak_cipher(o->enc), ike_weak_hash(o->hash)};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (of[i])
			return of[i];
	return NULL;
}

/* Whether it begins so or only answers: who begins is shown as much as who answers, and more easily. */
static const char *why_mode(const struct ike_peer *p, enum ike_auth_method auth)
{
	if (ike_peer_accepts(p, IKE_MODE_AGGRESSIVE) && ike_weak_guess(IKE_MODE_AGGRESSIVE, auth))
		return "aggressive mode lets anybody guess at the pre-shared key offline: main mode does not";
	if (ike_peer_accepts(p, IKE_MODE_BASE) && ike_weak_guess(IKE_MODE_BASE, auth))
		return "base mode lets whoever listens guess at the pre-shared key offline: main mode does "
		       "not";
	return ike_peer_accepts(p, IKE_MODE_BASE) && ike_auth_is_rsa(auth) ? why_unsigned(p) : NULL;
}

/* One warning a block (racoon-conf.md D5). */
static void warn_weak(struct rc_cur *c, const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_offers; i++) {
		const struct ike_offer *o = &p->offer[i];
		const char *mode = why_mode(p, o->auth), *offer = why_offer(o);

		if (mode)
			rc_warn(c, NULL, "%s is weak: %s", p->name, mode);
		else if (offer)
			rc_warn(
			    c, NULL, "%s is weak: its proposal in line %u has %s", p->name, o->line, offer);
		if (mode || offer)
			return;
	}
}

/* Whoever makes itself a certificate comes in. */
static void warn_unverified(struct rc_cur *c, const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_offers; i++)
		if (ike_auth_is_rsa(p->offer[i].auth) && !p->verify_cert && !p->peer_cert) {
			rc_warn(c, NULL,
			    "%s believes any certificate: verify_cert is off, and there is no peers_certfile",
			    p->name);
			return;
		}
}

/* Who answers in main mode has to find the key before it can read who asks. */
static void warn_of_name(struct rc_cur *c, const struct ike_peer *p)
{
	bool is_name = p->my_id.kind == IKE_ID_FQDN || p->my_id.kind == IKE_ID_USER_FQDN ||
	               p->my_id.kind == IKE_ID_KEYID;

	for (uint8_t i = 0; i < p->n_offers; i++)
		if (is_name && p->mode[0] == IKE_MODE_MAIN && !ike_auth_is_rsa(p->offer[i].auth)) {
			rc_warn(c, NULL,
			    "%s: in main mode a pre-shared key is found by address alone, whatever "
			    "my_identifier says",
			    p->name);
			return;
		}
}

/* A name alone says of no peer that it is this one. */
static void warn_of_any(struct rc_cur *c, const struct ike_peer *p)
{
	if (c->r->is_named && p->addr.family == INET_NONE)
		rc_warn(c, NULL, "%s has no remote_address: it is for any peer, as `anonymous` is", p->name);
}

void rc_warn_remote(struct rc_cur *c, const struct ike_peer *p)
{
	warn_weak(c, p);
	warn_unverified(c, p);
	warn_of_name(c, p);
	warn_of_any(c, p);
}
