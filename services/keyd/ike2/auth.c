/*
 * The peer is told of a wrong proof by AUTHENTICATION_FAILED and nothing else; why is in our log.
 */
#include "keyd/ike2/auth.h"

#include <errno.h>
#include <stdio.h>

#include "keyd/core/ident.h"
#include "keyd/core/upkeep.h"
#include "keyd/ike2/anew.h"
#include "keyd/ike2/contact.h"
#include "keyd/ike2/create.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/inform.h"
#include "keyd/ike2/pair_more.h"
#include "keyd/ike2/refusals.h"
#include "wire/ike/v2_sig.h"

enum { ID_RESERVED_AT = 1, ID_RESERVED = 3 };

static bool signs(const struct ikesa *sa)
{
	const struct ike_peer *p = ike2_peer(sa);

	return p->n_offers && ike_auth_is_rsa(p->offer[0].auth);
}

/* Whoever has the peer's certificate needs none; who has its key asks for it all the same, because a peer
 * with several could not know which one is meant. */
void auth_put_wish(const struct ikesa *sa, struct ike_out *o)
{
	const struct ike_peer *p = ike2_peer(sa);

	if (!ike_auth_is_rsa(ike_peer_auth(p)) || !p->send_cr || p->peer_cert)
		return;
	ike2_put_request(o, p->peer_key ? IKE2_CERT_RAW_KEY : IKE2_CERT_X509_SIG, NULL, 0);
}

static const struct octets *own_nonce(const struct ikesa *sa)
{
	return sa->initiator ? &sa->nonce_i : &sa->nonce_r;
}

static struct octets *own_id(struct ikesa *sa)
{
	return sa->initiator ? &sa->id_i : &sa->id_r;
}

static struct octets *peer_id(struct ikesa *sa)
{
	return sa->initiator ? &sa->id_r : &sa->id_i;
}

/* The numbers of identities are those of version 1; what stands behind them there is zero here. */
static int make_id(const struct ikesa *sa, const struct ike_id *id, struct octets *ret)
{
	const struct ike1_octets subject = octets_slice(&sa->subject);
	int r = ident_body(id, &sa->path.local, sa->subject.n ? &subject : NULL, ret);

	if (r == 0)
		memset(ret->p + ID_RESERVED_AT, 0, ID_RESERVED);
	return r;
}

/* Whoever has proved who he is has lines of his own, whatever strangers have made of theirs. */
static void say_why(struct ikesa *sa, const char *what, const char *why)
{
	enum core_level level = upkeep_level(sa->core, &sa->path.remote, CORE_ERROR);
	char name[IKE2_NAME_MAX];

	(void)ike2_name(sa, name);
	if (!sa->proved)
		core_note(sa->core, level, "ike.auth", "%s: %s. %s", what, why, name);
	else if (ike2_may_say(sa))
		core_log(sa->core, level, "ike.auth", "%s: %s. %s", what, why, name);
}

/* It fails before the peer knows us, or we it. */
static void give_up(struct ikesa *sa, const char *what, const char *why)
{
	say_why(sa, what, why);
	news_hint(sa->core, &sa->path.remote, "%s: %s", what, why);
	if (sa->answering) {
		ike2_send_refusal(sa, IKE2_AUTH, IKE2_N_AUTHENTICATION_FAILED, NULL, 0);
		ike2_sa_end(sa, what);
	} else {
		ike2_sa_leave(sa, what);
	}
}

/* --- up --- */

static void forget_first(struct ikesa *sa)
{
	struct octets *o[] = {&sa->message_i, &sa->message_r, &sa->cookie, &sa->statement, &sa->subject,
	    &sa->issuer, &sa->proof, &sa->ke, &sa->own_key, &sa->peer_key, &sa->id_wanted};

	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	for (size_t i = 0; i < IKE2_CERTS_MAX; i++) {
		octets_fini(&sa->own_cert[i]);
		octets_fini(&sa->cert[i]);
	}
	sa->n_own_certs = sa->n_certs = 0;
}

static void up(struct ikesa *sa)
{
	struct core *c = sa->core;
	char name[IKE2_NAME_MAX], id[128];

	ike2_set_state(sa, IKE2_S_UP);
	if (!ike2_is_up(sa))
		return;
	sa->established_ms = sa->heard_ms = sa->proof_ms = core_now(c);
	c->counters.established1++;
	core_log(c, CORE_INFO, "ike.up", "IKE-SA established %s peer=%s", ike2_name(sa, name),
	    ike_id_format(&sa->peer_id, id, sizeof(id)));
	forget_first(sa);
	create_plan(sa);
	inform_plan_probe(sa);
}

