/*
 * A quick lives in its ISAKMP SA's list from the moment somebody wants it: first waiting there for phase 1,
 * then as an exchange with its own message id, IV and window.
 */
#include "keyd/ike1/quick.h"

#include <stdarg.h>
#include <stdio.h>

#include "keyd/core/ident.h"
#include "keyd/core/upkeep.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/select.h"
#include "keyd/ike1/trace.h"

enum { CROSSED_MS = 1000 };

#define TO(s) (1U << (s))

static const struct {
	const char *name;
	uint32_t next;
} rows[QUICK_STATES] = {
    [QUICK_NONE] = {"none", TO(QUICK_WAITING) | TO(QUICK_MATCHING)},
    [QUICK_WAITING] = {"waiting for phase 1", TO(QUICK_MATCHING)},
    [QUICK_MATCHING] = {"looking for the policy", TO(QUICK_GRANTING)},
    [QUICK_GRANTING] = {"waiting for leave", TO(QUICK_NUMBERING)},
    [QUICK_NUMBERING] = {"waiting for an SPI", TO(QUICK_OFFERED) | TO(QUICK_OPENING)},
    [QUICK_OFFERED] = {"message 1 sent", TO(QUICK_OPENING)},
    [QUICK_OPENING] = {"installing what receives",
        TO(QUICK_ANSWERED) | TO(QUICK_CONFIRMING) | TO(QUICK_SENDING)},
    [QUICK_ANSWERED] = {"message 2 sent", TO(QUICK_SENDING)},
    [QUICK_CONFIRMING] = {"message 3 sent", TO(QUICK_SENDING)},
    [QUICK_SENDING] = {"installing what sends", TO(QUICK_DONE)},
    [QUICK_DONE] = {"done", 0},
};

const char *quick_state_name(enum quick_state s)
{
	return (unsigned)s < QUICK_STATES ? rows[s].name : "?";
}

void quick_set_state(struct quick *q, enum quick_state next)
{
	if (!(rows[q->state].next & TO(next)))
		core_log(q->sa->core, CORE_ERROR, "quick.state", "cannot go from '%s' to '%s'",
		    rows[q->state].name, rows[next].name);
	else
		q->state = next;
}

/* A peer of whom nothing was heard under an ISAKMP SA all the while may not have it any more: the next packet
 * begins anew. */
static void no_answer(struct quick *q)
{
	struct isakmp *sa = q->sa;
	bool silent = sa->heard_ms <= q->begun_ms;

	quick_fail(q, 0, "no answer");
	if (silent && isakmp_is_up(sa)) {
		inform_delete_isakmp(sa);
		sa->failure = "given up: the peer does not answer under it";
		isakmp_end(sa);
	}
}

static void on_lost(struct window *w)
{
	no_answer(container_of(w, struct quick, window));
}

static void on_patience(struct timer *t, void *arg)
{
	struct quick *q = container_of(t, struct quick, patience);

	(void)arg;
	if (quick_listens(q))
		no_answer(q);
	else
		quick_fail(q, 0, "%s", q->state == QUICK_WAITING ? "time up waiting for phase1" : "time up");
}

/* Phase 1 has its time, and the exchange anew its own. */
static bool be_patient(struct quick *q, uint32_t ms)
{
	struct core *c = q->sa->core;

	return timer_set(&c->timers, &q->patience, core_now(c) + ms, on_patience) == 0;
}

struct quick *quick_new(struct isakmp *sa, bool initiator)
{
	struct quick *q = calloc(1, sizeof(*q));
	const struct ike_timers *t = &sa->conf->c->timers;

	if (!q)
		return NULL;
	q->sa = sa;
	q->held = core_conf_ref(sa->conf);
	q->initiator = initiator;
	q->begun_ms = core_now(sa->core);
	window_init(&q->window, sa->core, &sa->path, on_lost);
	q->window.cut = &sa->cuts;
	list_init(&q->node);
	list_append(&sa->quicks, &q->node);
	quick_set_state(q, initiator ? QUICK_WAITING : QUICK_MATCHING);
	(void)be_patient(q, initiator ? t->phase1_ms + 1000 : t->phase2_ms);
	return q;
}

