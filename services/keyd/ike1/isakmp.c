/*
 * Found by both cookies; by the initiator's alone while the responder's is not known. An SA is never freed
 * from inside of its own handlers: it goes to the list of the dead, which core empties between events.
 */
#include "keyd/ike1/isakmp.h"

#include <stdio.h>

#include "keyd/core/upkeep.h"
#include "keyd/ike1/fragment.h"
#include "keyd/ike1/hook.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"

static const uint8_t no_cookie[IKE_COOKIE_LEN];

/* A stranger may choose cookies that fall into one bucket: that costs no more than the table's bound. */
/* Our own cookie is random: a stranger cannot fill one of them. */
static struct list *bucket_of(struct core *c, const uint8_t *own_cookie)
{
	uint32_t h = 0;

	for (size_t i = 0; i < IKE_COOKIE_LEN; i++)
		h = h * 31 + own_cookie[i];
	return &c->by_cookie[h % CORE_BUCKETS];
}

static void on_lost(struct window *w)
{
	struct isakmp *sa = container_of(w, struct isakmp, window);

	sa->failure = "no answer";
	isakmp_end(sa);
}

/* All of a negotiation has as long as one message with all its repetitions, twice: each side may have to ask
 * others. */
static void on_patience(struct timer *t, void *arg)
{
	struct isakmp *sa = container_of(t, struct isakmp, patience);

	(void)arg;
	sa->failure = "time is up";
	isakmp_end(sa);
}

static uint64_t patience_ms(const struct ike_conf *conf)
{
	return 2 * (uint64_t)conf->timers.interval_ms * (conf->timers.counter + 1);
}

void isakmp_be_patient(struct isakmp *sa)
{
	/* Cannot fail: it has its place in the heap. */
	(void)!timer_set(
	    &sa->core->timers, &sa->patience, core_now(sa->core) + patience_ms(sa->conf->c), on_patience);
}

enum { SILENT = 0, RETURNED = 1 };

static unsigned list_of(enum isakmp_trust t)
{
	return t == ISAKMP_SILENT ? SILENT : RETURNED;
}

/* The oldest of its kind gives way to a newer one. */
static void make_room(struct core *c, enum isakmp_trust t, uint32_t max)
{
	unsigned i = list_of(t);
	struct isakmp *oldest;

	if (c->n_unproved[i] < max)
		return;
	oldest = list_entry(c->unproved[i].next, struct isakmp, unproved);
	c->counters.evicted++;
	oldest->failure = "made room for newer ones";
	isakmp_end(oldest);
}

static void set_trust(struct isakmp *sa, enum isakmp_trust t)
{
	struct core *c = sa->core;

	if (sa->trust != ISAKMP_TRUSTED) {
		c->n_unproved[list_of(sa->trust)]--;
		list_remove(&sa->unproved);
	}
	sa->trust = t;
	if (t == ISAKMP_TRUSTED)
		return;
	make_room(c, t, t == ISAKMP_SILENT ? CORE_SILENT_MAX : CORE_RETURNED_MAX);
	c->n_unproved[list_of(t)]++;
	list_append(&c->unproved[list_of(t)], &sa->unproved);
}

static void new_cookie(struct core *c, uint8_t *cookie)
{
	do
		c->rng->fill(c->rng, cookie, IKE_COOKIE_LEN);
	while (memcmp(cookie, no_cookie, IKE_COOKIE_LEN) == 0);
}

static struct isakmp *make(
    struct core *c, uint32_t peer, const struct ike_path *path, enum ike_mode mode, bool initiator)
{
	struct isakmp *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	sa->core = c;
	sa->conf = core_conf_ref(c->conf);
	sa->peer = peer;
	sa->path = *path;
	sa->mode = mode;
	sa->initiator = initiator;
	sa->begun_ms = core_now(c);
	list_init(&sa->by_cookie);
	list_init(&sa->begun);
	list_init(&sa->unproved);
	list_init(&sa->quicks);
	bucket_init(&sa->asks, ISAKMP_ASKS_RATE, ISAKMP_ASKS_BURST, core_now(c));
	bucket_init(&sa->lines, ISAKMP_LINES_RATE, ISAKMP_LINES_BURST, core_now(c));
	remote_access_init(sa);
	list_append(&c->isakmp, &sa->all);
	c->n_isakmp++;
	window_init(&sa->window, c, &sa->path, on_lost);
	sa->window.cut = &sa->cuts;
	return sa;
}

/* Among those that are found by cookies, once it has its own. */
static void enter(struct isakmp *sa)
{
	struct core *c = sa->core;

	list_append(bucket_of(c, sa->initiator ? sa->icookie : sa->rcookie), &sa->by_cookie);
	if (!sa->initiator)
		list_append(core_begun(c, c->begun, sa->icookie, &sa->path.remote), &sa->begun);
}

