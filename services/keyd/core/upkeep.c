/*
 * One object for each child that is to be there, found by its peer's address. It knows four states and no
 * exchange: it wishes what an administrator could wish, hears what became of it, and waits. So whatever ends
 * a pair, it ends here, in upkeep_child_ended(), and whatever keeps one from being made, in failed().
 *
 * How long it waits depends on what is known of the peer. One that is silent may be back at any moment: it is
 * tried all the time, with a first message that costs both sides little. One that says no will say so again
 * soon, and has longer and longer pauses. Of many tries in a row the log has the first, the second, the
 * fourth and so on.
 */
#include "keyd/core/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/core/child.h"
#include "keyd/core/versions.h"

enum {
	SOON_MS = 50,    /* so that what replaces a pair that has just ended can be there first, */
	SPREAD_MS = 200, /* and two sides, or a thousand connections, do not begin at the same moment */
	OURS_MS = 250,
	LOOK_AGAIN_MS = 65000, /* a negotiation has ended by itself before that */
};

enum { NAME_MAX_ = 2 * INET_PREFIX_STRLEN + 100 };

struct upkeep {
	struct list node;
	struct core *core;
	uint32_t peer;  /* index in the configuration that is in force */
	uint64_t block; /* its number */
	struct inet_addr remote;
	struct selector sel; /* of the outbound policy */
	enum ike_row_keeping state;
	struct policy *out;    /* as policyd has said last, cut off behind its last request; NULL: not yet */
	bool wanted;           /* while a configuration is loaded: it is in that */
	bool answered, hinted; /* in this try */
	enum upkeep_fault fault;
	uint32_t tries;   /* that have failed one after the other, by the same fault */
	uint64_t down_ms; /* since when; 0: it is up */
	struct parked wait;
	struct timer timer;
	char why[UPKEEP_WHY_MAX]; /* of the last failure; empty: there was none */
};

/* The next one of this peer's behind `at`, or the first; NULL: no more. Few peers fall into one bucket. */
static struct upkeep *next_of(struct core *c, const struct inet_addr *remote, struct upkeep *at)
{
	struct list *head = core_of_peer(c->upkeeps, remote);

	for (struct list *n = at ? at->node.next : head->next; n != head; n = n->next) {
		struct upkeep *u = list_entry(n, struct upkeep, node);

		if (inet_addr_equal(&u->remote, remote))
			return u;
	}
	return NULL;
}

static struct upkeep *find(struct core *c, const struct inet_addr *remote, const struct selector *sel)
{
	struct upkeep *u = next_of(c, remote, NULL);

	while (u && !selector_equal(&u->sel, sel))
		u = next_of(c, remote, u);
	return u;
}

static const char *name_of(const struct upkeep *u, char buf[NAME_MAX_])
{
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];
	const char *name = u->core->conf->c->peer[u->peer].name;

	snprintf(buf, NAME_MAX_, "%.90s, %s = %s", name ? name : "?", inet_prefix_format(&u->sel.src, src),
	    inet_prefix_format(&u->sel.dst, dst));
	return buf;
}

/* --- when the next try is --- */

static void on_timer(struct timer *t, void *arg);

/* Without memory for a timer there is no more trying: an administrator's `up` begins it again. */
static void plan(struct upkeep *u, uint64_t ms)
{
	struct core *c = u->core;

	if (timer_set(&c->timers, &u->timer, core_now(c) + ms, on_timer) < 0)
		core_note(c, CORE_ERROR, "keep.lost", "a connection is not kept up any more: out of memory");
}

static void soon(struct upkeep *u)
{
	plan(u, SOON_MS + rng_below(u->core->rng, SPREAD_MS));
}

static void rest(struct upkeep *u)
{
	parking_leave(&u->core->parking, &u->wait);
	timer_stop(&u->core->timers, &u->timer);
}

static uint64_t doubled(uint64_t first, uint64_t most, uint32_t times)
{
	while (times-- && first < most)
		first *= 2;
	return first < most ? first : most;
}

static uint64_t pause_ms(const struct upkeep *u)
{
	uint64_t ms = u->fault == UPKEEP_REFUSED
	                  ? doubled(UPKEEP_REFUSED_MS, UPKEEP_REFUSED_MAX_MS, u->tries - 1)
	                  : doubled(OURS_MS, UPKEEP_SILENT_MS, u->tries - 1);

	return ms - rng_below(u->core->rng, (uint32_t)ms / 4 + 1);
}

static void set_down(struct upkeep *u)
{
	u->state = IKE_KEPT_DOWN;
	if (!u->down_ms)
		u->down_ms = core_now(u->core);
}

/* Of what is wrong with the IKE SA one of its children tells. */
static bool speaks(const struct upkeep *u, bool sa_is_up)
{
	return sa_is_up || next_of(u->core, &u->remote, NULL) == u;
}

