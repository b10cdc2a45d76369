/*
 * Waiters are found by what they wait for, not by pointers: negotiations end and begin anew under them. There
 * are few of them, and mostly none.
 */
#include "keyd/core/waiters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/ike1/child.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/rows.h"

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

/* What there is of its wish, up or not. */
static struct isakmp *isakmp_of(const struct waiter *w)
{
	struct isakmp *sa = isakmp_find_host(w->core, &w->up.path);

	return sa ? sa : isakmp_find_coming(w->core, &w->up.path, ISAKMP_ANY_PEER);
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
static bool answer_row(struct waiter *w, bool begun_is_enough)
{
	struct isakmp *sa = isakmp_of(w);
	struct child *k = child_of(w);
	struct quick *q = w->policy && !k ? quick_of_policy(w->core, w->policy) : NULL;
	struct ike_row_child child;
	struct ike_row_sa row;

	if (w->policy && k)
		rows_child(k, &child);
	else if (w->policy && q && begun_is_enough)
		rows_quick(q, &child);
	else if (w->policy || !sa || (!isakmp_is_up(sa) && !begun_is_enough))
		return false;
	if (w->policy) {
		answer(w, 0, "", &(struct ike_row){.child = &child});
		return true;
	}
	rows_isakmp(sa, &row);
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
	const struct quick *q = w->policy ? quick_of_policy(w->core, w->policy) : NULL;
	const struct isakmp *sa = isakmp_of(w);
	char text[CORE_WHY_MAX];

	snprintf(text, sizeof(text), "not up after %u s: %s", (w->up.wait_ms + 999) / 1000,
	    q && q->state != QUICK_WAITING ? quick_state_name(q->state)
	    : sa                           ? isakmp_state_name(sa->state)
	                                   : "nothing is under way");
	answer_bad(w, -ETIMEDOUT, text);
}

void waiters_settle(struct core *c)
{
	list_foreach_safe (w, next, &c->waiters, struct waiter, node) {
		if (answer_row(w, !w->up.wait_ms && !w->failed))
			continue;
		if (w->failed)
			answer_bad(w, -ECONNREFUSED, w->why);
		else if (w->late)
			answer_late(w);
	}
}

static bool concerns(const struct waiter *w, const struct isakmp *sa)
{
	return inet_addr_equal(&w->up.path.remote, &sa->path.remote);
}

void waiters_isakmp_ended(const struct isakmp *sa, enum isakmp_state was)
{
	list_foreach (w, &sa->core->waiters, struct waiter, node) {
		if (!sa->initiator || !concerns(w, sa))
			continue;
		snprintf(w->phase1, sizeof(w->phase1), "%s (%s)", sa->failure ? sa->failure : "ended",
		    isakmp_state_name(was));
		if (w->policy || was == ISAKMP_UP)
			continue;
		snprintf(w->why, sizeof(w->why), "phase 1 failed: %.600s", w->phase1);
		w->failed = true;
	}
}

void waiters_policy_failed(const struct isakmp *sa, uint32_t policy, const char *why)
{
	list_foreach (w, &sa->core->waiters, struct waiter, node) {
		if (!w->policy || w->policy != policy || !concerns(w, sa))
			continue;
		if (!isakmp_is_up(sa) && w->phase1[0])
			snprintf(w->why, sizeof(w->why), "phase 1 failed: %.600s", w->phase1);
		else
			snprintf(w->why, sizeof(w->why), "phase 2 failed: %.600s", why);
		w->failed = true;
	}
}

void core_send_failed(struct core *c, const struct ike_path *path, const char *why)
{
	list_foreach (w, &c->waiters, struct waiter, node)
		if (inet_addr_equal(&w->up.path.remote, &path->remote))
			snprintf(w->hint, sizeof(w->hint), "a message could not be sent: %s", why);
}

void waiters_hint(const struct isakmp *sa, const char *fmt, ...)
{
	list_foreach (w, &sa->core->waiters, struct waiter, node) {
		va_list ap;

		if (!concerns(w, sa))
			continue;
		va_start(ap, fmt);
		vsnprintf(w->hint, sizeof(w->hint), fmt, ap);
		va_end(ap);
	}
}
