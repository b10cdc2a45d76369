/*
 * A pair lives in its IKE SA's list from the moment somebody wants it: first waiting there for the SA to come
 * up, then as a task, and at last as what the peer has answered.
 */
#include "keyd/ike2/pair.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/core/ident.h"
#include "keyd/core/upkeep.h"
#include "keyd/ike1/select.h"
#include "keyd/ike2/anew.h"
#include "keyd/ike2/create.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/inform.h"
#include "keyd/ike2/pair_more.h"

enum {
	PATIENCE_MS = 60000,
	HOLD_MS = 10000,  /* longer than it takes to repeat a lost answer four times */
	BESIDE_MS = 4000, /* twice; the peer may also have forgotten the one that is held on to */
};

#define TO(s) (1U << (s))

static const struct {
	const char *name;
	uint32_t next;
} rows[PAIR_STATES] = {
    [PAIR_NONE] = {"none", TO(PAIR_WAITING) | TO(PAIR_MATCHING)},
    [PAIR_WAITING] = {"waiting for the IKE SA", TO(PAIR_MATCHING)},
    [PAIR_MATCHING] = {"looking for the policy", TO(PAIR_GRANTING) | TO(PAIR_NUMBERING)},
    [PAIR_GRANTING] = {"waiting for leave", TO(PAIR_NUMBERING) | TO(PAIR_OPENING)},
    [PAIR_NUMBERING] = {"waiting for an SPI", TO(PAIR_READY) | TO(PAIR_OPENING)},
    [PAIR_READY] = {"waiting for its turn", TO(PAIR_ASKED)},
    [PAIR_ASKED] = {"asked for", TO(PAIR_GRANTING) | TO(PAIR_OPENING) | TO(PAIR_READY)},
    [PAIR_OPENING] = {"installing what receives", TO(PAIR_SENDING) | TO(PAIR_HOLDING)},
    [PAIR_HOLDING] = {"waiting for the peer to change over", TO(PAIR_SENDING)},
    [PAIR_SENDING] = {"installing what sends", TO(PAIR_DONE)},
    [PAIR_DONE] = {"done", 0},
};

const char *pair_state_name(enum pair_state s)
{
	return (unsigned)s < PAIR_STATES ? rows[s].name : "?";
}

void pair_set_state(struct ike2_pair *p, enum pair_state next)
{
	if (!(rows[p->state].next & TO(next)))
		core_log(p->sa->core, CORE_ERROR, "pair.state", "cannot go from '%s' to '%s'",
		    rows[p->state].name, rows[next].name);
	else
		p->state = next;
}

static void on_patience(struct timer *t, void *arg)
{
	(void)arg;
	pair_fail(container_of(t, struct ike2_pair, patience), IKE2_N_TEMPORARY_FAILURE, "time is up");
}

static uint32_t count_asked(const struct ikesa *sa)
{
	uint32_t n = 0;

	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		n += !p->initiator;
	return n;
}

void pair_be_patient(struct ike2_pair *p)
{
	struct core *c = p->sa->core;

	/* Cannot fail: it has its place in the heap. */
	(void)!timer_set(&c->timers, &p->patience, core_now(c) + PATIENCE_MS, on_patience);
}

struct child *pair_child(struct ikesa *sa, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (k, core_of_peer(sa->core->by_peer, &sa->path.remote), struct child, by_peer)
		if (k->owner == sa && k->part[k->n_parts - 1].proto == proto &&
		    k->part[k->n_parts - 1].spi_out == spi)
			return k;
	return NULL;
}

struct ike2_pair *pair_making(struct ikesa *sa, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		if (p->state >= PAIR_OPENING && p->part[p->n_parts - 1].proto == proto &&
		    p->part[p->n_parts - 1].spi_out == spi)
			return p;
	return NULL;
}

struct ike2_pair *pair_new(struct ikesa *sa, bool initiator)
{
	struct core *c = sa->core;
	struct ike2_pair *p;

