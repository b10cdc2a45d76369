/*
 * All lives are equally long, so appending keeps the array in order of expiry, which is the order of numbers.
 * The bound is small because an acquire costs a negotiation once somebody answers.
 */
#include "policyd/acquires.h"

#include <errno.h>
#include <string.h>

static void take_at(struct acquires *q, unsigned i, struct acquire *ret)
{
	*ret = q->a[i];
	q->n--;
	memmove(&q->a[i], &q->a[i + 1], (q->n - i) * sizeof(q->a[0]));
}

int acquires_file(struct acquires *q, const struct acquire_ask *ask, uint64_t now_ms, struct err_text *e)
{
	int r = 0;

	q->n_received++;
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].ask.policy_id == ask->policy_id)
			r = err_set(e, -EALREADY, "an acquire of policy %u is under way", ask->policy_id);
	if (r == 0 && q->n == ACQUIRES_MAX)
		r = err_set(e, -ENOSPC, "%d acquires are under way", ACQUIRES_MAX);
	if (r < 0) {
		q->n_refused++;
		return r;
	}
	q->a[q->n++] = (struct acquire){.id = ++q->last_id, .due_ms = now_ms + ACQUIRE_LIFE_MS, .ask = *ask};
	return 0;
}

const struct acquire *acquires_after(const struct acquires *q, uint64_t id)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].id > id)
			return &q->a[i];
	return NULL;
}

int acquires_take_expired(struct acquires *q, uint64_t now_ms, struct acquire *ret)
{
	if (!q->n || q->a[0].due_ms > now_ms)
		return 0;
	take_at(q, 0, ret);
	q->n_expired++;
	return 1;
}

int acquires_take_done(struct acquires *q, uint64_t id, bool ok, struct acquire *ret)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].id == id) {
			take_at(q, i, ret);
			q->n_done += ok;
			q->n_failed += !ok;
			return 1;
		}
	return 0;
}

int acquires_take_of(struct acquires *q, const void *who, struct acquire *ret)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].ask.who == who) {
			take_at(q, i, ret);
			return 1;
		}
	return 0;
}

uint64_t acquires_next_ms(const struct acquires *q)
{
	return q->n ? q->a[0].due_ms : UINT64_MAX;
}
