/*
 * When both sides renew the same thing at once, both exchanges succeed, and the one in which the least of the
 * four nonces was used is undone by whoever began it; the other one's beginner deletes the old (section
 * 2.8.1). Each side sees all four, so both come to the same end.
 */
#include "keyd/ike2/create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rd.h"
#include "base/wr.h"
#include "keyd/core/waiters.h"
#include "keyd/ike2/anew.h"
#include "keyd/ike2/contact.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/inform.h"
#include "keyd/ike2/pair_more.h"
#include "keyd/ike2/refusals.h"

enum {
	NONCE_LEN = 32,
	SPI_LEN = 4,
	SOFT_PERCENT = 80, /* who began this SA; */
	LATE_PERCENT = 93, /* the other side, if that one has not */
	JITTER_PERCENT = 5,
	AGAIN_MS = 2000,
	ANEW_MS = 60000, /* whether the one that was begun in its place has come to anything */
	OLD_MS = 30000,  /* how long the peer may take to delete what it has replaced */
};

static int cmp(const struct octets *a, const struct octets *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int r = n ? memcmp(a->p, b->p, n) : 0;

	return r ? r : (a->n > b->n) - (a->n < b->n);
}

static const struct octets *lesser(const struct octets *a, const struct octets *b)
{
	return cmp(a, b) <= 0 ? a : b;
}

/* --- our child --- */

void create_renew(struct child *k)
{
	struct ikesa *sa = k->owner;
	struct ike2_pair *p;

	/* The peer's own renewal may be there already. */
	list_foreach (other, &sa->pairs, struct ike2_pair, node)
		if (other->old == k)
			return;
	if (!ike2_is_up(sa) || k->told)
		return;
	if (sa->full) {
		child_try_again(k);
		(void)anew_begin(sa);
		return;
	}
	p = pair_new(sa, true);
	if (!p) {
		child_try_again(k);
		return;
	}
	p->out = k->out;
	p->old = k;
	pair_begin(p, false, pair_ask_in_turn);
}

void create_ask_pair(struct ikesa *sa, const struct ike2_task *t)
{
	struct ike2_pair *p = t->pair;
	struct ike2_task asked = *t;
	struct ike2_out m;
	int r;

	if (!p)
		return;
	asked.proto = p->part[p->n_parts - 1].proto;
	asked.spi = p->part[p->n_parts - 1].spi_in;
	ike2_out_begin(sa, &m);
	r = pair_put_request(p, &m.o);
	if (r == 0)
		r = ike2_send_request(sa, &m, IKE2_CREATE_CHILD_SA, &asked);
	if (r < 0)
		pair_fail(p, 0, "the request cannot be made: %s", err_name(r));
	else
		pair_set_state(p, PAIR_ASKED);
}

/* The new pair is there. */
static void made_ours(struct ike2_pair *p)
{
	bool lost = p->crossed && cmp(lesser(&p->ni, &p->nr), &p->rival) < 0;
	struct ikesa *sa = p->sa;
	struct child *old, *k = pair_done(p, &old);

	sa->no_more = 0;
	if (!k || !old)
		return;
	if (lost) {
		child_end(k, true, CHILD_REDUNDANT);
		return;
	}
	/* Of what the peer has left out packets ask anew, and do not go where it does not listen any more. */
	if (!child_covers(k, old))
		child_stop_sending(old);
	child_tell(old);
	if (!old->replaced)
		child_replace(old);
}

static void opened_ours(struct ike2_pair *p)
{
	pair_install(p, false, made_ours);
}

/* The peer does not have what we want to renew: a new one it is, unless the peer has renewed it while our
 * request was lost. */
static void renew_anew(struct ike2_pair *p)
{
	const struct child *newest = child_of_policy(p->sa->core, p->out.id);

	if (newest && newest != p->old && newest->owner == p->sa &&
	    (!p->old || child_covers(newest, p->old))) {
		pair_fail(p, 0, "the peer has renewed it meanwhile");
		return;
	}
	if (p->old)
		child_end(p->old, false, CHILD_PEER_LACKS);
	p->old = NULL;
	pair_set_state(p, PAIR_READY);
	pair_ask_in_turn(p);
}

