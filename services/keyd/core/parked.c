/*
 * Numbers are never reused, so an answer that comes late finds nobody.
 */
#include "keyd/core/parked.h"

void parking_init(struct parking *lot)
{
	*lot = (struct parking){0};
	for (size_t i = 0; i < PARKED_BUCKETS; i++)
		list_init(&lot->bucket[i]);
}

uint64_t parking_enter(struct parking *lot, struct parked *p, parked_fn fn)
{
	p->token = ++lot->last;
	p->fn = fn;
	list_init(&p->node);
	list_append(&lot->bucket[p->token % PARKED_BUCKETS], &p->node);
	lot->n++;
	return p->token;
}

void parking_leave(struct parking *lot, struct parked *p)
{
	if (!p->token)
		return;
	list_remove(&p->node);
	p->token = 0;
	lot->n--;
}

bool parking_answer(struct parking *lot, uint64_t token, struct core_reply *r)
{
	list_foreach (p, &lot->bucket[token % PARKED_BUCKETS], struct parked, node) {
		if (p->token != token)
			continue;
		parking_leave(lot, p);
		p->fn(p, r);
		return true;
	}
	return false;
}