struct isakmp *isakmp_new(
    struct core *c, uint32_t peer, const struct ike_path *path, enum ike_mode mode, const uint8_t *icookie)
{
	bool full = icookie && core_is_full(c);
	struct isakmp *sa = full ? NULL : make(c, peer, path, mode, !icookie);

	if (!sa)
		return NULL;
	sa->cuts = !icookie && isakmp_peer(sa)->ike_frag == IKE_FORCE;
	if (icookie) {
		memcpy(sa->icookie, icookie, IKE_COOKIE_LEN);
		new_cookie(c, sa->rcookie);
		set_trust(sa, ISAKMP_SILENT);
	} else {
		new_cookie(c, sa->icookie);
	}
	enter(sa);
	isakmp_set_state(sa, sa->initiator ? ISAKMP_I_NEW : ISAKMP_R_NEW);
	if (timer_set(&c->timers, &sa->patience, core_now(c) + patience_ms(c->conf->c), on_patience) < 0) {
		isakmp_end(sa);
		return NULL;
	}
	return sa;
}

struct isakmp *isakmp_back(struct core *c, const struct kept_isakmp *k)
{
	bool there = isakmp_find(c, k->icookie, k->rcookie) || core_is_full(c);
	struct isakmp *sa = there ? NULL : make(c, k->peer, &k->path, k->mode, k->initiator);

	if (!sa)
		return NULL;
	memcpy(sa->icookie, k->icookie, IKE_COOKIE_LEN);
	memcpy(sa->rcookie, k->rcookie, IKE_COOKIE_LEN);
	enter(sa);
	isakmp_set_state(sa, ISAKMP_UP);
	return sa;
}

void isakmp_heard(struct isakmp *sa)
{
	sa->heard_ms = core_now(sa->core);
	keep_heard(sa->core->keep, &sa->place, sa->heard_ms);
}

void isakmp_set_state(struct isakmp *sa, enum isakmp_state next)
{
	enum isakmp_state was = sa->state;

	if (!isakmp_may_follow(sa->state, next)) {
		core_log(sa->core, CORE_ERROR, "isakmp.state", "cannot go from '%s' to '%s': this SA ends",
		    isakmp_state_name(sa->state), isakmp_state_name(next));
		sa->failure = "a state that cannot follow";
		isakmp_end(sa);
		return;
	}
	if (next == ISAKMP_UP || next == ISAKMP_GONE)
		set_trust(sa, ISAKMP_TRUSTED);
	sa->state = next;
	hook_state(sa, was);
}

static void tell_end(struct isakmp *sa, enum isakmp_state was)
{
	char name[ISAKMP_NAME_MAX];

	if (!sa->failure)
		return;
	if (was == ISAKMP_UP) {
		core_log(
		    sa->core, CORE_INFO, "isakmp.end", "ISAKMP-SA %s %s", sa->failure, isakmp_name(sa, name));
		return;
	}
	sa->core->counters.failed1++;
	if (sa->initiator)
		core_log(sa->core, upkeep_level(sa->core, &sa->path.remote, CORE_ERROR), "isakmp.failed",
		    "phase1 negotiation failed: %s. %s (%s)", sa->failure, isakmp_name(sa, name),
		    isakmp_state_name(was));
	else if (core_may_note(sa->core))
		core_log(sa->core, CORE_ERROR, "isakmp.failed", "phase1 negotiation failed: %s. %s (%s)",
		    sa->failure, isakmp_name(sa, name), isakmp_state_name(was));
}

static void tell_news(const struct isakmp *sa, enum isakmp_state was)
{
	char why[CORE_WHY_MAX];

	snprintf(why, sizeof(why), "%s (%s)", sa->failure ? sa->failure : "ended", isakmp_state_name(was));
	if (sa->initiator)
		news_sa_ended(sa->core, &sa->path.remote,
		    was == ISAKMP_UP                                         ? NEWS_WAS_UP
		    : memcmp(sa->rcookie, no_cookie, sizeof(no_cookie)) != 0 ? NEWS_FAILED
		                                                             : NEWS_UNANSWERED,
		    why);
}

void isakmp_end(struct isakmp *sa)
{
	struct core *c = sa->core;
	enum isakmp_state was = sa->state;

	if (was == ISAKMP_GONE)
		return;
	isakmp_set_state(sa, ISAKMP_GONE);
	parking_leave(&c->parking, &sa->wait);
	timer_stop(&c->timers, &sa->patience);
	timer_stop(&c->timers, &sa->renew);
	timer_stop(&c->timers, &sa->dpd);
	timer_stop(&c->timers, &sa->ra.pause);
	timer_stop(&c->timers, &sa->ra.later);
	window_fini(&sa->window);
	fragment_forget(sa);
	remote_access_fini(sa);
	keep_drop(c->keep, &sa->place);
	list_remove(&sa->by_cookie);
	list_remove(&sa->begun);
	list_remove(&sa->all);
	list_append(&c->dead, &sa->all);
	c->n_isakmp--;
	tell_end(sa, was);
	tell_news(sa, was);
	quick_orphan(sa);
}