static bool is_power_of_2(uint32_t n)
{
	return !(n & (n - 1));
}

/* What every load begins with is not told at once: policies come after the configuration. */
static bool is_worth_a_line(const struct upkeep *u)
{
	return is_power_of_2(u->tries) && (u->fault != UPKEEP_OURS || u->tries > 2);
}

static void failed(struct upkeep *u, enum upkeep_fault fault, bool sa_is_up, const char *why)
{
	char name[NAME_MAX_];
	uint64_t ms;

	snprintf(u->why, sizeof(u->why), "%s", why);
	u->tries = u->fault == fault ? u->tries + 1 : 1;
	u->fault = fault;
	set_down(u);
	ms = pause_ms(u);
	plan(u, ms);
	if (is_worth_a_line(u) && speaks(u, sa_is_up))
		core_note(u->core, CORE_WARNING, "keep.down",
		    "%s is down for %llu s, after %u tries: %s. The next one is in %llu ms", name_of(u, name),
		    (unsigned long long)(core_since(u->core, u->down_ms) / 1000), u->tries, u->why,
		    (unsigned long long)ms);
}

/* --- a try --- */

/* What packets of this policy would ask for. */
static struct ike_path path_of(const struct upkeep *u, const struct policy *out)
{
	const struct policy_request *q = &out->req[out->n_requests ? out->n_requests - 1 : 0];

	return (struct ike_path){.local = q->src.family != INET_NONE ? q->src : out->sel.src.addr,
	    .remote = u->remote,
	    .local_port = IKE_PORT,
	    .remote_port = IKE_PORT};
}

static bool keep_policy(struct upkeep *u, const struct policy *out)
{
	free(u->out);
	u->out = malloc(policy_size(out));
	if (u->out)
		policy_copy(u->out, out);
	return u->out;
}

static void wish(struct upkeep *u, const struct ike_path *path, const struct policy *out)
{
	const struct core_up up = {.path = *path, .policy = out};
	const char *why = "";

	u->answered = u->hinted = false;
	if (out)
		u->state = IKE_KEPT_TRYING;
	plan(u, LOOK_AGAIN_MS);
	if (core_wish(u->core, &up, &why) < 0 && out)
		failed(u, UPKEEP_OURS, true, why);
}

/* Version 1's pairs outlive the IKE SA, without which nobody would see that the peer is gone. */
static void look_after(struct upkeep *u, const struct ike_path *path)
{
	const struct ike_version *v = ike_version_of(&u->core->conf->c->peer[u->peer]);
	struct ike_row_sa row;

	if (v->end_twins && !v->end_twins(u->core, path))
		plan(u, UPKEEP_SHORT_MS);
	if (!v->sa_row(u->core, path, u->peer, &row))
		wish(u, path, NULL);
	else if (row.state == IKE_ROW_UP)
		u->tries = 0;
}

static void on_policy(struct parked *wait, struct core_reply *r)
{
	struct upkeep *u = container_of(wait, struct upkeep, wait);
	const struct policy *out = r->result == 0 ? r->out : NULL;
	const struct child *k = out ? child_of_policy(u->core, out->id) : NULL;
	struct ike_path path;

	if (!out || !selector_equal(&out->sel, &u->sel) || !keep_policy(u, out)) {
		failed(u, UPKEEP_OURS, true, r->result < 0 ? r->why : "there is no policy for it");
		return;
	}
	path = path_of(u, out);
	if (k && inet_addr_equal(&k->path.remote, &u->remote) &&
	    inet_addr_equal(&k->path.local, &path.local)) {
		look_after(u, &path);
	} else {
		set_down(u);
		wish(u, &path, out);
	}
}

/* From which address is in the answer. */
static void ask(struct upkeep *u)
{
	struct ike_path path = {.remote = u->remote, .local_port = IKE_PORT, .remote_port = IKE_PORT};
	struct core *c = u->core;
	int r;

	path.local.family = u->remote.family;
	r = c->ports.match(
	    c->ports.arg, parking_enter(&c->parking, &u->wait, on_policy), &u->sel, &path, false);
	if (r == 0)
		return;
	parking_leave(&c->parking, &u->wait);
	failed(u, UPKEEP_OURS, true, "policyd cannot be asked");
}

/* While only the peer is missing the policy is what it was; the negotiation asks for it again in any case. */
static void call_again(struct upkeep *u)
{
	const struct ike_path path = path_of(u, u->out);
	struct policy out = {0};

	policy_copy(&out, u->out);
	wish(u, &path, &out);
}