static void quick_free(struct quick *q)
{
	struct core *c = q->sa->core;
	struct octets *o[] = {&q->ni, &q->nr, &q->ke, &q->id_local, &q->id_remote, &q->request};

	parking_leave(&c->parking, &q->wait);
	timer_stop(&c->timers, &q->patience);
	window_fini(&q->window);
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	for (size_t i = 0; i < POLICY_REQUESTS_MAX; i++)
		octets_fini(&q->part[i].attrs);
	crypto_dh_free(q->dh);
	secret_free(q->gxy);
	free(q->nets);
	core_conf_unref(q->held);
	list_remove(&q->node);
	free(q);
}

/* It may be the same client's in another quick mode. */
static void leave_policy(struct quick *q)
{
	const struct policy out = q->out;

	q->out.id = 0;
	child_leave_policy(q->sa->core, &out);
}

/* Gives back what was made on the way. */
static void undo(struct quick *q)
{
	const struct core_ports *ports = &q->sa->core->ports;

	for (uint8_t i = 0; i < q->n_parts; i++) {
		struct quick_part *p = &q->part[i];

		if (p->serial_in)
			ports->remove(ports->arg, p->serial_in);
		else if (p->spi_in)
			ports->release(
			    ports->arg, &q->sa->path.remote, &q->sa->path.local, p->proto, p->spi_in);
		if (p->serial_out)
			ports->remove(ports->arg, p->serial_out);
	}
	if (q->grant)
		ports->grant_drop(ports->arg, q->grant);
	leave_policy(q);
}

/* The peer may have taken our message 2, or 3, and send already into what goes away now. */
static void say_gone(struct quick *q)
{
	if (q->state != QUICK_ANSWERED && q->state != QUICK_CONFIRMING && q->state != QUICK_SENDING)
		return;
	for (uint8_t i = 0; i < q->n_parts; i++)
		inform_delete_spi(q->sa, q->part[i].proto, q->part[i].spi_in);
}

/* A wish of our own may be one of many. */
static enum core_level failure_level(const struct quick *q)
{
	return q->initiator ? upkeep_level(q->sa->core, &q->sa->path.remote, CORE_ERROR) : CORE_ERROR;
}

void quick_fail(struct quick *q, uint16_t notify, const char *fmt, ...)
{
	struct core *c = q->sa->core;
	char text[500], a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->counters.failed2++;
	if (q->initiator || isakmp_may_say(q->sa))
		core_log(c, failure_level(q), "ipsec.failed", "phase2 negotiation failed: %s. %s<=>%s (%s)",
		    text, inet_addr_format(&q->sa->path.local, a), inet_addr_format(&q->sa->path.remote, b),
		    rows[q->state].name);
	if (notify)
		inform_notify(q->sa, notify, NULL, 0);
	news_policy_failed(c, &q->sa->path.remote, q->out.id, isakmp_is_up(q->sa), text);
	if (q->old)
		child_try_again(q->old);
	say_gone(q);
	undo(q);
	if (q->acquire)
		c->ports.acquire_done(c->ports.arg, q->acquire, false);
	quick_free(q);
}

static void on_lingered(struct timer *t, void *arg)
{
	(void)arg;
	quick_free(container_of(t, struct quick, patience));
}

/* The peer may ask again for our last message, as long as it repeats its own. */
static void linger(struct quick *q)
{
	const struct ike_timers *t = &q->sa->conf->c->timers;
	struct core *c = q->sa->core;

	q->grant = 0;
	q->n_parts = 0;
	q->acquire = 0;
	if (timer_set(&c->timers, &q->patience, core_now(c) + (uint64_t)t->interval_ms * (t->counter + 1),
	        on_lingered) < 0)
		quick_free(q);
}