static void pair_refused(struct ike2_pair *p, const struct ike_chain *c)
{
	struct ike2_notification n;
	char buf[REFUSAL_WORDS_MAX];

	if (!ike2_notify_find_error(c, &n))
		pair_fail(p, 0, "the peer's answer has neither an SA nor a reason");
	else if (n.type == IKE2_N_CHILD_SA_NOT_FOUND && p->old)
		renew_anew(p);
	else if (n.type == IKE2_N_NO_ADDITIONAL_SAS)
		anew_pair(p);
	else if (!pair_again_alone(p, n.type))
		pair_fail(p, 0, "the peer refuses: %s", refusal_words(n.type, true, buf));
}

static void pair_response(struct ike2_pair *p, const struct ike_chain *c)
{
	const char *why;

	if (!ike_chain_find(c, IKE2_P_SA, 0) || !ike_chain_find(c, IKE2_P_TS_I, 0)) {
		pair_refused(p, c);
		return;
	}
	p->is_made = true;
	if (pair_take_answer(p, c, &why) < 0)
		pair_fail(p, 0, "the peer: %s", why);
	else
		pair_install(p, true, opened_ours);
}

/* --- the peer's child --- */

static void respond_pair(struct ike2_pair *p)
{
	struct ikesa *sa = p->sa;
	struct ike2_out m;

	p->failed = NULL;
	ike2_out_begin(sa, &m);
	pair_put_answer(p, &m.o);
	ike2_send_answer(sa, &m, IKE2_CREATE_CHILD_SA);
	if (sa->state == IKE2_S_GONE)
		return;
	if (p->takes_over)
		pair_hold(p);
	else
		(void)!pair_done(p, NULL);
}

static void refuse_pair(struct ike2_pair *p, uint16_t notify)
{
	const uint8_t group[] = {(uint8_t)(p->terms.group >> 8), (uint8_t)p->terms.group};
	bool ke = notify == IKE2_N_INVALID_KE_PAYLOAD;

	ike2_send_refusal(p->sa, IKE2_CREATE_CHILD_SA, notify, group, ke ? sizeof(group) : 0);
}

static void refuse(struct ikesa *sa, uint16_t notify)
{
	ike2_send_refusal(sa, IKE2_CREATE_CHILD_SA, notify, NULL, 0);
}

/* The pair that the peer wants another one for. 0; else the notification that says why that cannot be: one
 * that it is done with, or that is not quite there yet, it may ask for later (section 2.25.1). */
static uint16_t find_old(struct ikesa *sa, const struct ike2_notification *n, struct child **ret)
{
	enum ipsec_proto proto = n->protocol == IKE2_PROTO_AH ? IPSEC_AH : IPSEC_ESP;
	struct rd r = rd_init(n->spi, n->spi_len);
	uint32_t spi = rd_u32(&r);

	*ret = rd_done(&r) ? pair_child(sa, proto, spi) : NULL;
	if (*ret)
		return (*ret)->told ? IKE2_N_TEMPORARY_FAILURE : 0;
	return rd_done(&r) && pair_making(sa, proto, spi) ? IKE2_N_TEMPORARY_FAILURE
	                                                  : IKE2_N_CHILD_SA_NOT_FOUND;
}

/* Ours is out for the same pair: whose it will be is known when both are done. */
static int note_rival(struct ikesa *sa, struct ike2_pair *theirs)
{
	list_foreach (p, &sa->pairs, struct ike2_pair, node) {
		const struct octets *least = lesser(&theirs->ni, &theirs->nr);

		if (!p->initiator || p->old != theirs->old || p == theirs)
			continue;
		p->crossed = theirs->crossed = true;
		return octets_set(&p->rival, least->p, least->n);
	}
	return 0;
}

static void respond_renewal(struct ike2_pair *p)
{
	if (note_rival(p->sa, p) < 0)
		pair_fail(p, 0, "out of memory");
	else
		respond_pair(p);
}

