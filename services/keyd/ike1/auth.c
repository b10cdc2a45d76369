/*
 * Proofs of phase 1 (RFC 2409 sections 5.1 and 5.4). What needs a long-term key is certd's, what strangers
 * wrote in certificates is certd-verify's; here are the questions, and what is done with the answers. Neither
 * a pre-shared key nor SKEYID ever comes here: certd makes our nonce, all hashes, and from SKEYID the three
 * keys that the session is run with.
 */
#include <errno.h>

#include "keyd/core/ident.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/refusal.h"

static struct isakmp *waiter(struct parked *p)
{
	return container_of(p, struct isakmp, wait);
}

/* A peer that is done when it has sent its proof would use its ISAKMP SA for as long as that lives. */
static void tell_peer(struct isakmp *sa)
{
	if (sa->state != ISAKMP_R_CHECK && sa->state != ISAKMP_I_CHECK)
		return;
	if (sa->mode != IKE_MODE_BASE)
		memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
	refusal_delete(sa);
}

/* Somebody whom we need did not answer, or said no. */
static void give_up(struct isakmp *sa, const char *what, const char *why)
{
	char name[ISAKMP_NAME_MAX];

	core_note(sa->core, CORE_ERROR, "isakmp.auth", "%s: %s. %s", what, why, isakmp_name(sa, name));
	tell_peer(sa);
	phase1_fail(sa, 0, what);
}

static struct octets *our_nonce(struct isakmp *sa)
{
	return sa->initiator ? &sa->ni : &sa->nr;
}

static int set_my_id(struct isakmp *sa)
{
	const struct ike1_octets subject = octets_slice(&sa->subject);

	return ident_body(&isakmp_peer(sa)->my_id, &sa->path.local, sa->subject.n ? &subject : NULL,
	    sa->initiator ? &sa->idi : &sa->idr);
}

static int take_own(struct isakmp *sa, const struct core_reply *r)
{
	sa->n_own_certs = 0;
	for (uint32_t i = 0; i < r->n_certs && i < ISAKMP_CERTS_MAX; i++, sa->n_own_certs++)
		if (octets_set(&sa->own_cert[i], r->certs[i].p, r->certs[i].n) < 0)
			return -ENOMEM;
	if (octets_set(&sa->issuer, r->issuer.p, r->issuer.n) < 0 ||
	    octets_set(&sa->subject, r->subject.p, r->subject.n) < 0)
		return -ENOMEM;
	return octets_set(our_nonce(sa), r->octets, r->n_octets);
}

static void begun(struct isakmp *sa, const struct core_reply *r, const char *or_else)
{
	int x = r->result;

	if (x == 0)
		x = take_own(sa, r);
	if (x < 0) {
		give_up(sa, or_else, r->result < 0 ? r->why : err_name(x));
		return;
	}
	x = set_my_id(sa);
	if (x < 0)
		give_up(sa, "my_identifier cannot be sent",
		    x == -ENOENT ? "asn1dn needs a certificate, and certificate_type names none"
		                 : err_name(x));
	else
		sa->then(sa);
}

static void on_begun(struct parked *p, struct core_reply *r)
{
	begun(waiter(p), r, "certd does not begin an exchange");
}

void auth_begin(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	int r;

	sa->then = then;
	r = ports->ike1_begin(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_begun),
	    sa->conf->generation, sa->peer, &sa->path.remote, sa->initiator);
	if (r < 0)
		give_up(sa, "certd cannot be asked to begin an exchange", err_name(r));
}

static void on_switched(struct parked *p, struct core_reply *r)
{
	begun(waiter(p), r, "certd does not go on under another remote");
}

void auth_switch(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	int r;

	sa->then = then;
	r = ports->ike1_switch(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_switched),
	    octets_slice(our_nonce(sa)), sa->peer);
	if (r < 0)
		give_up(sa, "certd cannot be asked to go on under another remote", err_name(r));
}

/* From SKEYID_d, _a and _e (taken) to everything that follows from them. */
static int derive(struct isakmp *sa, struct core_reply *r)
{
	const struct ike1_octets gxi = octets_slice(&sa->gxi), gxr = octets_slice(&sa->gxr);
	int x;

	ike1_keys_fini(&sa->keys);
	sa->keys = (struct ike1_keys){
	    .prf = sa->terms.prf, .d = take_ptr(r->d), .a = take_ptr(r->a), .e = take_ptr(r->e)};
	x = ike1_cipher_key(&sa->keys, sa->terms.key_len, &sa->cipher_key);
	if (x == 0)
		x = ike1_first_iv(sa->terms.prf, gxi, gxr, sa->block, sa->iv);
	sa->gxy = secret_free(sa->gxy);
	sa->dh = crypto_dh_free(sa->dh);
	return x;
}

static void no_keys(struct isakmp *sa, const char *why)
{
	give_up(
	    sa, auth_with_signature(sa) ? "certd does not make the keys" : "couldn't find the pskey", why);
}

static void on_keys(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);
	int x;

	if (r->result < 0) {
		no_keys(sa, r->why);
		return;
	}
	x = derive(sa, r);
	if (x < 0)
		give_up(sa, "the keys cannot be made", err_name(x));
	else
		sa->then(sa);
}