	if (!initiator && count_asked(sa) >= IKE2_PAIRS_ASKED_MAX)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->sa = sa;
	p->initiator = initiator;
	p->begun_ms = core_now(c);
	list_init(&p->wishes);
	list_init(&p->node);
	list_append(&sa->pairs, &p->node);
	pair_set_state(p, initiator ? PAIR_WAITING : PAIR_MATCHING);
	if (timer_set(&c->timers, &p->patience, core_now(c) + PATIENCE_MS, on_patience) == 0)
		return p;
	list_remove(&p->node);
	free(p);
	return NULL;
}

static void pair_free(struct ike2_pair *p)
{
	struct ikesa *sa = p->sa;
	struct core *c = sa->core;
	struct octets *o[] = {&p->ni, &p->nr, &p->ke, &p->rival, &p->request};

	if (p->sa->first == p)
		p->sa->first = NULL;
	ike2_unask(p->sa, p);
	parking_leave(&c->parking, &p->wait);
	timer_stop(&c->timers, &p->patience);
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	crypto_dh_free(p->dh);
	secret_free(p->gir);
	secret_free(p->key_in);
	secret_free(p->key_out);
	core_conf_unref(p->held);
	list_remove(&p->node);
	free(p->more);
	free(p);
	anew_done(sa);
}

/* Gives back what was made on the way. */
static void undo(struct ike2_pair *p)
{
	const struct core_ports *ports = &p->sa->core->ports;

	for (uint8_t i = 0; i < p->n_parts; i++) {
		struct pair_part *x = &p->part[i];

		if (x->serial_in)
			ports->remove(ports->arg, x->serial_in);
		else if (x->spi_in)
			ports->release(
			    ports->arg, &p->sa->path.remote, &p->sa->path.local, x->proto, x->spi_in);
		if (x->serial_out)
			ports->remove(ports->arg, x->serial_out);
	}
	if (p->grant)
		ports->grant_drop(ports->arg, p->grant);
}

void pair_drop(struct ike2_pair *p)
{
	undo(p);
	pair_free(p);
}

/* A wish of our own may be one of many. */
static enum core_level failure_level(const struct ike2_pair *p)
{
	return p->initiator ? upkeep_level(p->sa->core, &p->sa->path.remote, CORE_ERROR) : CORE_ERROR;
}

/* What the peer has made, and is none of ours. Its end of an SA is known by our SPI. */
static void drop_made(struct ikesa *sa, const struct ike2_task *t)
{
	if (t->kind && sa->state != IKE2_S_GONE)
		(void)!ike2_ask(sa, t);
}

static struct ike2_task made_task(const struct ike2_pair *p)
{
	const struct pair_part *x = &p->part[p->n_parts ? p->n_parts - 1 : 0];

	if (!p->is_made)
		return (struct ike2_task){.kind = IKE2_TASK_NONE};
	return (struct ike2_task){.kind = IKE2_TASK_DROP_CHILD, .proto = x->proto, .spi = x->spi_in};
}

void pair_fail(struct ike2_pair *p, uint16_t notify, const char *fmt, ...)
{
	const struct ike2_task made = made_task(p);
	struct ikesa *sa = p->sa;
	struct core *c = sa->core;
	char text[500], a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->counters.failed2++;
	if (p->initiator || ike2_may_say(sa))
		core_log(c, failure_level(p), "child.failed",
		    "the negotiation of a child failed: %s. %s<=>%s (%s)", text,
		    inet_addr_format(&sa->path.local, a), inet_addr_format(&sa->path.remote, b),
		    rows[p->state].name);
	news_policy_failed(c, &sa->path.remote, p->out.id, ike2_is_up(sa), text);
	if (p->old && p->initiator)
		child_try_again(p->old);
	undo(p);
	if (p->acquire)
		c->ports.acquire_done(c->ports.arg, p->acquire, false);
	pair_wishes_fail(p, text);
	if (p->failed) {
		void (*failed)(struct ike2_pair *, uint16_t) = p->failed;

		p->failed = NULL;
		list_remove(&p->node); /* it may end the IKE SA, and with it what is on its list */
		failed(p, notify ? notify : IKE2_N_TEMPORARY_FAILURE);
	}
	pair_free(p);
	drop_made(sa, &made); /* last: it may end the IKE SA, and with it what is on its list */
}