static void child_request(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;
	bool renews = ike2_notify_find(c, IKE2_N_REKEY_SA, &n);
	struct child *old = NULL;
	struct ike2_pair *p;
	uint16_t no = renews ? find_old(sa, &n, &old) : 0;
	const char *why;

	if (!ike2_is_up(sa) || (sa->own.out && sa->own.task.kind == IKE2_TASK_REKEY))
		no = IKE2_N_TEMPORARY_FAILURE;
	if (no) {
		refuse(sa, no);
		return;
	}
	p = pair_new(sa, false);
	if (!p) {
		refuse(sa, IKE2_N_TEMPORARY_FAILURE); /* there are many at once, or no memory */
		return;
	}
	p->old = old;
	p->ready = renews ? respond_renewal : respond_pair;
	p->failed = refuse_pair;
	if (pair_take_request(p, c, &why) < 0)
		pair_fail(p, IKE2_N_INVALID_SYNTAX, "the peer: %s", why);
	else
		pair_answer(p);
}

/* --- IKE SAs --- */

/* A child is being deleted: the peer waits until that is over (section 2.25.2). */
static bool is_dropping(const struct ikesa *sa)
{
	return sa->own.out && sa->own.task.kind == IKE2_TASK_DROP_CHILD;
}

/* What is under the old one is under the new one from now on. */
static void move(struct ikesa *from, struct ikesa *to)
{
	list_foreach (k, core_of_peer(from->core->by_peer, &from->path.remote), struct child, by_peer)
		if (k->owner == from)
			k->owner = to;
	pair_move(from, to);
	to->single = from->single;
	to->anew = from->anew;
	from->anew = NULL;
	if (from->twin.place)
		contact_yield(to, core_until(from->core, &from->twin));
	timer_stop(&from->core->timers, &from->twin);
	/* What the peer has perhaps not heard under the old one. */
	if (is_dropping(from))
		(void)!ike2_ask(to, &from->own.task);
	list_foreach_safe (t, next, &from->tasks, struct ike2_task, node) {
		list_remove(&t->node);
		list_append(&to->tasks, &t->node);
	}
	if (from->state == IKE2_S_UP)
		ike2_set_state(from, IKE2_S_REPLACED);
	timer_stop(&from->core->timers, &from->renew);
	timer_stop(&from->core->timers, &from->probe);
	ike2_pump(to);
}

static void on_old(struct timer *t, void *arg)
{
	(void)arg;
	ike2_sa_end(container_of(t, struct ikesa, patience), "replaced");
}

/* The peer began the exchange, and deletes the old one. */
static void await_delete(struct ikesa *sa)
{
	struct core *c = sa->core;

	if (timer_set(&c->timers, &sa->patience, core_now(c) + OLD_MS, on_old) < 0)
		ike2_sa_end(sa, "replaced");
}

static int make_keys(struct ikesa *sa, const struct ike2_keys *old, const struct secret *gir)
{
	const struct ike2_nonces n = {{sa->nonce_i.p, sa->nonce_i.n}, {sa->nonce_r.p, sa->nonce_r.n}};
	const struct octets *least = lesser(&sa->nonce_i, &sa->nonce_r);
	AUTO_SECRET struct secret *seed = NULL;
	int r = ike2_rekey_skeyseed(old, &n, gir, &seed);

	if (r == 0)
		r = ike2_keys_init(&sa->keys, &sa->terms.suite, seed, &n, sa->spi_i, sa->spi_r);
	return r < 0 ? r : octets_set(&sa->least, least->p, least->n);
}

static void sa_up(struct ikesa *sa)
{
	char name[IKE2_NAME_MAX];

	ike2_set_state(sa, IKE2_S_UP);
	sa->established_ms = sa->heard_ms = core_now(sa->core);
	core_log(sa->core, CORE_INFO, "ike.renewed", "IKE-SA established %s, in place of another one",
	    ike2_name(sa, name));
	create_plan(sa);
	inform_plan_probe(sa);
}

static int make_half(struct ikesa *sa, enum alg_group group, struct octets *nonce)
{
	uint8_t public[ALG_GROUP_PUBLIC_MAX], random[NONCE_LEN];
	int r = crypto_dh_new(group, &sa->dh);

	sa->core->rng->fill(sa->core->rng, random, sizeof(random));
	if (r == 0)
		r = crypto_dh_public(sa->dh, public);
	if (r == 0)
		r = octets_set(&sa->ke, public, crypto_dh_public_len(group));
	return r < 0 ? r : octets_set(nonce, random, sizeof(random));
}

