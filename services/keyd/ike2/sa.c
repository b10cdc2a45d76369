/*
 * Found by our own SPI. An SA is never freed from inside of its own handlers: it goes to the list of the
 * dead, which the core empties between events.
 */
#include "keyd/ike2/sa.h"

#include <stdio.h>
#include <stdlib.h>

#include "keyd/core/upkeep.h"
#include "keyd/ike2/create.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/pair.h"

enum { PATIENCE_MS = 60000 };

static struct list *bucket_of(struct core *c, const uint8_t *spi)
{
	uint32_t h = 0;

	for (size_t i = 0; i < IKE2_SPI; i++)
		h = h * 31 + spi[i];
	return &c->ike2.by_spi[h % CORE_BUCKETS];
}

static void on_patience(struct timer *t, void *arg)
{
	(void)arg;
	ike2_sa_end(container_of(t, struct ikesa, patience), "time is up");
}

void ike2_be_patient(struct ikesa *sa)
{
	struct core *c = sa->core;

	if (timer_set(&c->timers, &sa->patience, core_now(c) + PATIENCE_MS, on_patience) < 0)
		ike2_sa_end(sa, "out of memory");
}

static void new_spi(struct core *c, uint8_t *spi, bool initiator)
{
	static const uint8_t zero[IKE2_SPI];

	do
		c->rng->fill(c->rng, spi, IKE2_SPI);
	while (memcmp(spi, zero, IKE2_SPI) == 0 || ike2_find(c, spi, initiator));
}

static struct ikesa *make(
    struct core *c, struct core_conf *conf, uint32_t peer, const struct ike_path *path, bool initiator)
{
	struct ikesa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	*sa = (struct ikesa){.core = c, .peer = peer, .path = *path, .initiator = initiator};
	sa->conf = core_conf_ref(conf);
	sa->begun_ms = core_now(c);
	list_init(&sa->begun);
	list_init(&sa->tasks);
	list_init(&sa->pairs);
	bucket_init(&sa->lines, IKE2_LINES_RATE, IKE2_LINES_BURST, core_now(c));
	new_spi(c, initiator ? sa->spi_i : sa->spi_r, initiator);
	list_init(&sa->by_peer);
	list_append(&c->ike2.sas, &sa->all);
	list_append(core_of_peer(c->ike2.by_peer, &path->remote), &sa->by_peer);
	list_append(bucket_of(c, ike2_own_spi(sa)), &sa->by_spi);
	c->ike2.n++;
	return sa;
}

uint32_t ike2_silent_max(uint32_t n_up)
{
	/* Seven keys of one that is up take at least as much of the arena as two private values. */
	return 2 * n_up < IKE2_SILENT_MAX - IKE2_SILENT_LEAST ? IKE2_SILENT_MAX - 2 * n_up
	                                                      : IKE2_SILENT_LEAST;
}

/* Of those who have proved nothing the oldest give way to newer ones, and to those who have. */
static void make_room(struct core *c)
{
	while (c->ike2.n_unproved > ike2_silent_max(core_n_up(c)) ||
	       c->ike2.unproved_octets > IKE2_SILENT_OCTETS) {
		c->counters.evicted++;
		ike2_sa_end(list_entry(c->ike2.unproved.next, struct ikesa, all), "made room for newer ones");
	}
}

static void add_unproved(struct ikesa *sa)
{
	struct core *c = sa->core;

	list_append(core_begun(c, c->ike2.begun, sa->spi_i, &sa->path.remote), &sa->begun);
	list_remove(&sa->by_peer);
	list_remove(&sa->all);
	list_append(&c->ike2.unproved, &sa->all);
	c->ike2.n_unproved++;
	make_room(c);
}

static void leave_unproved(struct ikesa *sa)
{
	if (!ike2_is_strangers(sa))
		return;
	list_remove(&sa->begun);
	list_remove(&sa->all);
	list_append(&sa->core->ike2.sas, &sa->all);
	list_append(core_of_peer(sa->core->ike2.by_peer, &sa->path.remote), &sa->by_peer);
	sa->core->ike2.n_unproved--;
	sa->core->ike2.unproved_octets -= sa->weight;
	sa->weight = 0;
}

void ike2_sa_proved(struct ikesa *sa)
{
	sa->proved = true;
	leave_unproved(sa);
	make_room(sa->core);
}

void ike2_sa_weigh(struct ikesa *sa, size_t octets)
{
	sa->weight += octets;
	sa->core->ike2.unproved_octets += octets;
	make_room(sa->core);
}