struct ike2_pair *pair_hand_over(struct ike2_pair *p, struct ikesa *to)
{
	struct ike2_pair *next = pair_new(to, true);

	if (!next) {
		pair_fail(p, 0, "out of memory");
		return NULL;
	}
	next->out = p->out;
	next->acquire = p->acquire;
	next->alone = true; /* what is served under the other one would only be asked for again */
	pair_wishes_move(&p->wishes, &next->wishes);
	undo(p);
	pair_free(p);
	return next;
}

static struct child as_child(const struct ike2_pair *p)
{
	struct child k = {.ops = &pair_child_ops,
	    .conf = p->sa->conf,
	    .owner = p->sa,
	    .party = p->sa->party,
	    .path = p->sa->path,
	    .initiator = p->initiator,
	    .out = p->out,
	    .more = pair_more_rows(p),
	    .n_more = p->n_more,
	    .grant = p->grant,
	    .seconds = pair_seconds(p),
	    .n_parts = p->n_parts};

	for (uint8_t i = 0; i < p->n_parts; i++) {
		const struct pair_part *x = &p->part[i];
		bool comp = x->proto == IPSEC_IPCOMP;

		k.part[i] = (struct child_part){.proto = x->proto,
		    .mode = x->mode,
		    .spi_in = x->spi_in,
		    .spi_out = x->spi_out,
		    .serial_in = x->serial_in,
		    .serial_out = x->serial_out,
		    .enc = comp ? ALG_ENC_NONE : p->terms.enc,
		    .auth = comp ? ALG_AUTH_NONE : p->terms.auth,
		    .comp = comp ? ALG_COMP_DEFLATE : ALG_COMP_NONE};
		if (k.part[i].enc) {
			const struct alg_enc_info *a = alg_enc_by_id(p->terms.enc);

			k.part[i].bits =
			    a->key_min == a->key_max ? 0 : (uint16_t)(8 * (p->terms.enc_len - a->salt_len));
		}
	}
	return k;
}

static bool are_twins(const struct child *a, const struct child *b)
{
	return child_covers(a, b) && child_covers(b, a);
}

/* Both sides may have asked for the same at once: one is enough, and whoever began the other one ends it. */
static void end_twin(struct child *k, const struct child *old)
{
	list_foreach_safe (
	    other, next, core_of_peer(k->core->by_peer, &k->path.remote), struct child, by_peer) {
		struct child *lesser = child_is_lesser(k, other) ? k : other;

		if (other == k || other == old || other->owner != k->owner || !are_twins(k, other) ||
		    other->replaced || other->told || !lesser->initiator)
			continue;
		child_tell(lesser);
		child_replace(lesser);
		return;
	}
}

struct child *pair_done(struct ike2_pair *p, struct child **ret_old)
{
	struct core *c = p->sa->core;
	const struct child from = as_child(p);
	struct ikesa *sa = p->sa;
	bool crossed = p->crossed;
	struct child *old, *k;
	struct list wishes;

	pair_set_state(p, PAIR_DONE);
	k = !from.n_more || from.more ? child_new(c, &from) : NULL;
	if (!k) {
		free(from.more);
		pair_fail(p, 0, "out of memory");
		return NULL;
	}
	old = p->old; /* not before: the new one may have been one too many, and the oldest ended */
	if (ret_old)
		*ret_old = old;
	if (p->acquire)
		c->ports.acquire_done(c->ports.arg, p->acquire, true);
	pair_wishes_settle(p, k, &wishes);
	pair_free(p);
	if (!crossed)
		end_twin(k, old);
	pair_wishes_again(sa, &wishes);
	return k;
}

static void held_done(struct ike2_pair *p)
{
	struct child *old;

	if (pair_done(p, &old) && old && !old->replaced)
		child_replace(old);
}

static void on_held(struct timer *t, void *arg)
{
	(void)arg;
	pair_install(container_of(t, struct ike2_pair, patience), false, held_done);
}

bool pair_takes_over(struct ike2_pair *p)
{
	struct ikesa *sa = p->sa;

	list_foreach (k, core_of_peer(sa->core->by_peer, &sa->path.remote), struct child, by_peer)
		if (!p->old && k->ops == &pair_child_ops && k->owner != sa && child_serves(k, p->out.id) &&
		    !k->replaced && !k->told && party_same(k->party, sa->party))
			p->beside = k;
	p->takes_over = p->old || p->beside;
	return p->takes_over;
}