/* `whole`: there are the peer's public value and the shared secret. */
static int tell(struct isakmp *sa, bool whole, uint64_t token)
{
	const struct core_ports *ports = &sa->core->ports;
	/* Main mode hides the identity behind these keys, so only the address is known (section 5.4). */
	bool known = sa->mode != IKE_MODE_MAIN, base = sa->mode == IKE_MODE_BASE;
	const struct ike1_told t = {.nonce = octets_slice(our_nonce(sa)),
	    .peer_nonce = octets_slice(sa->initiator ? &sa->nr : &sa->ni),
	    .icookie = sa->icookie,
	    .rcookie = sa->rcookie,
	    .auth = sa->terms.auth,
	    .prf = sa->terms.prf,
	    .group = sa->terms.group,
	    .gxi = octets_slice(&sa->gxi),
	    .gxr = whole ? octets_slice(&sa->gxr) : (struct ike1_octets){NULL, 0},
	    .gxy = whole ? sa->gxy : NULL,
	    .sa = octets_slice(&sa->sa),
	    .peer_id = known ? &sa->peer_id : NULL,
	    .idi = base ? octets_slice(&sa->idi) : (struct ike1_octets){NULL, 0}};

	return ports->ike1_keys(ports->arg, token, &t);
}

static void on_told(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result < 0)
		no_keys(sa, r->why);
	else
		sa->then(sa);
}

void auth_tell(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	int r;

	sa->then = then;
	r = tell(sa, false, parking_enter(&sa->core->parking, &sa->wait, on_told));
	if (r < 0)
		give_up(sa, "certd cannot be told of the exchange", err_name(r));
}

void auth_keys(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	int r;

	sa->then = then;
	r = tell(sa, true, parking_enter(&sa->core->parking, &sa->wait, on_keys));
	if (r < 0)
		give_up(sa, "certd cannot be asked for the keys", err_name(r));
}

static void on_proof(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result < 0)
		give_up(sa, "certd does not prove who we are", r->why);
	else if (octets_set(&sa->proof, r->octets, r->n_octets) < 0)
		give_up(sa, "our proof cannot be kept", err_name(-ENOMEM));
	else
		sa->then(sa);
}

void auth_prove(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	int r;

	sa->then = then;
	r = ports->ike1_prove(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_proof),
	    octets_slice(our_nonce(sa)), octets_slice(sa->initiator ? &sa->idi : &sa->idr));
	if (r < 0)
		give_up(sa, "certd cannot be asked for our proof", err_name(r));
}

/* A judgement is about a message, which may have been forged; anything else is about us. */
static void not_judged(struct isakmp *sa, const struct core_reply *r)
{
	if (r->result == -EBADMSG || r->result == -EACCES)
		sa->not_so(sa, r->result, r->why);
	else
		give_up(sa, "nobody says who the peer is", r->why);
}

static void believed(struct isakmp *sa)
{
	refusal_withdraw(sa);
	sa->then(sa);
}

static void on_judged(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result < 0)
		not_judged(sa, r);
	else if (octets_set(&sa->ticket, r->octets, r->n_octets) < 0)
		give_up(sa, "the ticket cannot be kept", err_name(-ENOMEM));
	else
		believed(sa);
}

/* What the peer's signature has to be over is known: is it one, and whose? */
static void on_statement(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);
	const struct core_ports *ports = &sa->core->ports;
	struct ike1_octets certs[ISAKMP_CERTS_MAX];
	const struct ike1_signed s = {.statement = {r->octets, r->n_octets},
	    .signature = octets_slice(&sa->proof),
	    .certs = certs,
	    .n_certs = sa->n_certs};
	int x;

	if (r->result < 0) {
		not_judged(sa, r);
		return;
	}
	for (uint8_t i = 0; i < sa->n_certs; i++)
		certs[i] = octets_slice(&sa->cert[i]);
	x = ports->ike1_judge(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_judged), &s);
	if (x < 0)
		give_up(sa, "certd-verify cannot be asked who the peer is", err_name(x));
}

void auth_check(struct isakmp *sa, void (*then)(struct isakmp *sa),
    void (*not_so)(struct isakmp *sa, int r, const char *why))
{
	const struct core_ports *ports = &sa->core->ports;
	bool sig = auth_with_signature(sa);
	uint64_t token = parking_enter(&sa->core->parking, &sa->wait, sig ? on_statement : on_judged);
	int r;

	sa->then = then;
	sa->not_so = not_so;
	r = ports->ike1_verify(ports->arg, token, octets_slice(our_nonce(sa)),
	    octets_slice(sa->initiator ? &sa->idr : &sa->idi),
	    sig ? (struct ike1_octets){NULL, 0} : octets_slice(&sa->proof));
	if (r < 0)
		give_up(sa, "certd cannot be asked who the peer is", err_name(r));
}

void auth_put_proof(const struct isakmp *sa, struct ike_out *o)
{
	ike_out_whole(o, auth_with_signature(sa) ? IKE1_P_SIG : IKE1_P_HASH, sa->proof.p, sa->proof.n);
}

int auth_take_proof(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p =
	    ike_chain_find(c, auth_with_signature(sa) ? IKE1_P_SIG : IKE1_P_HASH, 0);

	if (!p || (!auth_with_signature(sa) && p->len != crypto_prf_len(sa->terms.prf)))
		return -EBADMSG;
	return octets_set(&sa->proof, p->body, p->len);
}
