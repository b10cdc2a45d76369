/*
 * All lives are equally long, so appending keeps the array in order of expiry. The bound is small because an
 * acquire costs a negotiation once somebody answers.
 */
#include "policyd/acquires.h"

#include <errno.h>
#include <string.h>

static void remove_at(struct acquires *q, unsigned i)
{
	q->n--;
	memmove(&q->a[i], &q->a[i + 1], (q->n - i) * sizeof(q->a[0]));
}

int acquires_file(
    struct acquires *q, uint32_t policy_id, uint64_t seq, void *who, uint64_t now_ms, struct err_text *e)
{
	int r = 0;

	q->n_received++;
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].policy_id == policy_id)
			r = err_set(e, -EALREADY, "an acquire of policy %u is under way", policy_id);
	if (r == 0 && q->n == ACQUIRES_MAX)
		r = err_set(e, -ENOSPC, "%d acquires are under way", ACQUIRES_MAX);
	if (r < 0) {
		q->n_refused++;
		return r;
	}
	q->a[q->n++] = (struct acquire){
	    .policy_id = policy_id, .seq = seq, .due_ms = now_ms + ACQUIRE_LIFE_MS, .who = who};
	return 0;
}

int acquires_take_expired(struct acquires *q, uint64_t now_ms, struct acquire *ret)
{
	if (!q->n || q->a[0].due_ms > now_ms)
		return 0;
	*ret = q->a[0];
	remove_at(q, 0);
	q->n_expired++;
	return 1;
}

int acquires_take_of(struct acquires *q, const void *who, struct acquire *ret)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->a[i].who == who) {
			*ret = q->a[i];
			remove_at(q, i);
			return 1;
		}
	return 0;
}

uint64_t acquires_next_ms(const struct acquires *q)
{
	return q->n ? q->a[0].due_ms : UINT64_MAX;
}
