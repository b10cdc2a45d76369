/*
 * Until the peer has proved who it is, a message that is wrong is passed over and not the end: whoever can
 * see cookies could otherwise end every negotiation with one forged datagram. A proof that is wrong is
 * refusal.c's.
 */
#include "keyd/ike1/phase1.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "keyd/core/ident.h"
#include "keyd/core/upkeep.h"
#include "keyd/core/child.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/life.h"
#include "keyd/ike1/quick.h"

int phase1_make_ke(struct isakmp *sa, enum alg_group group)
{
	uint8_t public[ALG_GROUP_PUBLIC_MAX];
	size_t n = crypto_dh_public_len(group);
	int r;

	if (!n)
		return -EINVAL;
	sa->dh = crypto_dh_free(sa->dh);
	r = crypto_dh_new(group, &sa->dh);
	if (r == 0)
		r = crypto_dh_public(sa->dh, public);
	return r < 0 ? r : octets_set(sa->initiator ? &sa->gxi : &sa->gxr, public, n);
}

void phase1_put_public(const struct isakmp *sa, struct ike_out *o)
{
	const struct octets *ke = sa->initiator ? &sa->gxi : &sa->gxr;

	ike_out_whole(o, IKE1_P_KE, ke->p, ke->n);
}

void phase1_put_nonce(const struct isakmp *sa, struct ike_out *o)
{
	const struct octets *nonce = sa->initiator ? &sa->ni : &sa->nr;

	ike_out_whole(o, IKE1_P_NONCE, nonce->p, nonce->n);
}

void phase1_put_ke(const struct isakmp *sa, struct ike_out *o)
{
	phase1_put_public(sa, o);
	phase1_put_nonce(sa, o);
}

int phase1_take_public(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *ke = ike_chain_find(c, IKE1_P_KE, 0);
	struct secret *gxy = NULL;
	int r;

	if (sa->dh) {
		r = crypto_dh_shared(sa->dh, ke->body, ke->len, &gxy);
		if (r < 0)
			return r;
		secret_free(sa->gxy);
		sa->gxy = gxy;
	}
	return octets_set(sa->initiator ? &sa->gxr : &sa->gxi, ke->body, ke->len);
}

int phase1_take_nonce(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *nonce = ike_chain_find(c, IKE1_P_NONCE, 0);

	if (!ike1_nonce_ok(nonce))
		return -EBADMSG;
	return octets_set(sa->initiator ? &sa->nr : &sa->ni, nonce->body, nonce->len);
}

int phase1_take_ke(struct isakmp *sa, const struct ike_chain *c)
{
	int r = ike1_nonce_ok(ike_chain_find(c, IKE1_P_NONCE, 0)) ? phase1_take_public(sa, c) : -EBADMSG;

	return r < 0 ? r : phase1_take_nonce(sa, c);
}

int phase1_take_id(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p = ike_chain_find(c, IKE1_P_ID, 0);
	struct ike1_ident id;
	struct ike_id who;
	int r = ike1_ident_parse(p, &id) == IKE_OK ? ident_peer(&id, &who) : -EBADMSG;

	life_note1(sa, c);
	inform_note1(sa, c);
	if (r == 0)
		r = octets_set(sa->initiator ? &sa->idr : &sa->idi, p->body, p->len);
	if (r == 0)
		sa->peer_id = who;
	return r;
}

int phase1_take_certs(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;
	struct ike1_certificate cert;

	sa->n_certs = 0;
	for (uint32_t i = 0; (p = ike_chain_find(c, IKE1_P_CERT, i)); i++) {
		if (ike1_cert_parse(p, &cert) != IKE_OK)
			return -EBADMSG;
		/* What we cannot read is not refused: the peer may send several encodings of one.
		 * certd-verify sees which of the two it is. */
		if ((cert.encoding != IKE1_CERT_X509_SIG && cert.encoding != IKE1_CERT_PKCS7) ||
		    sa->n_certs == ISAKMP_CERTS_MAX)
			continue;
		if (octets_set(&sa->cert[sa->n_certs], cert.data, cert.len) < 0)
			return -ENOMEM;
		sa->n_certs++;
	}
	return 0;
}

void phase1_put_certs(const struct isakmp *sa, struct ike_out *o)
{
	if (!auth_with_signature(sa) || !isakmp_peer(sa)->send_cert)
		return;
	for (uint8_t i = 0; i < sa->n_own_certs; i++)
		ike1_put_cert(o, IKE1_P_CERT, IKE1_CERT_X509_SIG, sa->own_cert[i].p, sa->own_cert[i].n);
}

void phase1_put_cert_request(const struct isakmp *sa, struct ike_out *o)
{
	/* Of a peer whose certificate we have, none is needed. Our own issuer is the one that peers most
	 * likely share with us; no authority named would mean any (RFC 2408 section 3.10), but some pass over
	 * that. */
	if (isakmp_peer(sa)->send_cr && isakmp_peer(sa)->cert && !isakmp_peer(sa)->peer_cert)
		ike1_put_cert(o, IKE1_P_CERT_REQ, IKE1_CERT_X509_SIG, sa->issuer.p, sa->issuer.n);
}

void phase1_send(struct isakmp *sa, struct ike_out *o, bool seal, bool expect)
{
	struct core *c = sa->core;
	size_t n = ike_out_end(o);

	if (n && seal)
		n = ike1_seal(sa, sa->iv, c->out, n, sizeof(c->out));
	if (!n || window_send(&sa->window, sa->conf->c, c->out, n, expect) < 0) {
		sa->failure = "the message could not be made";
		isakmp_end(sa);
	}
}

void phase1_take_cookie(struct isakmp *sa, const struct phase1_msg *m)
{
	memcpy(sa->rcookie, m->hdr.rcookie, IKE_COOKIE_LEN);
}