static void isakmp_free(struct isakmp *sa)
{
	struct core *c = sa->core;
	struct octets *o[] = {&sa->sa, &sa->answer, &sa->gxi, &sa->gxr, &sa->ni, &sa->nr, &sa->idi, &sa->idr,
	    &sa->proof, &sa->subject, &sa->issuer, &sa->ticket};

	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	for (size_t i = 0; i < ISAKMP_CERTS_MAX; i++) {
		octets_fini(&sa->cert[i]);
		octets_fini(&sa->own_cert[i]);
	}
	/* A handler that was in the midst of something when it ended may have begun these again. */
	parking_leave(&c->parking, &sa->wait);
	timer_stop(&c->timers, &sa->patience);
	timer_stop(&c->timers, &sa->renew);
	timer_stop(&c->timers, &sa->dpd);
	window_fini(&sa->window);
	crypto_dh_free(sa->dh);
	secret_free(sa->gxy);
	secret_free(sa->cipher_key);
	ike1_keys_fini(&sa->keys);
	seen_fini(&sa->seen);
	core_conf_unref(sa->conf);
	party_unref(sa->party);
	list_remove(&sa->all);
	free(sa);
}

void isakmp_bury(struct core *c)
{
	list_foreach_safe (sa, next, &c->dead, struct isakmp, all)
		isakmp_free(sa);
}

bool isakmp_take_id(struct isakmp *sa, uint32_t msg_id)
{
	if (seen_has(&sa->seen, msg_id)) {
		sa->core->counters.duplicates++;
		return false;
	}
	if (seen_add(&sa->seen, msg_id)) {
		/* Before it is kept itself, the ids wait in `seen`. */
		if (keep_has(&sa->place))
			keep_saw(sa->core->keep, &sa->place, msg_id);
		if (sa->seen.n == SEEN_MANY && isakmp_is_up(sa))
			phase1_plan(sa);
		return true;
	}
	inform_delete_isakmp(sa);
	sa->failure = "expired: no more message ids can be remembered";
	isakmp_end(sa);
	return false;
}

bool isakmp_may_say(struct isakmp *sa)
{
	return bucket_take(&sa->lines, 1, core_now(sa->core));
}

static struct isakmp *find(struct core *c, bool initiator, const uint8_t *icookie, const uint8_t *rcookie)
{
	list_foreach (sa, bucket_of(c, initiator ? icookie : rcookie), struct isakmp, by_cookie) {
		bool unanswered = initiator && memcmp(sa->rcookie, no_cookie, IKE_COOKIE_LEN) == 0;

		if (sa->initiator != initiator || memcmp(sa->icookie, icookie, IKE_COOKIE_LEN) != 0)
			continue;
		if (unanswered || memcmp(sa->rcookie, rcookie, IKE_COOKIE_LEN) == 0)
			return sa;
	}
	return NULL;
}

struct isakmp *isakmp_find(struct core *c, const uint8_t *icookie, const uint8_t *rcookie)
{
	struct isakmp *sa = find(c, true, icookie, rcookie);

	return sa ? sa : find(c, false, icookie, rcookie);
}

struct isakmp *isakmp_find_begun(struct core *c, const uint8_t *icookie, const struct inet_addr *remote)
{
	list_foreach (sa, core_begun(c, c->begun, icookie, remote), struct isakmp, begun)
		if (memcmp(sa->icookie, icookie, IKE_COOKIE_LEN) == 0 &&
		    inet_addr_equal(&sa->path.remote, remote))
			return sa;
	return NULL;
}

/* How well an SA's peer is the one meant: 0 not at all; 1 where only an address is known, as of a packet that
 * needs keys; 2 it is; 3 it always was. */
static unsigned is_with(
    const struct isakmp *sa, const struct ike_path *path, uint32_t peer, const struct party *who)
{
	if (sa->conf != sa->core->conf || (peer != ISAKMP_ANY_PEER && sa->peer != peer))
		return 0;
	/* From an address that this host has no more nothing can be asked for. */
	if (!inet_addr_equal(&sa->path.local, &path->local))
		return 0;
	if (who)
		return party_same(sa->party, who) ? 2 + (sa->party == who) : 0;
	if (ike_path_same_place(&sa->path, path))
		return 2;
	return path->remote_port == IKE_PORT && inet_addr_equal(&sa->path.remote, &path->remote);
}