/* --- what both do: certd hears of the exchange, the peer's proof is judged --- */

static void tell(struct ikesa *sa, void (*then)(struct ikesa *sa, struct core_reply *r))
{
	struct core *c = sa->core;
	const struct octets *peer_nonce = sa->initiator ? &sa->nonce_r : &sa->nonce_i;
	const struct ike2_told t = {.nonce = octets_slice(own_nonce(sa)),
	    .peer_nonce = octets_slice(peer_nonce),
	    .spi_i = sa->spi_i,
	    .spi_r = sa->spi_r,
	    .prf = sa->terms.suite.prf,
	    .pi = sa->keys.pi,
	    .pr = sa->keys.pr,
	    .message_i = octets_slice(&sa->message_i),
	    .message_r = octets_slice(&sa->message_r),
	    .peer_hashes = sa->peer_hashes};
	int r = c->ports.ike2_tell(c->ports.arg, ike2_park(sa, then), &t);

	if (r < 0)
		give_up(sa, "certd cannot be asked", err_name(r));
}

static void prove(struct ikesa *sa, void (*then)(struct ikesa *sa, struct core_reply *r))
{
	struct core *c = sa->core;
	/* R: whom the peer asks for (section 2.15); whether we are that, certd knows. */
	int r = sa->id_wanted.n ? octets_set(own_id(sa), sa->id_wanted.p, sa->id_wanted.n)
	                        : make_id(sa, &ike2_peer(sa)->my_id, own_id(sa));

	if (r < 0) {
		give_up(sa, "our identity cannot be sent",
		    r == -ENOENT ? "a certificate's name is wanted, and there is no certificate"
		                 : err_name(r));
		return;
	}
	r = c->ports.ike2_prove(
	    c->ports.arg, ike2_park(sa, then), octets_slice(own_nonce(sa)), octets_slice(own_id(sa)));
	if (r < 0)
		give_up(sa, "certd cannot be asked", err_name(r));
}

/* What is of no use is passed over. False: it is too long, or no memory. */
static bool keep_cert(struct ikesa *sa, const struct ike2_certificate *c)
{
	if (c->encoding == IKE2_CERT_RAW_KEY && !sa->peer_key.n)
		return c->len <= IKE_PUBLIC_KEY_MAX && octets_set(&sa->peer_key, c->data, c->len) == 0;
	if (c->encoding != IKE2_CERT_X509_SIG || sa->n_certs == IKE2_CERTS_MAX)
		return true;
	return octets_set(&sa->cert[sa->n_certs++], c->data, c->len) == 0;
}

/* Who it is, and its proof: kept until they are judged. False: *ret_why. */
static bool take_peer(struct ikesa *sa, const struct ike_chain *c, const char **ret_why)
{
	const struct ike_payload *id = ike_chain_find(c, sa->initiator ? IKE2_P_ID_R : IKE2_P_ID_I, 0), *x,
	                         *auth = ike_chain_find(c, IKE2_P_AUTH, 0);
	struct ike2_certificate cert;
	struct ike2_ident ident;
	struct ike1_ident as1;

	*ret_why = "its identity is malformed, or of no kind that names a peer";
	if (ike2_ident_parse(id, &ident) != IKE_OK)
		return false;
	as1 = (struct ike1_ident){.type = ident.type, .data = ident.data, .len = ident.len};
	if (ident_peer(&as1, &sa->peer_id) < 0 || octets_set(peer_id(sa), id->body, id->len) < 0)
		return false;
	*ret_why = "its proof is malformed";
	if (octets_set(&sa->proof, auth->body, auth->len) < 0)
		return false;
	*ret_why = "its certificates are malformed";
	sa->n_certs = 0;
	for (uint32_t i = 0; (x = ike_chain_find(c, IKE2_P_CERT, i)); i++) {
		if (ike2_cert_parse(x, &cert) != IKE_OK)
			return false;
		if (!keep_cert(sa, &cert))
			return false;
	}
	return true;
}

static void peer_proved(struct ikesa *sa);

