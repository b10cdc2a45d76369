/*
 * Proofs of phase 1 (RFC 2409 sections 5.1 and 5.4). What needs a long-term key is certd's, what strangers
 * wrote in certificates is certd-verify's; here are the questions, and what is done with the answers. A
 * pre-shared key never comes here: SKEYID does, which is made from it for this one exchange.
 */
#include <errno.h>

#include "keyd/core/ident.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/phase1.h"

static struct isakmp *waiter(struct parked *p)
{
	return container_of(p, struct isakmp, wait);
}

/* Somebody whom we need did not answer, or said no. */
static void give_up(struct isakmp *sa, const char *what, const char *why)
{
	char name[ISAKMP_NAME_MAX];

	isakmp_trouble(sa, "%s", why);
	core_note(sa->core, CORE_ERROR, "isakmp.auth", "%s: %s. %s", what, why, isakmp_name(sa, name));
	phase1_fail(sa, 0, what);
}

static struct ike1_session session_of(const struct isakmp *sa)
{
	return (struct ike1_session){.generation = sa->conf->generation,
	    .peer = sa->peer,
	    .peer_addr = sa->path.remote,
	    .icookie = sa->icookie,
	    .rcookie = sa->rcookie,
	    .prf = sa->terms.prf,
	    .ni = octets_slice(&sa->ni),
	    .nr = octets_slice(&sa->nr)};
}

/* What is proved by the initiator's side, or by the responder's. */
static struct ike1_facts facts_of(const struct isakmp *sa, bool initiators)
{
	return (struct ike1_facts){.prover_began = initiators,
	    .gx_prover = octets_slice(initiators ? &sa->gxi : &sa->gxr),
	    .gx_other = octets_slice(initiators ? &sa->gxr : &sa->gxi),
	    .sa = octets_slice(&sa->sa),
	    .id = octets_slice(initiators ? &sa->idi : &sa->idr)};
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
	if (octets_set(&sa->issuer, r->issuer.p, r->issuer.n) < 0)
		return -ENOMEM;
	return octets_set(&sa->subject, r->octets, r->n_octets);
}

static void on_my_id(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result == 0)
		r->result = take_own(sa, r);
	if (r->result < 0)
		give_up(sa, "our own certificate's name is not to be had", r->why);
	else if (set_my_id(sa) < 0)
		give_up(sa, "my_identifier cannot be sent", "the certificate has no name");
	else
		sa->then(sa);
}

void auth_my_id(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	bool has_cert = isakmp_peer(sa)->cert != NULL;
	int r = has_cert ? -ENOENT : set_my_id(sa);

	if (r == 0) {
		then(sa);
		return;
	}
	if (!has_cert) {
		give_up(sa, "my_identifier cannot be sent",
		    r == -ENOENT ? "asn1dn needs a certificate, and certificate_type names none"
		                 : err_name(r));
		return;
	}
	sa->then = then;
	r = ports->local_id(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_my_id),
	    sa->conf->generation, sa->peer);
	if (r < 0)
		give_up(sa, "certd cannot be asked for our identity", err_name(r));
}

/* From SKEYID (taken) to everything that follows from it. */
static int derive(struct isakmp *sa, struct secret *skeyid)
{
	const struct ike1_octets gxi = octets_slice(&sa->gxi), gxr = octets_slice(&sa->gxr);
	int r = ike1_keys_init(&sa->keys, sa->terms.prf, skeyid, sa->gxy, sa->icookie, sa->rcookie);

	if (r == 0)
		r = ike1_cipher_key(&sa->keys, sa->terms.key_len, &sa->cipher_key);
	if (r == 0)
		r = ike1_first_iv(sa->terms.prf, gxi, gxr, sa->block, sa->iv);
	sa->gxy = secret_free(sa->gxy);
	sa->dh = crypto_dh_free(sa->dh);
	return r;
}

static void have_skeyid(struct isakmp *sa, struct secret *skeyid)
{
	int r = derive(sa, skeyid);

	if (r < 0)
		give_up(sa, "the keys cannot be made", err_name(r));
	else
		sa->then(sa);
}