static void on_timer(struct timer *t, void *arg)
{
	struct upkeep *u = container_of(t, struct upkeep, timer);
	struct core *c = arg;

	if (u->state == IKE_KEPT_HELD || parked_is(&u->wait))
		return;
	if (!bucket_take(&c->upkeep_tries, 1, core_now(c)))
		soon(u);
	else if (u->state == IKE_KEPT_DOWN && u->tries && u->fault == UPKEEP_SILENT && u->out)
		call_again(u);
	else
		ask(u);
}

/* --- what has happened --- */

static bool has_pair(const struct upkeep *u)
{
	list_foreach (k, core_of_peer(u->core->by_peer, &u->remote), struct child, by_peer)
		if (!k->replaced && inet_addr_equal(&k->path.remote, &u->remote) &&
		    child_serves_selector(k, &u->sel))
			return true;
	return false;
}

static void is_made(struct upkeep *u)
{
	char name[NAME_MAX_];

	if (!u || u->state == IKE_KEPT_HELD || u->state == IKE_KEPT_UP)
		return;
	rest(u);
	if (u->tries)
		core_log(u->core, CORE_NOTICE, "keep.up", "%s is up, after %u tries and %llu s",
		    name_of(u, name), u->tries, (unsigned long long)(core_since(u->core, u->down_ms) / 1000));
	u->state = IKE_KEPT_UP;
	u->down_ms = 0;
	plan(u, UPKEEP_SHORT_MS);
}

void upkeep_child_made(const struct child *k)
{
	for (uint16_t i = 0; i <= k->n_more; i++)
		is_made(find(k->core, &k->path.remote, child_selector(k, i)));
}

static void has_ended(struct upkeep *u, const struct child *k, const char *why)
{
	if (!u || u->state != IKE_KEPT_UP || has_pair(u))
		return;
	rest(u);
	set_down(u);
	if (core_now(k->core) < k->made_ms + UPKEEP_SHORT_MS) {
		failed(u, UPKEEP_REFUSED, true, why);
		return;
	}
	snprintf(u->why, sizeof(u->why), "%s", why);
	u->tries = 0;
	soon(u);
}

void upkeep_child_ended(const struct child *k, const char *why)
{
	for (uint16_t i = 0; i <= k->n_more; i++)
		has_ended(find(k->core, &k->path.remote, child_selector(k, i)), k, why);
}

/* Its pairs may be there still: one is begun for them. */
static void lacks_sa(struct upkeep *u, enum news_end how)
{
	if (how == NEWS_WAS_UP) {
		soon(u);
		return;
	}
	u->tries++;
	plan(u, doubled(UPKEEP_SILENT_MS, UPKEEP_REFUSED_MAX_MS, u->tries));
}

void upkeep_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why)
{
	for (struct upkeep *u = next_of(c, remote, NULL); u; u = next_of(c, remote, u)) {
		if (u->state == IKE_KEPT_UP)
			lacks_sa(u, how);
		if (u->state != IKE_KEPT_TRYING)
			continue;
		u->answered = how != NEWS_UNANSWERED;
		if (!u->hinted)
			snprintf(u->why, sizeof(u->why), "%s", why);
	}
}

void upkeep_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why)
{
	for (struct upkeep *u = next_of(c, remote, NULL); u; u = next_of(c, remote, u)) {
		bool refused = sa_is_up || u->answered || u->hinted;
		char last[UPKEEP_WHY_MAX];

		if (u->state != IKE_KEPT_TRYING || u->out->id != policy)
			continue;
		snprintf(last, sizeof(last), "%s", sa_is_up ? why : u->why);
		failed(u, refused ? UPKEEP_REFUSED : UPKEEP_SILENT, sa_is_up, last);
	}
}

void upkeep_hint(struct core *c, const struct inet_addr *remote, const char *text)
{
	for (struct upkeep *u = next_of(c, remote, NULL); u; u = next_of(c, remote, u))
		if (u->state == IKE_KEPT_TRYING) {
			u->hinted = true;
			snprintf(u->why, sizeof(u->why), "%s", text);
		}
}

/* --- an administrator's word --- */

static bool is_from(const struct upkeep *u, const struct inet_addr *remote)
{
	return remote->family == INET_NONE || inet_addr_equal(&u->remote, remote);
}

uint32_t upkeep_hold(struct core *c, const struct inet_addr *remote)
{
	uint32_t n = 0;

	for (size_t i = 0; i < CORE_BUCKETS; i++)
		list_foreach (u, &c->upkeeps[i], struct upkeep, node) {
			if (!is_from(u, remote))
				continue;
			rest(u);
			set_down(u);
			u->state = IKE_KEPT_HELD;
			n++;
		}
	return n;
}

/* The next try is like the first. */
static void begin_anew(struct upkeep *u)
{
	u->tries = 0;
	if (u->state != IKE_KEPT_UP && u->state != IKE_KEPT_TRYING)
		set_down(u);
	soon(u);
}