static void on_judged(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0)
		give_up(sa, "the peer's proof is not accepted", r->why);
	else if (octets_set(&sa->ticket, r->octets, r->n_octets) < 0)
		give_up(sa, "the peer's proof is not accepted", "out of memory");
	else
		peer_proved(sa);
}

static void judge(struct ikesa *sa, const struct core_reply *r)
{
	struct core *c = sa->core;
	struct ike1_octets certs[IKE2_CERTS_MAX];
	struct ike1_signed s = {
	    .signature = octets_slice(&sa->proof), .certs = certs, .n_certs = sa->n_certs};
	int e = octets_set(&sa->statement, r->octets, r->n_octets);

	for (uint8_t i = 0; i < sa->n_certs; i++)
		certs[i] = octets_slice(&sa->cert[i]);
	s.statement = octets_slice(&sa->statement);
	s.public_key = octets_slice(&sa->peer_key);
	if (e == 0)
		e = c->ports.ike2_judge(c->ports.arg, ike2_park(sa, on_judged), &s);
	if (e < 0)
		give_up(sa, "certd-verify cannot be asked", err_name(e));
}

static bool with_signature(const struct ikesa *sa)
{
	return sa->proof.n && sa->proof.p[0] != IKE2_AUTH_PSK;
}

static void on_verified(struct ikesa *sa, struct core_reply *r)
{
	if (r->result == 0 && with_signature(sa))
		judge(sa, r);
	else
		on_judged(sa, r);
}

static void verify(struct ikesa *sa)
{
	struct core *c = sa->core;
	int r = c->ports.ike2_verify(c->ports.arg, ike2_park(sa, on_verified), octets_slice(own_nonce(sa)),
	    octets_slice(peer_id(sa)), octets_slice(&sa->proof));

	if (r < 0)
		give_up(sa, "certd cannot be asked", err_name(r));
}

static void put_certs(const struct ikesa *sa, struct ike_out *o)
{
	if (!signs(sa) || !ike2_peer(sa)->send_cert)
		return;
	for (uint8_t i = 0; i < sa->n_own_certs; i++)
		ike2_put_cert(o, IKE2_CERT_X509_SIG, sa->own_cert[i].p, sa->own_cert[i].n);
	if (sa->own_key.n)
		ike2_put_cert(o, IKE2_CERT_RAW_KEY, sa->own_key.p, sa->own_key.n);
}

/* --- the initiator --- */

/* Who we want it to be, where only one can be meant. */
static void put_wanted_id(const struct ikesa *sa, struct ike_out *o)
{
	const struct ike_peer *p = ike2_peer(sa);
	struct octets body = {0};

	if (p->n_peer_ids == 1 && p->peer_id[0].len && p->peer_id[0].kind != IKE_ID_DN &&
	    make_id(sa, &p->peer_id[0], &body) == 0)
		ike_out_whole(o, IKE2_P_ID_R, body.p, body.n);
	octets_fini(&body);
}

static void send_request(struct ikesa *sa)
{
	const struct ike2_task none = {.kind = IKE2_TASK_NONE};
	struct ike2_out m;
	int r = 0;

	ike2_out_begin(sa, &m);
	ike_out_whole(&m.o, IKE2_P_ID_I, sa->id_i.p, sa->id_i.n);
	put_certs(sa, &m.o);
	contact_put(sa, &m.o);
	auth_put_wish(sa, &m.o);
	put_wanted_id(sa, &m.o);
	ike_out_whole(&m.o, IKE2_P_AUTH, sa->proof.p, sa->proof.n);
	if (sa->first)
		r = pair_put_request(sa->first, &m.o);
	if (r == 0)
		r = ike2_send_request(sa, &m, IKE2_AUTH, &none);
	if (r < 0) {
		ike2_sa_end(sa, "a message could not be made");
		return;
	}
	ike2_set_state(sa, IKE2_S_I_AUTH);
	if (sa->first)
		pair_set_state(sa->first, PAIR_ASKED);
}

static void first_ready(struct ike2_pair *p)
{
	p->failed = NULL;
	send_request(p->sa);
}

static void ask(struct ikesa *sa);

/* The next one that waits, or none. */
static void first_failed(struct ike2_pair *p, uint16_t notify)
{
	struct ikesa *sa = p->sa;

	(void)notify;
	sa->first = NULL;
	if (sa->state == IKE2_S_I_PROVE)
		ask(sa);
}

static struct ike2_pair *waiting(const struct ikesa *sa)
{
	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		if (p->state == PAIR_WAITING)
			return p;
	return NULL;
}