struct ikesa *ike2_sa_new(struct core *c, uint32_t peer, const struct ike_path *path, const uint8_t *spi_i)
{
	bool full = spi_i && core_is_full(c);
	struct ikesa *sa = full ? NULL : make(c, c->conf, peer, path, !spi_i);

	if (!sa)
		return NULL;
	sa->ours = !spi_i;
	if (spi_i) {
		memcpy(sa->spi_i, spi_i, IKE2_SPI);
		add_unproved(sa);
	}
	ike2_set_state(sa, spi_i ? IKE2_S_R_NEW : IKE2_S_I_NEW);
	ike2_be_patient(sa);
	return sa->state == IKE2_S_GONE ? NULL : sa;
}

struct ikesa *ike2_sa_after(struct ikesa *old, bool initiator)
{
	struct ikesa *sa = make(old->core, old->conf, old->peer, &old->path, initiator);

	if (!sa)
		return NULL;
	sa->ours = initiator;
	sa->nat_here = old->nat_here;
	sa->nat_there = old->nat_there;
	sa->cuts = old->cuts;
	sa->childless = old->childless;
	sa->peer_id = old->peer_id;
	sa->party = party_ref(old->party);
	sa->replaces = old;
	ike2_sa_proved(sa);
	if (octets_set(&sa->ticket, old->ticket.p, old->ticket.n) == 0)
		return sa;
	ike2_sa_end(sa, NULL);
	return NULL;
}

void ike2_set_state(struct ikesa *sa, enum ike2_state next)
{
	if (ike2_may_follow(sa->state, next)) {
		sa->state = next;
		return;
	}
	core_log(sa->core, CORE_ERROR, "ike.state", "cannot go from '%s' to '%s': this SA ends",
	    ike2_state_name(sa->state), ike2_state_name(next));
	ike2_sa_end(sa, "a state that cannot follow");
}

static void tell_end(struct ikesa *sa, enum ike2_state was)
{
	struct core *c = sa->core;
	char name[IKE2_NAME_MAX];

	if (!sa->failure)
		return;
	if (was >= IKE2_S_UP) {
		core_log(c, CORE_INFO, "ike.end", "IKE-SA %s %s", sa->failure, ike2_name(sa, name));
		return;
	}
	c->counters.failed1++;
	if (sa->initiator)
		core_log(c, upkeep_level(c, &sa->path.remote, CORE_ERROR), "ike.failed",
		    "IKE-SA failed: %s. %s (%s)", sa->failure, ike2_name(sa, name), ike2_state_name(was));
	else if (core_may_note(c))
		core_log(c, CORE_ERROR, "ike.failed", "IKE-SA failed: %s. %s (%s)", sa->failure,
		    ike2_name(sa, name), ike2_state_name(was));
}

static void tell_news(struct ikesa *sa, enum ike2_state was)
{
	char why[CORE_WHY_MAX];

	snprintf(why, sizeof(why), "%s (%s)", sa->failure ? sa->failure : "ended", ike2_state_name(was));
	if (sa->ours && !sa->replaces)
		news_sa_ended(sa->core, &sa->path.remote,
		    sa->established_ms    ? NEWS_WAS_UP
		    : was > IKE2_S_I_INIT ? NEWS_FAILED
		                          : NEWS_UNANSWERED,
		    why);
}

static void stop(struct ikesa *sa)
{
	struct core *c = sa->core;

	parking_leave(&c->parking, &sa->wait);
	timer_stop(&c->timers, &sa->patience);
	timer_stop(&c->timers, &sa->renew);
	timer_stop(&c->timers, &sa->probe);
	ike2_exchange_fini(sa);
}

static void end_children(struct ikesa *sa)
{
	list_foreach_safe (k, next, core_of_peer(sa->core->by_peer, &sa->path.remote), struct child, by_peer)
		if (k->owner == sa)
			child_end(k, false, CHILD_SA_ENDED);
}

static struct list *with(struct core *c, const struct inet_addr *remote)
{
	return core_of_peer(c->ike2.by_peer, remote);
}

/* Nobody points to it any more. */
static void unlink_race(struct ikesa *sa)
{
	list_foreach (other, with(sa->core, &sa->path.remote), struct ikesa, by_peer) {
		if (other->next_ours == sa)
			other->next_ours = NULL;
		if (other->next_theirs == sa)
			other->next_theirs = NULL;
		if (other->replaces == sa)
			other->replaces = NULL;
		if (other->anew == sa)
			other->anew = NULL;
	}
}