static bool is_making(const struct ikesa *sa)
{
	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		if (p->state != PAIR_HOLDING && p->state != PAIR_WAITING &&
		    (!p->initiator || p->state >= PAIR_ASKED))
			return true;
	return false;
}

static void renew_again(struct ikesa *sa, uint64_t ms);

void create_ask_rekey(struct ikesa *sa, const struct ike2_task *t)
{
	enum alg_group group = sa->terms.group;
	struct ikesa *next;
	struct ike2_out m;
	int r;

	if (sa->next_theirs || sa->next_ours)
		return;
	if (sa->answering || is_making(sa)) {
		renew_again(sa, AGAIN_MS);
		return;
	}
	next = ike2_sa_after(sa, true);
	r = next ? make_half(next, group, &next->nonce_i) : -ENOMEM;
	if (r == 0) {
		next->terms.group = group;
		ike2_out_begin(sa, &m);
		offer_put_ike(ike2_peer(sa), &m.o, next->spi_i);
		ike_out_whole(&m.o, IKE2_P_NONCE, next->nonce_i.p, next->nonce_i.n);
		ike2_put_ke(&m.o, (uint16_t)group, next->ke.p, next->ke.n);
		sa->next_ours = next;
		r = ike2_send_request(sa, &m, IKE2_CREATE_CHILD_SA, t);
	}
	if (r == 0)
		return;
	if (next)
		ike2_sa_end(next, NULL);
	renew_again(sa, AGAIN_MS);
}

/* Both renewals are done, or one and no other: what remains of them. */
static void settle(struct ikesa *sa)
{
	struct ikesa *ours = sa->next_ours, *theirs = sa->next_theirs;

	if (theirs && (!ours || cmp(&ours->least, &theirs->least) < 0)) {
		sa->next_theirs = NULL;
		move(sa, theirs);
		await_delete(sa);
		if (ours)
			ike2_sa_leave(ours, "redundant: both sides have renewed it at once");
		return;
	}
	sa->next_ours = sa->next_theirs = NULL;
	move(sa, ours);
	ike2_sa_leave(sa, "replaced");
	/* It may be on its way out already, by an administrator's word. */
	if (!theirs || !ike2_is_up(theirs))
		return;
	ike2_set_state(theirs, IKE2_S_REPLACED);
	await_delete(theirs);
}

/* If our own renewal had reached the peer, it would have waited for its end. */
void create_sa_ends(struct ikesa *sa)
{
	struct ikesa *ours = sa->next_ours, *theirs = sa->next_theirs;

	sa->next_ours = sa->next_theirs = NULL;
	if (ours)
		ike2_sa_end(ours, NULL);
	if (theirs)
		move(sa, theirs);
}

static int take_rekeyed(struct ikesa *sa, struct ikesa *next, const struct ike_chain *c)
{
	const struct ike_payload *offer = ike_chain_find(c, IKE2_P_SA, 0),
	                         *n = ike_chain_find(c, IKE2_P_NONCE, 0),
	                         *ke = ike_chain_find(c, IKE2_P_KE, 0);
	AUTO_SECRET struct secret *gir = NULL;
	struct offer_choice choice;
	struct ike2_sa theirs;
	struct ike2_ke k;
	int r;

	if (!offer || !n || !ke || !ike2_nonce_ok(n) || ike2_ke_parse(ke, &k) != IKE_OK ||
	    ike2_sa_parse(offer->body, offer->len, &theirs) != IKE_OK ||
	    !offer_take_ike(ike2_peer(sa), &theirs, &next->terms, &choice) || choice.spi_len != IKE2_SPI)
		return -EBADMSG;
	if (k.group != next->terms.group)
		return -EBADMSG;
	memcpy(next->spi_r, choice.spi, IKE2_SPI);
	r = octets_set(&next->nonce_r, n->body, n->len);
	if (r == 0)
		r = crypto_dh_shared(next->dh, k.data, k.len, &gir);
	return r < 0 ? r : make_keys(next, &sa->keys, gir);
}