/* The first child goes with the proof; without one, a peer has to be asked without (RFC 6023). */
static void ask(struct ikesa *sa)
{
	struct ike2_pair *p = waiting(sa);

	if (!p && !sa->childless) {
		ike2_sa_end(sa, "no child can be asked for, and the peer wants one with its IKE SA");
		return;
	}
	sa->first = p;
	if (!p) {
		send_request(sa);
		return;
	}
	p->failed = first_failed;
	pair_begin(p, true, first_ready);
}

static void on_own_proof(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0 || octets_set(&sa->proof, r->octets, r->n_octets) < 0) {
		give_up(sa, "we cannot prove who we are", r->result < 0 ? r->why : "out of memory");
		return;
	}
	if (sa->initiator)
		ask(sa);
}

static void on_told(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0)
		give_up(sa, "certd does not take part", r->why);
	else
		prove(sa, on_own_proof);
}

void auth_begin2(struct ikesa *sa)
{
	tell(sa, on_told);
}

static void first_refused(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_pair *p = sa->first;
	struct ike2_notification n;
	char buf[REFUSAL_WORDS_MAX];

	if (!p)
		return;
	sa->first = NULL;
	if (!ike2_notify_find_error(c, &n))
		pair_fail(p, 0, "the peer's answer has neither an SA nor a reason");
	else if (!pair_again_alone(p, n.type))
		pair_fail(p, 0, "the peer refuses: %s", refusal_words(n.type, true, buf));
}

static void first_answered(struct ike2_pair *p, const struct ike_chain *c)
{
	const char *why;

	p->is_made = true;
	if (pair_take_answer(p, c, &why) < 0)
		pair_fail(p, 0, "the peer: %s", why);
}

static void refused(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;
	char buf[REFUSAL_WORDS_MAX];
	const char *why =
	    ike2_notify_find_error(c, &n) ? refusal_words(n.type, false, buf) : "without a reason";

	news_hint(sa->core, &sa->path.remote, "the peer refuses: %s", why);
	core_log(sa->core, upkeep_level(sa->core, &sa->path.remote, CORE_ERROR), "ike.refused",
	    "the peer refuses: %s", why);
	ike2_sa_end(sa, "refused by the peer");
}

void auth_response(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;
	const char *why;

	if (sa->state != IKE2_S_I_AUTH)
		return;
	if (!ike_chain_find(c, IKE2_P_AUTH, 0)) {
		refused(sa, c);
		return;
	}
	ike2_set_state(sa, IKE2_S_I_CHECK);
	sa->initial_contact = ike2_notify_find(c, IKE2_N_INITIAL_CONTACT, &n);
	if (!take_peer(sa, c, &why)) {
		give_up(sa, "the peer's answer is not accepted", why);
		return;
	}
	if (!ike_chain_find(c, IKE2_P_SA, 0))
		first_refused(sa, c);
	else if (sa->first)
		first_answered(sa->first, c);
	verify(sa);
}

static void opened_both(struct ike2_pair *p)
{
	struct ikesa *sa = p->sa;

	(void)!pair_done(p, NULL);
	anew_done(sa);
}

static void opened(struct ike2_pair *p)
{
	pair_install(p, false, opened_both);
}

static void granted(struct ike2_pair *p)
{
	pair_install(p, true, opened);
}

static void made(struct ikesa *sa)
{
	struct ike2_pair *p = sa->first;

	up(sa);
	if (sa->initial_contact && ike2_is_up(sa))
		contact_end_others(sa);
	sa->first = NULL;
	if (p && ike2_is_up(sa))
		pair_ask_grant(p, granted);
	else
		anew_done(sa);
	pair_resume(sa);
	ike2_pump(sa);
	contact_end_twins(sa);
	if (ike2_is_up(sa))
		ike2_sa_limit(sa);
}

/* --- the responder --- */