static void on_skeyid(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result < 0)
		give_up(sa, "couldn't find the pskey", r->why);
	else
		have_skeyid(sa, take_ptr(r->secret));
}

void auth_keys(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	const struct ike1_session s = session_of(sa);
	struct secret *skeyid = NULL;
	bool known = sa->mode != IKE_MODE_MAIN;
	int r;

	sa->then = then;
	if (auth_with_signature(sa)) {
		r = ike1_skeyid_sig(sa->terms.prf, s.ni, s.nr, sa->gxy, &skeyid);
		if (r < 0)
			give_up(sa, "the keys cannot be made", err_name(r));
		else
			have_skeyid(sa, skeyid);
		return;
	}
	/* Main mode hides the identity behind this key, so only the address is known (section 5.4). */
	r = ports->psk_skeyid(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_skeyid), &s,
	    known ? &sa->peer_id : NULL);
	if (r < 0)
		give_up(sa, "certd cannot be asked for the key", err_name(r));
}

static void on_proof(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result == 0 && octets_set(&sa->proof, r->octets, r->n_octets) < 0)
		r->result = -ENOMEM;
	if (r->result < 0)
		give_up(sa, "certd does not sign", r->why);
	else
		sa->then(sa);
}

static int hash_of(struct isakmp *sa, const struct ike1_facts *f)
{
	const struct ike1_proof p = {.mine = f->gx_prover,
	    .his = f->gx_other,
	    .sa = f->sa,
	    .id = f->id,
	    .my_cookie = f->prover_began ? sa->icookie : sa->rcookie,
	    .his_cookie = f->prover_began ? sa->rcookie : sa->icookie};
	uint8_t hash[ALG_PRF_LEN_MAX];
	int r = ike1_proof(&sa->keys, &p, hash);

	return r < 0 ? r : octets_set(&sa->proof, hash, crypto_prf_len(sa->terms.prf));
}

void auth_prove(struct isakmp *sa, void (*then)(struct isakmp *sa))
{
	const struct core_ports *ports = &sa->core->ports;
	const struct ike1_facts f = facts_of(sa, sa->initiator);
	const struct ike1_session s = session_of(sa);
	int r;

	if (!auth_with_signature(sa)) {
		r = hash_of(sa, &f);
		if (r < 0)
			give_up(sa, "our proof cannot be made", err_name(r));
		else
			then(sa);
		return;
	}
	sa->then = then;
	r = ports->sign(
	    ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_proof), &s, sa->keys.skeyid, &f);
	if (r < 0)
		give_up(sa, "certd cannot be asked to sign", err_name(r));
}

static void on_judged(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);

	if (r->result == 0 && octets_set(&sa->ticket, r->octets, r->n_octets) < 0)
		r->result = -ENOMEM;
	if (r->result < 0)
		sa->not_so(sa, r->why);
	else
		sa->then(sa);
}

void auth_check(
    struct isakmp *sa, void (*then)(struct isakmp *sa), void (*not_so)(struct isakmp *sa, const char *why))
{
	const struct core_ports *ports = &sa->core->ports;
	const struct ike1_session s = session_of(sa);
	struct ike1_octets certs[ISAKMP_CERTS_MAX];
	const struct ike1_claim claim = {.facts = facts_of(sa, !sa->initiator),
	    .peer_id = sa->peer_id,
	    .by_id = sa->mode != IKE_MODE_MAIN,
	    .proof = octets_slice(&sa->proof),
	    .certs = certs,
	    .n_certs = sa->n_certs};
	uint64_t token = parking_enter(&sa->core->parking, &sa->wait, on_judged);
	int r;

	for (uint8_t i = 0; i < sa->n_certs; i++)
		certs[i] = octets_slice(&sa->cert[i]);
	sa->then = then;
	sa->not_so = not_so;
	r = auth_with_signature(sa) ? ports->verify(ports->arg, token, &s, sa->keys.skeyid, &claim)
	                            : ports->psk_verify(ports->arg, token, &s, &claim);
	if (r < 0)
		give_up(sa, "nobody can be asked who the peer is", err_name(r));
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