static void rekey_response(struct ikesa *sa, const struct ike_chain *c)
{
	struct ikesa *next = sa->next_ours;
	struct ike2_notification n;
	char buf[REFUSAL_WORDS_MAX];
	bool full;

	if (!next)
		return;
	if (take_rekeyed(sa, next, c) == 0) {
		sa_up(next);
		settle(sa);
		return;
	}
	core_log(sa->core, CORE_WARNING, "ike.renewal", "the renewal of an IKE SA has failed: the peer %s%s",
	    ike2_notify_find_error(c, &n) ? "refuses: " : "answers something else",
	    ike2_notify_find_error(c, &n) ? refusal_words(n.type, false, buf) : "");
	full = ike2_notify_find(c, IKE2_N_NO_ADDITIONAL_SAS, &n) && anew_is_meant(sa);
	sa->next_ours = NULL;
	ike2_sa_end(next, NULL);
	if (sa->next_theirs) {
		settle(sa);
		return;
	}
	renew_again(sa, full ? ANEW_MS : AGAIN_MS);
	if (full)
		anew_full(sa);
}

static int answer_rekey(struct ikesa *sa, struct ikesa *next, const struct ike_chain *c, struct ike2_out *m,
    const struct offer_choice *choice)
{
	const struct ike_payload *n = ike_chain_find(c, IKE2_P_NONCE, 0),
	                         *ke = ike_chain_find(c, IKE2_P_KE, 0);
	AUTO_SECRET struct secret *gir = NULL;
	struct ike2_ke k;
	int r;

	if (!ike2_nonce_ok(n) || ike2_ke_parse(ke, &k) != IKE_OK)
		return -EBADMSG;
	memcpy(next->spi_i, choice->spi, IKE2_SPI);
	r = make_half(next, next->terms.group, &next->nonce_r);
	if (r == 0)
		r = octets_set(&next->nonce_i, n->body, n->len);
	if (r == 0)
		r = crypto_dh_shared(next->dh, k.data, k.len, &gir);
	if (r == 0)
		r = make_keys(next, &sa->keys, gir);
	if (r < 0)
		return r;
	ike2_out_begin(sa, m);
	offer_put_ike_answer(&next->terms, choice, &m->o, next->spi_r);
	ike_out_whole(&m->o, IKE2_P_NONCE, next->nonce_r.p, next->nonce_r.n);
	ike2_put_ke(&m->o, (uint16_t)next->terms.group, next->ke.p, next->ke.n);
	return 0;
}

static void rekey_request(struct ikesa *sa, const struct ike_chain *c)
{
	const struct ike_payload *offer = ike_chain_find(c, IKE2_P_SA, 0),
	                         *ke = ike_chain_find(c, IKE2_P_KE, 0);
	struct offer_choice choice;
	struct ike2_terms terms;
	struct ike2_sa theirs;
	struct ike2_ke k;
	struct ike2_out m;
	struct ikesa *next;

	if (!ike2_is_up(sa) || is_making(sa) || is_dropping(sa) || sa->next_theirs || ike2_renews_often(sa)) {
		refuse(sa, IKE2_N_TEMPORARY_FAILURE);
		return;
	}
	if (ike2_sa_parse(offer->body, offer->len, &theirs) != IKE_OK || ike2_ke_parse(ke, &k) != IKE_OK) {
		refuse(sa, IKE2_N_INVALID_SYNTAX);
		return;
	}
	if (!offer_choose_ike(ike2_peer(sa), &theirs, k.group, &terms, &choice) ||
	    choice.spi_len != IKE2_SPI) {
		refuse(sa, IKE2_N_NO_PROPOSAL_CHOSEN);
		return;
	}
	if (terms.group != k.group) {
		const uint8_t group[] = {(uint8_t)(terms.group >> 8), (uint8_t)terms.group};

		ike2_send_refusal(sa, IKE2_CREATE_CHILD_SA, IKE2_N_INVALID_KE_PAYLOAD, group, sizeof(group));
		return;
	}
	next = ike2_sa_after(sa, false);
	if (next)
		next->terms = terms;
	if (!next || answer_rekey(sa, next, c, &m, &choice) < 0) {
		if (next)
			ike2_sa_end(next, NULL);
		refuse(sa, IKE2_N_INVALID_SYNTAX);
		return;
	}
	ike2_send_answer(sa, &m, IKE2_CREATE_CHILD_SA);
	if (sa->state == IKE2_S_GONE)
		return;
	sa_up(next);
	sa->next_theirs = next;
	/* While our own renewal is out, its answer decides. */
	if (!sa->next_ours)
		settle(sa);
}