void ike2_sa_end(struct ikesa *sa, const char *why)
{
	struct core *c = sa->core;
	enum ike2_state was = sa->state;
	/* Nobody else knows a stranger's negotiation: its end must not cost more the more others there are.
	 */
	bool alone = ike2_is_strangers(sa);

	if (was == IKE2_S_GONE)
		return;
	if (!sa->failure)
		sa->failure = why;
	create_sa_ends(sa);
	sa->state = IKE2_S_GONE;
	stop(sa);
	leave_unproved(sa);
	list_remove(&sa->by_spi);
	list_remove(&sa->by_peer);
	list_remove(&sa->all);
	list_append(&c->ike2.dead, &sa->all);
	c->ike2.n--;
	if (!alone)
		unlink_race(sa);
	tell_end(sa, was);
	tell_news(sa, was);
	pair_orphan(sa);
	if (!alone)
		end_children(sa);
}

void ike2_sa_leave(struct ikesa *sa, const char *why)
{
	struct core *c = sa->core;

	if (!ike2_may_follow(sa->state, IKE2_S_LEAVING)) {
		if (sa->state != IKE2_S_LEAVING)
			ike2_sa_end(sa, why);
		return;
	}
	if (sa->next_theirs)
		ike2_sa_leave(sa->next_theirs, why);
	sa->failure = why;
	ike2_set_state(sa, IKE2_S_LEAVING);
	timer_stop(&c->timers, &sa->renew);
	timer_stop(&c->timers, &sa->probe);
	pair_orphan(sa);
	end_children(sa);
	ike2_be_patient(sa);
	if (ike2_ask(sa, &(struct ike2_task){.kind = IKE2_TASK_DROP_SA}) < 0)
		ike2_sa_end(sa, why);
}

struct ike2_walk ike2_walk_begin(struct core *c)
{
	return (struct ike2_walk){.core = c, .head = &c->ike2.sas, .number = ++c->ike2.walks};
}

struct ike2_walk ike2_walk_known(struct core *c)
{
	struct ike2_walk w = ike2_walk_begin(c);

	w.known = true;
	return w;
}

struct ike2_walk ike2_walk_peer(struct core *c, const struct inet_addr *remote)
{
	struct ike2_walk w = ike2_walk_known(c);

	w.head = with(c, remote);
	w.peer = true;
	return w;
}

static struct ikesa *sa_at(const struct ike2_walk *w, struct list *l)
{
	return w->peer ? list_entry(l, struct ikesa, by_peer) : list_entry(l, struct ikesa, all);
}

static struct list *behind(const struct ike2_walk *w, struct ikesa *sa)
{
	return w->peer ? sa->by_peer.next : sa->all.next;
}

static struct ikesa *next_in_list(struct ike2_walk *w)
{
	bool goes_on = w->at && w->at->state != IKE2_S_GONE;

	for (struct list *l = goes_on ? behind(w, w->at) : w->head->next; l != w->head;
	     l = behind(w, w->at)) {
		w->at = sa_at(w, l);
		if (w->at->walk == w->number)
			continue;
		w->at->walk = w->number;
		return w->at;
	}
	return NULL;
}

struct ikesa *ike2_walk_next(struct ike2_walk *w)
{
	struct ikesa *sa = next_in_list(w);

	if (sa || w->known || w->head == &w->core->ike2.unproved)
		return sa;
	w->head = &w->core->ike2.unproved;
	w->at = NULL;
	return next_in_list(w);
}

static void sa_free(struct ikesa *sa)
{
	struct octets *o[] = {&sa->message_i, &sa->message_r, &sa->nonce_i, &sa->nonce_r, &sa->id_i,
	    &sa->id_r, &sa->cookie, &sa->statement, &sa->subject, &sa->issuer, &sa->proof, &sa->ke,
	    &sa->own_key, &sa->peer_key, &sa->id_wanted, &sa->ticket, &sa->least};

	/* A handler that was in the midst of something when it ended may have begun these again. */
	stop(sa);
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	for (size_t i = 0; i < IKE2_CERTS_MAX; i++) {
		octets_fini(&sa->own_cert[i]);
		octets_fini(&sa->cert[i]);
	}
	crypto_dh_free(sa->dh);
	ike2_keys_fini(&sa->keys);
	core_conf_unref(sa->conf);
	party_unref(sa->party);
	list_remove(&sa->all);
	free(sa);
}

void ike2_bury(struct core *c)
{
	list_foreach_safe (sa, next, &c->ike2.dead, struct ikesa, all)
		sa_free(sa);
}