struct isakmp *isakmp_find_up(
    struct core *c, const struct ike_path *path, uint32_t peer, const struct party *who)
{
	struct isakmp *best = NULL;
	unsigned fits = 1;

	list_foreach (sa, &c->isakmp, struct isakmp, all) {
		unsigned f = isakmp_is_up(sa) ? is_with(sa, path, peer, who) : 0;

		if (f < fits || (best && f == fits && sa->heard_ms < best->heard_ms))
			continue;
		best = sa;
		fits = f;
	}
	return best;
}

struct isakmp *isakmp_find_host(struct core *c, const struct ike_path *path)
{
	return isakmp_find_up(c, path, ISAKMP_ANY_PEER, NULL);
}

struct isakmp *isakmp_find_of(const struct child *k)
{
	return isakmp_find_up(k->core, &k->path, ISAKMP_ANY_PEER, k->party);
}

struct isakmp *isakmp_find_coming(struct core *c, const struct ike_path *path, uint32_t peer)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		if (sa->initiator && !isakmp_is_up(sa) && is_with(sa, path, peer, NULL))
			return sa;
	return NULL;
}

/* Of two that came up in one moment the cookies say which counts as the newer one. */
static bool is_newer(const struct isakmp *a, const struct isakmp *b)
{
	if (a->established_ms != b->established_ms)
		return a->established_ms > b->established_ms;
	return memcmp(a->icookie, b->icookie, IKE_COOKIE_LEN) > 0;
}

static void purge(struct isakmp *sa, const char *why)
{
	inform_delete_isakmp(sa);
	sa->failure = why;
	isakmp_end(sa);
}

void isakmp_limit(struct isakmp *sa)
{
	struct isakmp *oldest[2] = {NULL}; /* of the address, of the peer */
	uint32_t n[2] = {0};

	list_foreach (other, &sa->core->isakmp, struct isakmp, all) {
		if (!isakmp_is_up(other) || !inet_addr_equal(&other->path.remote, &sa->path.remote))
			continue;
		for (unsigned i = 0; i <= party_same(other->party, sa->party); i++) {
			oldest[i] = oldest[i] ? oldest[i] : other;
			n[i]++;
		}
	}
	if (n[1] > ISAKMP_SAS_MAX)
		purge(oldest[1], "purged: the peer has enough newer ones");
	else if (n[0] > CORE_SAS_OF_ADDRESS)
		purge(oldest[0], "purged: there are enough newer ones of its address");
	else if (core_is_full(sa->core))
		purge(sa, "given up: there are as many as keyd has memory for");
}

struct isakmp *isakmp_find_successor(const struct isakmp *sa)
{
	list_foreach (other, &sa->core->isakmp, struct isakmp, all)
		if (other != sa && isakmp_is_up(other) && is_newer(other, sa) &&
		    party_same(other->party, sa->party))
			return other;
	return NULL;
}

void isakmp_returned(struct isakmp *sa)
{
	if (sa->trust == ISAKMP_SILENT)
		set_trust(sa, ISAKMP_RETURNED);
}

void isakmp_put_cookies(const struct isakmp *sa, uint8_t ret[ISAKMP_COOKIES_LEN])
{
	memcpy(ret, sa->icookie, IKE_COOKIE_LEN);
	memcpy(ret + IKE_COOKIE_LEN, sa->rcookie, IKE_COOKIE_LEN);
}

struct ike_hdr isakmp_header(const struct isakmp *sa, uint8_t exchange, uint8_t flags, uint32_t msg_id)
{
	struct ike_hdr h = {.major = 1, .exchange = exchange, .flags = flags, .msg_id = msg_id};

	memcpy(h.icookie, sa->icookie, IKE_COOKIE_LEN);
	memcpy(h.rcookie, sa->rcookie, IKE_COOKIE_LEN);
	return h;
}

static void put_cookie(char *to, const uint8_t *cookie)
{
	for (size_t i = 0; i < IKE_COOKIE_LEN; i++)
		snprintf(to + 2 * i, 3, "%02x", cookie[i]);
}

const char *isakmp_name(const struct isakmp *sa, char buf[ISAKMP_NAME_MAX])
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN], i[2 * IKE_COOKIE_LEN + 1], r[2 * IKE_COOKIE_LEN + 1];

	put_cookie(i, sa->icookie);
	put_cookie(r, sa->rcookie);
	snprintf(buf, ISAKMP_NAME_MAX, "%s[%u]-%s[%u] spi:%s:%s", inet_addr_format(&sa->path.local, a),
	    sa->path.local_port, inet_addr_format(&sa->path.remote, b), sa->path.remote_port, i, r);
	return buf;
}