/* Its time is over, but for what a renewal is early; 0: proofs have none. */
static uint64_t proof_due_ms(const struct ikesa *sa, unsigned percent)
{
	uint64_t seconds = ike2_peer(sa)->reauth_s;

	return seconds ? sa->proof_ms + seconds * 1000 / 100 * percent : 0;
}

static bool wants_proof(const struct ikesa *sa)
{
	uint64_t due = proof_due_ms(sa, SOFT_PERCENT - JITTER_PERCENT);

	return due && core_now(sa->core) >= due;
}

void create_renew_sa(struct ikesa *sa)
{
	/* One that yields has a successor. */
	if (!ike2_is_up(sa) || sa->next_ours || sa->next_theirs || sa->twin.place)
		return;
	if (sa->full || wants_proof(sa)) {
		renew_again(sa, ANEW_MS);
		(void)anew_begin(sa);
		return;
	}
	if (ike2_ask(sa, &(struct ike2_task){.kind = IKE2_TASK_REKEY}) < 0)
		renew_again(sa, AGAIN_MS);
}

static void on_renew(struct timer *t, void *arg)
{
	(void)arg;
	create_renew_sa(container_of(t, struct ikesa, renew));
}

static void renew_again(struct ikesa *sa, uint64_t ms)
{
	struct core *c = sa->core;

	(void)!timer_set(&c->timers, &sa->renew, core_now(c) + ms, on_renew);
}

static void on_life(struct timer *t, void *arg)
{
	(void)arg;
	ike2_sa_leave(container_of(t, struct ikesa, patience), "expired");
}

void create_plan(struct ikesa *sa)
{
	const struct ike_peer *p = ike2_peer(sa);
	struct core *c = sa->core;
	uint64_t seconds = p->n_offers && p->offer[0].seconds ? p->offer[0].seconds : p->seconds, ms, at, due;
	unsigned percent =
	    (sa->ours ? SOFT_PERCENT : LATE_PERCENT) - (unsigned)rng_below(c->rng, JITTER_PERCENT + 1);

	seconds = seconds && seconds < IKE_LIFE_MAX_S ? seconds : IKE_LIFE_MAX_S;
	ms = seconds * 1000;
	at = core_now(c) + ms / 100 * percent;
	due = proof_due_ms(sa, percent);
	if (timer_set(&c->timers, &sa->patience, core_now(c) + ms, on_life) < 0)
		ike2_sa_end(sa, "out of memory");
	else if (p->rekey != IKE_OFF)
		(void)!timer_set(&c->timers, &sa->renew, due && due < at ? due : at, on_renew);
}

/* --- the way in --- */

void create_request(struct ikesa *sa, const struct ike_chain *c)
{
	if (ike_chain_find(c, IKE2_P_TS_I, 0))
		child_request(sa, c);
	else
		rekey_request(sa, c);
}

/* The answer comes after we have given the pair up. */
static void late_response(struct ikesa *sa, const struct ike2_task *t, const struct ike_chain *c)
{
	const struct ike2_task drop = {.kind = IKE2_TASK_DROP_CHILD, .proto = t->proto, .spi = t->spi};

	if (ike_chain_find(c, IKE2_P_SA, 0))
		(void)!ike2_ask(sa, &drop);
}

void create_response(struct ikesa *sa, const struct ike2_task *t, const struct ike_chain *c)
{
	if (t->kind == IKE2_TASK_REKEY)
		rekey_response(sa, c);
	else if (t->pair)
		pair_response(t->pair, c);
	else
		late_response(sa, t, c);
}