struct ikesa *ike2_find(struct core *c, const uint8_t *own_spi, bool initiator)
{
	list_foreach (sa, bucket_of(c, own_spi), struct ikesa, by_spi)
		if (sa->initiator == initiator && memcmp(ike2_own_spi(sa), own_spi, IKE2_SPI) == 0)
			return sa;
	return NULL;
}

struct ikesa *ike2_find_begun(struct core *c, const uint8_t *spi_i, const struct inet_addr *remote)
{
	list_foreach (sa, core_begun(c, c->ike2.begun, spi_i, remote), struct ikesa, begun)
		if (memcmp(sa->spi_i, spi_i, IKE2_SPI) == 0 && inet_addr_equal(&sa->path.remote, remote))
			return sa;
	return NULL;
}

/* From an address that this host has no more nothing can be asked for. */
static bool is_with(const struct ikesa *sa, const struct ike_path *path, uint32_t peer)
{
	return sa->conf == sa->core->conf && sa->peer == peer &&
	       inet_addr_equal(&sa->path.remote, &path->remote) &&
	       inet_addr_equal(&sa->path.local, &path->local);
}

struct ikesa *ike2_find_up(struct core *c, const struct ike_path *path, uint32_t peer)
{
	struct ikesa *newest = NULL;

	list_foreach (sa, with(c, &path->remote), struct ikesa, by_peer)
		if (ike2_is_up(sa) && is_with(sa, path, peer))
			newest = sa;
	return newest;
}

struct ikesa *ike2_find_open(struct core *c, const struct ike_path *path, uint32_t peer)
{
	struct ikesa *newest = NULL;

	list_foreach (sa, with(c, &path->remote), struct ikesa, by_peer)
		if (ike2_is_up(sa) && !sa->full && is_with(sa, path, peer))
			newest = sa;
	return newest;
}

struct ikesa *ike2_find_coming(struct core *c, const struct ike_path *path, uint32_t peer)
{
	list_foreach (sa, with(c, &path->remote), struct ikesa, by_peer)
		if (sa->initiator && sa->state < IKE2_S_UP && !sa->replaces && is_with(sa, path, peer))
			return sa;
	return NULL;
}

bool ike2_may_say(struct ikesa *sa)
{
	return bucket_take(&sa->lines, 1, core_now(sa->core));
}

static void put_spi(char *to, const uint8_t *spi)
{
	for (size_t i = 0; i < IKE2_SPI; i++)
		snprintf(to + 2 * i, 3, "%02x", spi[i]);
}

const char *ike2_name(const struct ikesa *sa, char buf[IKE2_NAME_MAX])
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN], i[2 * IKE2_SPI + 1], r[2 * IKE2_SPI + 1];

	put_spi(i, sa->spi_i);
	put_spi(r, sa->spi_r);
	snprintf(buf, IKE2_NAME_MAX, "%s[%u]-%s[%u] spi:%s:%s", inet_addr_format(&sa->path.local, a),
	    sa->path.local_port, inet_addr_format(&sa->path.remote, b), sa->path.remote_port, i, r);
	return buf;
}

static void on_reply(struct parked *p, struct core_reply *r)
{
	struct ikesa *sa = container_of(p, struct ikesa, wait);

	sa->then(sa, r);
}

uint64_t ike2_park(struct ikesa *sa, void (*then)(struct ikesa *sa, struct core_reply *r))
{
	sa->then = then;
	return parking_enter(&sa->core->parking, &sa->wait, on_reply);
}

bool ike2_renews_often(const struct ikesa *sa)
{
	uint32_t n = 0;

	list_foreach (other, with(sa->core, &sa->path.remote), struct ikesa, by_peer)
		n += other->state == IKE2_S_REPLACED && party_same(other->party, sa->party);
	return n >= IKE2_REPLACED_MAX;
}

void ike2_sa_limit(struct ikesa *sa)
{
	struct ikesa *oldest = NULL;
	uint32_t n = 0;

	list_foreach (other, with(sa->core, &sa->path.remote), struct ikesa, by_peer) {
		if (!ike2_is_up(other) || !inet_addr_equal(&other->path.remote, &sa->path.remote))
			continue;
		oldest = oldest ? oldest : other;
		n++;
	}
	if (n > CORE_SAS_OF_ADDRESS)
		ike2_sa_leave(oldest, "purged: there are enough newer ones of its address");
	else if (core_is_full(sa->core))
		ike2_sa_leave(sa, "given up: there are as many as keyd has memory for");
}
