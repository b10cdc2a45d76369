/*
 * Waiters are found by what they wait for, not by pointers: negotiations end and begin anew under them. There
 * are few of them, and mostly none.
 */
#include "keyd/core/waiters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/core/child.h"
#include "keyd/core/versions.h"

static void on_late(struct timer *t, void *arg)
{
	(void)arg;
	container_of(t, struct waiter, timer)->late = true;
}

struct waiter *waiter_new(struct core *c, const struct core_up *u)
{
	struct waiter *w = c->n_waiters < CORE_WAITERS_MAX ? calloc(1, sizeof(*w)) : NULL;
	uint32_t ms = u->wait_ms < CORE_WAIT_MAX_MS ? u->wait_ms : CORE_WAIT_MAX_MS;

	if (!w)
		return NULL;
	w->core = c;
	w->up = *u;
	w->up.policy = NULL;
	w->up.wait_ms = ms;
	w->policy = u->policy ? u->policy->id : 0;
	if (timer_set(&c->timers, &w->timer, core_now(c) + ms, on_late) < 0) {
		free(w);
		return NULL;
	}
	list_init(&w->node);
	list_append(&c->waiters, &w->node);
	c->n_waiters++;
	return w;
}

void waiter_free(struct waiter *w)
{
	timer_stop(&w->core->timers, &w->timer);
	list_remove(&w->node);
	w->core->n_waiters--;
	free(w);
}

bool waiter_is(const struct core *c, const void *arg)
{
	list_foreach (w, &c->waiters, struct waiter, node)
		if (w->up.arg == arg)
			return true;
	return false;
}

void core_up_forget(struct core *c, const void *arg)
{
	list_foreach_safe (w, next, &c->waiters, struct waiter, node)
		if (w->up.arg == arg)
			waiter_free(w);
}

/* The peer that it is about. NULL: the configuration has it no more. */
static const struct ike_peer *peer_of(const struct waiter *w)
{
	const struct core *c = w->core;

	return c->conf ? ike_conf_find_peer(c->conf->c, &w->up.path.remote) : NULL;
}

/* What there is of its wish, up or not. */
static bool sa_of(const struct waiter *w, struct ike_row_sa *ret)
{
	const struct ike_peer *p = peer_of(w);

	return p &&
	       ike_version_of(p)->sa_row(w->core, &w->up.path, (uint32_t)(p - w->core->conf->c->peer), ret);
}

static bool making_of(const struct waiter *w, struct ike_row_child *ret, bool *ret_waiting)
{
	const struct ike_peer *p = w->policy ? peer_of(w) : NULL;

	return p && ike_version_of(p)->making_row(w->core, w->policy, ret, ret_waiting);
}

static struct child *child_of(const struct waiter *w)
{
	struct child *k = w->policy ? child_of_policy(w->core, w->policy) : NULL;

	return k && inet_addr_equal(&k->path.remote, &w->up.path.remote) ? k : NULL;
}

static void answer(struct waiter *w, int result, const char *why, const struct ike_row *row)
{
	const struct core_up up = w->up;

	waiter_free(w);
	up.done(up.arg, result, why, row);
}

/* True: it was answered. */
static bool answer_child(struct waiter *w, bool begun_is_enough)
{
	struct child *k = child_of(w);
	struct ike_row_child row;
	bool waiting;

	if (k)
		child_row_of(k, w->policy, &row);
	else if (!begun_is_enough || !making_of(w, &row, &waiting))
		return false;
	answer(w, 0, "", &(struct ike_row){.child = &row});
	return true;
}

static bool answer_sa(struct waiter *w, bool begun_is_enough)
{
	struct ike_row_sa row;

	if (!sa_of(w, &row) || (row.state == IKE_ROW_CONNECTING && !begun_is_enough))
		return false;
	answer(w, 0, "", &(struct ike_row){.sa = &row});
	return true;
}

static void answer_bad(struct waiter *w, int result, const char *what)
{
	char text[2 * CORE_WHY_MAX + 40];

	snprintf(text, sizeof(text), "%s%s%s", what, w->hint[0] ? ". Last seen: " : "", w->hint);
	answer(w, result, text, NULL);
}

static void answer_late(struct waiter *w)
{
	struct ike_row_child making;
	struct ike_row_sa sa;
	bool waiting = true;
	bool made = making_of(w, &making, &waiting) && !waiting;
	char text[CORE_WHY_MAX];

	snprintf(text, sizeof(text), "not up after %u s: %s", (w->up.wait_ms + 999) / 1000,
	    made            ? making.detail
	    : sa_of(w, &sa) ? sa.detail
	                    : "nothing is under way");
	answer_bad(w, -ETIMEDOUT, text);
}

void waiters_settle(struct core *c)
{
	list_foreach_safe (w, next, &c->waiters, struct waiter, node) {
		bool begun_is_enough = !w->up.wait_ms && !w->failed;

		if (w->policy ? answer_child(w, begun_is_enough) : answer_sa(w, begun_is_enough))
			continue;
		if (w->failed)
			answer_bad(w, -ECONNREFUSED, w->why);
		else if (w->late)
			answer_late(w);
	}
}

/* Version 2 has no phases. */
static void say_failed(struct waiter *w, bool child, const char *why)
{
	const struct ike_peer *p = peer_of(w);
	bool phases = !p || p->version == 1;

	snprintf(w->why, sizeof(w->why), "%s failed: %.600s",
	    phases  ? child ? "phase 2" : "phase 1"
	    : child ? "the child"
	            : "the IKE SA",
	    why);
	w->failed = true;
}

void waiters_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why)
{
	list_foreach (w, &c->waiters, struct waiter, node) {
		if (!inet_addr_equal(&w->up.path.remote, remote))
			continue;
		snprintf(w->phase1, sizeof(w->phase1), "%.300s%s", why,
		    how == NEWS_UNANSWERED && !w->hint[0]
		        ? ": does its suite run and know us, and do UDP ports 500 and 4500 get "
		          "through?"
		        : "");
		if (!w->policy && how != NEWS_WAS_UP)
			say_failed(w, false, w->phase1);
	}
}

void waiters_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why)
{
	list_foreach (w, &c->waiters, struct waiter, node) {
		if (!w->policy || w->policy != policy || !inet_addr_equal(&w->up.path.remote, remote))
			continue;
		if (!sa_is_up && w->phase1[0])
			say_failed(w, false, w->phase1);
		else
			say_failed(w, true, why);
	}
}

void core_send_failed(struct core *c, const struct ike_path *path, const char *why)
{
	list_foreach (w, &c->waiters, struct waiter, node)
		if (inet_addr_equal(&w->up.path.remote, &path->remote))
			snprintf(w->hint, sizeof(w->hint), "a message could not be sent: %s", why);
}

void waiters_hint(struct core *c, const struct inet_addr *remote, const char *text)
{
	list_foreach (w, &c->waiters, struct waiter, node)
		if (inet_addr_equal(&w->up.path.remote, remote))
			snprintf(w->hint, sizeof(w->hint), "%s", text);
}
