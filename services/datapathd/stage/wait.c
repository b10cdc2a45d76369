#include "datapathd/stage/wait.h"

#include <string.h>

#include "datapathd/spd/view.h"

_Static_assert((int)WAIT_PLACES <= (int)BATCH_MAX, "everybody must fit one batch");

static uint32_t of_policy(const struct wait_room *w, uint32_t policy_id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n; i++)
		n += w->place[i].policy_id == policy_id;
	return n;
}

bool wait_room_keep(struct wait_room *w, const struct pkt *p, uint64_t now_ms)
{
	uint64_t until_ms = p->wait_until_ms ? p->wait_until_ms : now_ms + WAIT_MS;
	struct wait_place *s = &w->place[w->n];

	if (!w->open || w->n == WAIT_PLACES || p->len > WAIT_LEN_MAX || now_ms >= until_ms ||
	    of_policy(w, p->rule->p.id) >= WAIT_PER_POLICY)
		return false;
	s->policy_id = p->rule->p.id;
	s->len = p->len;
	s->until_ms = until_ms;
	s->whole_again = p->whole_again;
	memcpy(s->data, p->data, p->len);
	w->n++;
	return true;
}

bool wait_room_due(struct wait_room *w, bool told, uint64_t now_ms)
{
	if (!w->n || (!told && now_ms < w->look_ms))
		return false;
	w->look_ms = now_ms + WAIT_LOOK_MS;
	return true;
}

void wait_room_empty_into(struct wait_room *w, struct batch *b)
{
	for (b->n = 0; b->n < w->n; b->n++) {
		const struct wait_place *s = &w->place[b->n];
		struct pkt *p = batch_slot(b, b->n);

		memcpy(p->data, s->data, s->len);
		p->len = s->len;
		p->wait_until_ms = s->until_ms;
		p->whole_again = s->whole_again;
	}
	w->n = 0;
}