void phase1_got(struct isakmp *sa, const struct phase1_msg *m)
{
	window_got(&sa->window, m->datagram, m->n);
}

/* Its life is over. Exchanges under it have ended or end now; the children stay (RFC 2408 section 5.15 does
 * not tie them to it). */
static void on_life(struct timer *t, void *arg)
{
	struct isakmp *sa = container_of(t, struct isakmp, patience);

	(void)arg;
	inform_delete_isakmp(sa);
	sa->failure = "expired";
	isakmp_end(sa);
}

const char *phase1_mode_words(enum ike_mode m)
{
	static const char *const words[IKE_MODES] = {[IKE_MODE_MAIN] = "Identity Protection mode",
	    [IKE_MODE_AGGRESSIVE] = "Aggressive mode",
	    [IKE_MODE_BASE] = "Base mode"};

	return (unsigned)m < IKE_MODES && words[m] ? words[m] : "no mode";
}

void phase1_begin(struct isakmp *sa)
{
	if (sa->state != ISAKMP_I_NEW || parked_is(&sa->wait))
		return;
	core_log(sa->core, upkeep_level(sa->core, &sa->path.remote, CORE_INFO), "isakmp.begin", "begin %s.",
	    phase1_mode_words(sa->mode));
	if (sa->mode == IKE_MODE_MAIN)
		main_begin(sa);
	else if (sa->mode == IKE_MODE_BASE)
		base_begin(sa);
	else
		aggressive_begin(sa);
}

/* The other side may be one that cannot answer: a client, which is asked for its user and does not ask. */
bool phase1_renew(struct isakmp *sa)
{
	struct core *c = sa->core;
	char name[ISAKMP_NAME_MAX];
	struct isakmp *next;

	if (!sa->initiator || sa->conf != c->conf || isakmp_find_successor(sa))
		return false;
	if (isakmp_find_coming(c, &sa->path, sa->peer))
		return true;
	core_log(c, CORE_INFO, "isakmp.renew", "ISAKMP-SA is renewed: %s", isakmp_name(sa, name));
	next = isakmp_new(c, sa->peer, &sa->path, sa->mode, NULL);
	if (next)
		phase1_begin(next);
	return next;
}

/* Another one in its place, before its life ends: children go on being renewed under whichever is newest. */
static void on_renew(struct timer *t, void *arg)
{
	struct isakmp *sa = container_of(t, struct isakmp, renew);

	if (child_any(arg, &sa->path))
		(void)phase1_renew(sa);
}

/* Only who began renews, so that the two do not do it at once: when most of its time is over, or most of the
 * message ids that can be remembered are used up. */
static void plan_renewal(struct isakmp *sa)
{
	enum { SOFT_PERCENT = 80 };
	struct core *c = sa->core;
	uint64_t at = sa->established_ms + sa->terms.seconds * 1000 / 100 * SOFT_PERCENT;

	if (sa->initiator && isakmp_peer(sa)->rekey != IKE_OFF)
		(void)!timer_set(&c->timers, &sa->renew, sa->seen.n < SEEN_MANY ? at : core_now(c), on_renew);
}

void phase1_plan(struct isakmp *sa)
{
	struct core *c = sa->core;

	if (timer_set(&c->timers, &sa->patience, sa->established_ms + sa->terms.seconds * 1000, on_life) < 0)
		isakmp_end(sa);
	else
		plan_renewal(sa);
}

void phase1_up(struct isakmp *sa)
{
	struct core *c = sa->core;
	char name[ISAKMP_NAME_MAX], id[128];

	if (remote_access_goes_on(sa))
		return;
	isakmp_set_state(sa, ISAKMP_UP);
	if (!isakmp_is_up(sa)) {
		isakmp_end(sa);
		return;
	}
	sa->party = party_join(c, &sa->path, &sa->peer_id, octets_slice(&sa->ra.user));
	if (!sa->party) {
		sa->failure = "given up: out of memory";
		isakmp_end(sa);
		return;
	}
	sa->established_ms = sa->heard_ms = core_now(c);
	c->counters.established1++;
	octets_fini(&sa->proof);
	for (size_t i = 0; i < ISAKMP_CERTS_MAX; i++) {
		octets_fini(&sa->cert[i]);
		octets_fini(&sa->own_cert[i]);
	}
	sa->n_certs = sa->n_own_certs = 0;
	phase1_plan(sa);
	life_up(sa);
	isakmp_limit(sa);
	if (!isakmp_is_up(sa))
		return;
	core_log(c, CORE_INFO, "isakmp.up", "ISAKMP-SA established %s peer=%s", isakmp_name(sa, name),
	    ike_id_format(&sa->peer_id, id, sizeof(id)));
	dpd_begin(sa);
	kept_isakmp(sa);
	if (sa->began_anew)
		inform_began_anew(sa);
	inform_initial_contact(sa);
	if (sa->gone_spi)
		inform_delete_spi(sa, sa->gone_proto, sa->gone_spi);
	life_tell1(sa);
	remote_access_up(sa);
	quick_resume(sa);
}

void phase1_fail(struct isakmp *sa, uint16_t notify, const char *why)
{
	if (notify)
		inform_refuse(sa, notify);
	sa->failure = why;
	isakmp_end(sa);
}

void phase1_ignore(struct isakmp *sa, const char *fmt, ...)
{
	char text[300], name[ISAKMP_NAME_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sa->core->counters.malformed++;
	news_hint(sa->core, &sa->path.remote, "a message was passed over: %s", text);
	core_note(sa->core, CORE_WARNING, "isakmp.ignored", "a message is passed over: %s. %s (%s)", text,
	    isakmp_name(sa, name), isakmp_state_name(sa->state));
}