void quick_done(struct quick *q)
{
	struct core *c = q->sa->core;
	struct child k = {.ops = &quick_child_ops,
	    .conf = q->sa->conf,
	    .party = q->sa->party,
	    .path = q->sa->path,
	    .initiator = q->initiator,
	    .out = q->out,
	    .grant = q->grant,
	    .seconds = q->terms.seconds,
	    .n_parts = q->n_parts};

	quick_set_state(q, QUICK_DONE);
	for (uint8_t i = 0; i < q->n_parts; i++)
		k.part[i] = (struct child_part){.proto = q->part[i].proto,
		    .mode = q->part[i].mode,
		    .spi_in = q->part[i].spi_in,
		    .spi_out = q->part[i].spi_out,
		    .serial_in = q->part[i].serial_in,
		    .serial_out = q->part[i].serial_out,
		    .enc = q->part[i].enc,
		    .bits = q->part[i].wire_bits,
		    .auth = q->part[i].auth,
		    .comp = q->part[i].comp};
	if (!child_new(c, &k)) {
		quick_fail(q, 0, "out of memory");
		return;
	}
	if (q->old)
		child_replace(q->old);
	if (q->acquire)
		c->ports.acquire_done(c->ports.arg, q->acquire, true);
	linger(q);
}

struct quick *quick_find(struct isakmp *sa, uint32_t msg_id)
{
	list_foreach (q, &sa->quicks, struct quick, node)
		if (q->state != QUICK_WAITING && q->msg_id == msg_id)
			return q;
	return NULL;
}

bool quick_installs(const struct child *k)
{
	list_foreach (sa, &k->core->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (party_same(sa->party, k->party) && quick_is_for(q, k->out.id) &&
			    q->state >= QUICK_OPENING && q->state < QUICK_DONE)
				return true;
	return false;
}

/* One under way for this policy with this peer; `ours`: begun by us. */
static struct quick *find_policy(
    struct core *c, uint32_t policy_id, const struct inet_addr *remote, bool ours)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if ((q->initiator || !ours) && q->state != QUICK_DONE && quick_is_for(q, policy_id) &&
			    inet_addr_equal(&sa->path.remote, remote))
				return q;
	return NULL;
}

bool quick_needs(const struct core *c, uint32_t policy_id)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->state != QUICK_DONE && q->out.id == policy_id)
				return true;
	return false;
}

struct quick *quick_of_policy(struct core *c, uint32_t policy_id)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->initiator && q->state != QUICK_DONE && q->out.id == policy_id)
				return q;
	return NULL;
}

static bool is_new(struct core *c, uint32_t policy_id, const struct inet_addr *remote)
{
	const struct child *k = child_of_policy(c, policy_id);

	return k && inet_addr_equal(&k->path.remote, remote) && core_now(c) < k->made_ms + CROSSED_MS;
}

/* A pair was made while the question was on its way here, for this policy or for a range that it is a part
 * of. Later ones are asked because it is gone, or cannot be used. */
static bool just_made(struct core *c, const struct core_acquire *a)
{
	if (is_new(c, a->policy->id, &a->dst))
		return true;
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->state == QUICK_DONE && quick_is_for(q, a->policy->id) &&
			    is_new(c, q->out.id, &a->dst))
				return true;
	return false;
}

struct isakmp *quick_phase1_with(
    struct core *c, uint32_t peer, const struct ike_path *path, const struct party *who)
{
	const struct ike_peer *p = &c->conf->c->peer[peer];
	struct isakmp *sa = isakmp_find_up(c, path, peer, who);
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (!sa)
		sa = isakmp_find_coming(c, path, peer);
	if (sa || !p->n_modes)
		return sa;
	core_log(c, upkeep_level(c, &path->remote, CORE_INFO), "isakmp.initiate",
	    "initiate new phase 1 negotiation: %s[%u]<=>%s[%u]", inet_addr_format(&path->local, a),
	    path->local_port, inet_addr_format(&path->remote, b), path->remote_port);
	trace_remote(c, p, path);
	return isakmp_new(c, peer, path, p->mode[0], NULL);
}

/* The block to negotiate this policy under: the one to begin with, unless there is an SA already under
 * another one of the address that has a sainfo for it, as the peer may have chosen when it began. */
static uint32_t block_for(
    struct core *c, const struct selector *out, const struct ike_path *path, const struct party *who)
{
	const struct ike_conf *conf = c->conf->c;
	const struct ike_peer *best = select_remote(conf, &path->remote, out);
	uint32_t n = (uint32_t)(best - conf->peer);