void pair_hold(struct ike2_pair *p)
{
	struct core *c = p->sa->core;

	pair_set_state(p, PAIR_HOLDING);
	/* Of very many at once the rest does not wait, so that the peer may go on asking. */
	if (!p->old && (!p->beside || count_asked(p->sa) > IKE2_PAIRS_ASKED_MAX / 2))
		pair_install(p, false, held_done);
	else if (timer_set(&c->timers, &p->patience, core_now(c) + (p->old ? HOLD_MS : BESIDE_MS), on_held) <
	         0)
		pair_fail(p, 0, "out of memory");
}

void pair_old_gone(struct child *old)
{
	struct core *c = old->core;

	list_foreach (sa, &c->ike2.sas, struct ikesa, all)
		list_foreach_safe (p, next, &sa->pairs, struct ike2_pair, node) {
			if ((p->old != old && p->beside != old) || p->state != PAIR_HOLDING)
				continue;
			timer_stop(&c->timers, &p->patience);
			pair_install(p, false, held_done);
		}
}

void pair_move(struct ikesa *from, struct ikesa *to)
{
	list_foreach_safe (p, next, &from->pairs, struct ike2_pair, node) {
		list_remove(&p->node);
		list_append(&to->pairs, &p->node);
		p->sa = to;
	}
}

struct ike2_pair *pair_of_policy(struct core *c, uint32_t policy_id)
{
	list_foreach (sa, &c->ike2.sas, struct ikesa, all)
		list_foreach (p, &sa->pairs, struct ike2_pair, node)
			if (p->initiator && pair_is_for(p, policy_id))
				return p;
	return NULL;
}

struct ike2_pair *pair_with(struct core *c, uint32_t policy_id, const struct inet_addr *remote)
{
	list_foreach (sa, &c->ike2.sas, struct ikesa, all)
		list_foreach (p, &sa->pairs, struct ike2_pair, node)
			if (pair_is_for(p, policy_id) && inet_addr_equal(&sa->path.remote, remote))
				return p;
	return NULL;
}

void pair_ask_in_turn(struct ike2_pair *p)
{
	if (ike2_ask(p->sa, &(struct ike2_task){.kind = IKE2_TASK_PAIR, .pair = p}) < 0)
		pair_fail(p, 0, "out of memory");
}

void pair_resume(struct ikesa *sa)
{
	list_foreach_safe (p, next, &sa->pairs, struct ike2_pair, node) {
		if (!ike2_is_up(sa))
			return;
		if (p->state == PAIR_WAITING)
			pair_begin(p, false, pair_ask_in_turn);
	}
}

void pair_orphan(struct ikesa *sa)
{
	while (!list_is_empty(&sa->pairs)) {
		struct ike2_pair *p = list_entry(sa->pairs.next, struct ike2_pair, node);

		p->failed = NULL;
		pair_fail(p, 0, "the IKE SA: %s", sa->failure ? sa->failure : "ended");
	}
}

/* --- as the child that it becomes --- */

static struct ikesa *owner(const struct child *k)
{
	return k->owner;
}

static bool can_tell(const struct child *k)
{
	return ike2_is_up(owner(k));
}

static void tell(struct child *k)
{
	inform_drop_child(k);
}

static void forget(struct ike2_pair *p, const struct child *k)
{
	if (p->old == k)
		p->old = NULL;
	if (p->beside == k)
		p->beside = NULL;
}

static void forgotten(struct child *k)
{
	pair_old_gone(k); /* who waits for that must still know it */
	list_foreach (sa, &k->core->ike2.sas, struct ikesa, all)
		list_foreach (p, &sa->pairs, struct ike2_pair, node)
			forget(p, k);
}

static void renew(struct child *k)
{
	create_renew(k);
}

const struct child_ops pair_child_ops = {
    .version = 2,
    .renew = renew,
    .can_tell = can_tell,
    .tell = tell,
    .forgotten = forgotten,
};