void upkeep_release(struct core *c, const struct inet_addr *remote)
{
	for (struct upkeep *u = next_of(c, remote, NULL); u; u = next_of(c, remote, u))
		if (u->state == IKE_KEPT_HELD || u->state == IKE_KEPT_DOWN)
			begin_anew(u);
}

bool upkeep_is_held(struct core *c, const struct inet_addr *remote)
{
	const struct upkeep *u = next_of(c, remote, NULL);

	return u && u->state == IKE_KEPT_HELD;
}

enum core_level upkeep_level(struct core *c, const struct inet_addr *remote, enum core_level level)
{
	bool again = false;

	for (struct upkeep *u = next_of(c, remote, NULL); u; u = next_of(c, remote, u))
		again |= u->tries > 0;
	return again ? CORE_DEBUG : level;
}

/* --- a configuration --- */

static void drop(struct upkeep *u)
{
	rest(u);
	list_remove(&u->node);
	free(u->out);
	free(u);
}

void upkeep_fini(struct core *c)
{
	for (size_t i = 0; i < CORE_BUCKETS; i++)
		list_foreach_safe (u, next, &c->upkeeps[i], struct upkeep, node)
			drop(u);
}

static void want(struct core *c, const struct ike_peer *p, const struct selector *sel)
{
	struct upkeep *u = find(c, &p->addr, sel);

	if (u && u->block != p->block && !u->wanted) {
		drop(u);
		u = NULL;
	}
	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u) {
			core_note(c, CORE_ERROR, "keep.lost", "a connection is not kept up: out of memory");
			return;
		}
		*u = (struct upkeep){.core = c, .block = p->block, .remote = p->addr, .sel = *sel};
		u->down_ms = core_now(c);
		list_init(&u->node);
		list_append(core_of_peer(c->upkeeps, &p->addr), &u->node);
	}
	u->wanted = true;
	u->peer = (uint32_t)(p - c->conf->c->peer);
}

static void want_all(struct core *c, const struct ike_peer *p)
{
	const struct ike_conf *conf = c->conf->c;
	struct selector sel;

	for (uint32_t i = 0; i < conf->n_children; i++)
		if (conf->child[i].remoteid == p->ph1id && ike_child_selector(&conf->child[i], &sel))
			want(c, p, &sel);
}

static void is_there(struct upkeep *u)
{
	if (!u || u->state == IKE_KEPT_HELD)
		return;
	u->state = IKE_KEPT_UP;
	u->down_ms = 0;
}

static void find_pairs(struct core *c)
{
	list_foreach (k, &c->children, struct child, node)
		for (uint16_t i = 0; !k->replaced && i <= k->n_more; i++)
			is_there(find(c, &k->path.remote, child_selector(k, i)));
}

/* Those that are up too: their policies may be others now. */
static void look(struct core *c)
{
	for (size_t i = 0; i < CORE_BUCKETS; i++)
		list_foreach_safe (u, next, &c->upkeeps[i], struct upkeep, node) {
			if (!u->wanted) {
				drop(u);
				continue;
			}
			u->wanted = false;
			if (u->state != IKE_KEPT_HELD)
				begin_anew(u);
		}
}

void upkeep_load(struct core *c)
{
	const struct ike_conf *conf = c->conf->c;

	for (uint32_t i = 0; i < conf->n_peers; i++)
		if (conf->peer[i].keep_up)
			want_all(c, &conf->peer[i]);
	find_pairs(c);
	look(c);
}

/* --- for those who look --- */

struct upkeep_counts upkeep_count(const struct core *c)
{
	struct upkeep_counts n = {0};

	for (size_t i = 0; i < CORE_BUCKETS; i++)
		list_foreach (u, &c->upkeeps[i], struct upkeep, node) {
			n.n++;
			n.n_up += u->state == IKE_KEPT_UP;
			n.n_held += u->state == IKE_KEPT_HELD;
		}
	return n;
}

static void row_of(const struct upkeep *u, struct ike_row_kept *ret)
{
	const char *name = u->core->conf->c->peer[u->peer].name;

	*ret = (struct ike_row_kept){.state = u->state,
	    .name = name ? name : "",
	    .remote = u->remote,
	    .sel = u->sel,
	    .tries = u->tries,
	    .down_ms = core_since(u->core, u->down_ms),
	    .next_ms = u->state == IKE_KEPT_DOWN ? core_until(u->core, &u->timer) : 0,
	    .why = u->state == IKE_KEPT_UP ? "" : u->why};
}

void upkeep_show(struct core *c, core_row_fn fn, void *arg)
{
	struct ike_row_kept row;

	for (size_t i = 0; i < CORE_BUCKETS; i++)
		list_foreach (u, &c->upkeeps[i], struct upkeep, node) {
			row_of(u, &row);
			fn(arg, &(struct ike_row){.kept = &row});
		}
}