static void finish(struct ikesa *sa, struct ike2_pair *p, uint16_t notify)
{
	const uint8_t *proof = sa->proof.p;
	size_t n = sa->proof.n;
	struct ike2_out m;

	ike2_out_begin(sa, &m);
	ike_out_whole(&m.o, IKE2_P_ID_R, sa->id_r.p, sa->id_r.n);
	put_certs(sa, &m.o);
	ike_out_whole(&m.o, IKE2_P_AUTH, proof, n);
	contact_put(sa, &m.o);
	if (p)
		pair_put_answer(p, &m.o);
	else if (notify)
		ike2_put_note(&m.o, notify, NULL, 0);
	up(sa);
	ike2_send_answer(sa, &m, IKE2_AUTH);
	if (!ike2_is_up(sa))
		return;
	sa->first = NULL;
	if (p && p->takes_over)
		pair_hold(p);
	else if (p)
		(void)!pair_done(p, NULL);
	/* Behind the answer, as it may lead to other messages. */
	if (sa->initial_contact && ike2_is_up(sa))
		contact_end_others(sa);
	pair_resume(sa);
	ike2_pump(sa);
	contact_end_twins(sa);
	if (ike2_is_up(sa))
		ike2_sa_limit(sa);
}

static void first_made(struct ike2_pair *p)
{
	p->failed = NULL;
	finish(p->sa, p, 0);
}

static void first_not_made(struct ike2_pair *p, uint16_t notify)
{
	finish(p->sa, NULL, notify);
}

static void on_own_proof_answer(struct ikesa *sa, struct core_reply *r)
{
	struct ike2_pair *p = sa->first;

	if (r->result == -EACCES && sa->id_wanted.n) {
		give_up(sa, "the peer asks for somebody else: compare its idea of us with local-id", r->why);
		return;
	}
	if (r->result < 0 || octets_set(&sa->proof, r->octets, r->n_octets) < 0) {
		give_up(sa, "we cannot prove who we are", r->result < 0 ? r->why : "out of memory");
		return;
	}
	if (!p) {
		finish(sa, NULL, 0);
		return;
	}
	p->ready = first_made;
	p->failed = first_not_made;
	pair_answer(p);
}

static void peer_proved(struct ikesa *sa)
{
	ike2_sa_proved(sa);
	sa->party = party_join(sa->core, &sa->path, &sa->peer_id, (struct ike1_octets){0});
	if (!sa->party) {
		ike2_sa_end(sa, "out of memory");
		return;
	}
	if (sa->initiator) {
		made(sa);
		return;
	}
	ike2_set_state(sa, IKE2_S_R_PROVE);
	prove(sa, on_own_proof_answer);
}

static void on_told_answer(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0)
		give_up(sa, "certd does not take part", r->why);
	else
		verify(sa);
}

/* The first child, if the peer asks for one. False: malformed. */
static bool take_first(struct ikesa *sa, const struct ike_chain *c, const char **ret_why)
{
	struct ike2_pair *p;

	if (!ike_chain_find(c, IKE2_P_SA, 0))
		return true;
	*ret_why = "out of memory";
	p = pair_new(sa, false);
	if (!p)
		return false;
	p->in_auth = true;
	sa->first = p;
	return pair_take_request(p, c, ret_why) == 0;
}

/* Whom the peer asks for, if it says so. False: that is nobody's name. */
static bool take_wanted(struct ikesa *sa, const struct ike_chain *c)
{
	const struct ike_payload *id = ike_chain_find(c, IKE2_P_ID_R, 0);
	struct ike2_ident ident;
	struct ike1_ident as1;
	struct ike_id who;

	if (!id)
		return true;
	if (ike2_ident_parse(id, &ident) != IKE_OK)
		return false;
	as1 = (struct ike1_ident){.type = ident.type, .data = ident.data, .len = ident.len};
	if (ident_peer(&as1, &who) < 0 || octets_set(&sa->id_wanted, id->body, id->len) < 0)
		return false;
	memset(sa->id_wanted.p + ID_RESERVED_AT, 0, ID_RESERVED);
	return true;
}

void auth_request(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;
	const char *why;

	ike2_set_state(sa, IKE2_S_R_CHECK);
	sa->initial_contact = ike2_notify_find(c, IKE2_N_INITIAL_CONTACT, &n);
	if (!take_peer(sa, c, &why) || !take_first(sa, c, &why)) {
		core_note(sa->core, CORE_ERROR, "ike.auth", "the peer's request is not accepted: %s", why);
		ike2_send_refusal(sa, IKE2_AUTH, IKE2_N_INVALID_SYNTAX, NULL, 0);
		ike2_sa_end(sa, "its request was malformed");
		return;
	}
	if (take_wanted(sa, c))
		tell(sa, on_told_answer);
	else
		give_up(sa, "the peer asks for somebody else", "its IDr is of no kind that names a peer");
}