	if (isakmp_find_up(c, path, n, who))
		return n;
	for (const struct ike_peer *p = ike_conf_find_peer(conf, &path->remote); p;
	     p = ike_conf_next_peer(conf, p))
		if (isakmp_find_up(c, path, (uint32_t)(p - conf->peer), who) &&
		    select_fits(conf, p, &path->remote, out))
			return (uint32_t)(p - conf->peer);
	return n;
}

/* With `who` when there is one that is meant, and with whoever is there when not (NULL). */
static void start(struct core *c, const struct policy *out, const struct ike_path *path,
    const struct party *who, uint64_t acquire, struct child *old)
{
	struct isakmp *sa = quick_phase1_with(c, block_for(c, &out->sel, path, who), path, who);
	char b[INET_ADDR_STRLEN];
	struct quick *q = sa ? quick_new(sa, true) : NULL;

	if (!q) {
		core_log(c, CORE_ERROR, "ipsec.failed",
		    "no negotiation with %s can be begun: exchange_mode or memory is missing",
		    inet_addr_format(&path->remote, b));
		if (acquire)
			c->ports.acquire_done(c->ports.arg, acquire, false);
		return;
	}
	q->acquire = acquire;
	q->out = *out;
	q->old = old;
	if (isakmp_is_up(sa)) {
		quick_begin(q);
		return;
	}
	core_log(c, upkeep_level(c, &path->remote, CORE_INFO), "ipsec.queued",
	    "IPsec-SA request for %s queued due to no phase1 found.", inet_addr_format(&path->remote, b));
	phase1_begin(sa);
}

bool quick_join(struct core *c, const struct core_acquire *a)
{
	struct quick *q = find_policy(c, a->policy->id, &a->dst, false);

	if (q && !q->acquire)
		q->acquire = a->seq;
	else if (q)
		c->ports.acquire_done(c->ports.arg, a->seq, false);
	else if (just_made(c, a))
		c->ports.acquire_done(c->ports.arg, a->seq, true);
	else
		return false;
	return true;
}

void quick_acquire(struct core *c, const struct core_acquire *a)
{
	const struct child *k = child_of_policy(c, a->policy->id);
	/* Of a client's own policy it is known whose it is, and where that is. */
	bool own = a->policy->generated && k;
	const struct ike_path path =
	    own ? k->path
	        : (struct ike_path){
	              .local = a->src, .remote = a->dst, .local_port = IKE_PORT, .remote_port = IKE_PORT};

	start(c, a->policy, &path, own ? k->party : NULL, a->seq, NULL);
}

static void renew(struct child *k)
{
	struct core *c = k->core;
	const struct ike_peer *p = c->conf ? ike_conf_find_peer(c->conf->c, &k->path.remote) : NULL;

	if (!p)
		return;
	/* It may be another peer's, at the same address. */
	if (find_policy(c, k->out.id, &k->path.remote, true))
		child_try_again(k);
	else
		start(c, &k->out, &k->path, k->party, 0, k);
}

void quick_wish(struct core *c, const struct policy *out, const struct ike_path *path)
{
	if (!quick_of_policy(c, out->id))
		start(c, out, path, NULL, 0, NULL);
}

void quick_resume(struct isakmp *sa)
{
	list_foreach_safe (q, next, &sa->quicks, struct quick, node) {
		if (!isakmp_is_up(sa))
			return;
		if (q->state == QUICK_WAITING)
			quick_begin(q);
	}
}

void quick_orphan(struct isakmp *sa)
{
	while (!list_is_empty(&sa->quicks)) {
		struct quick *q = list_entry(sa->quicks.next, struct quick, node);

		if (q->state == QUICK_DONE)
			quick_free(q);
		else
			quick_fail(q, 0, "phase 1: %s", sa->failure ? sa->failure : "ended");
	}
}

static void forgotten(struct child *k)
{
	struct core *c = k->core;

	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->old == k)
				q->old = NULL;
}

static bool can_tell(const struct child *k)
{
	return isakmp_find_of(k) != NULL;
}

const struct child_ops quick_child_ops = {
    .version = 1,
    .renew = renew,
    .can_tell = can_tell,
    .tell = inform_delete_child,
    .forgotten = forgotten,
    .keep = kept_child,
};
