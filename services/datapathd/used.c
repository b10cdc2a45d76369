/*
 * A report is a walk over all rules, cut into pieces so that neither a large SPD nor a slow policyd makes the
 * control thread wait; what did not get through is told the next time.
 */
#include "datapathd/used.h"

#include "datapathd/datapathd.h"
#include "datapathd/datapathd_msg.h"

enum { EVERY_S = 5, RECORDS_A_TICK = 8 };

static uint64_t used_of(const struct spd_rule *r)
{
	return atomic_load_explicit(&r->last_used_ms, memory_order_relaxed);
}

/* One record from rule `at` on; where the next one begins. */
static uint32_t report_some(struct ipc_client *c, struct spd_view *v, uint32_t at, uint64_t now)
{
	uint32_t ids[MSG_USED_MAX], ages[MSG_USED_MAX], places[MSG_USED_MAX];
	uint64_t times[MSG_USED_MAX];
	size_t n = 0;

	for (; at < v->n_rules && n < MSG_USED_MAX; at++) {
		uint64_t used = used_of(v->rules[at]);

		if (!used || used == v->rules[at]->told_used_ms)
			continue;
		ids[n] = v->rules[at]->p.id;
		ages[n] = used < now ? (uint32_t)(now - used < UINT32_MAX ? now - used : UINT32_MAX) : 0;
		times[n] = used;
		places[n++] = at;
	}
	if (n && msg_used_send(c, ids, ages, n) < 0)
		return at;
	for (size_t i = 0; i < n; i++)
		v->rules[places[i]]->told_used_ms = times[i];
	return at;
}

void used_report(struct datapathd *d)
{
	struct spd_view *v = atomic_load(&d->view);
	struct ipc_client *c = acquirer_client(d->acquirer);
	struct used *u = &d->used;

	if (!v || !ipc_client_is_up(c))
		return;
	if (u->generation != v->generation)
		u->at = 0;
	u->generation = v->generation;
	if (!u->at && ++u->ticks < EVERY_S)
		return;
	u->ticks = 0;
	for (int i = 0; i < RECORDS_A_TICK && u->at < v->n_rules; i++)
		u->at = report_some(c, v, u->at, clock_now_ms(service_clock(d->service)));
	if (u->at == v->n_rules)
		u->at = 0;
}

void used_forget_told(struct spd_view *v)
{
	for (uint32_t i = 0; v && i < v->n_rules; i++)
		v->rules[i]->told_used_ms = 0;
}

void used_carry(const struct spd_view *from, struct spd_view *to)
{
	for (uint32_t i = 0; from && i < from->n_rules; i++) {
		uint64_t used = used_of(from->rules[i]);
		struct spd_rule *r = used ? spd_view_find(to, from->rules[i]->p.id) : NULL;

		if (!r)
			continue;
		atomic_store_explicit(&r->last_used_ms, used, memory_order_relaxed);
		r->told_used_ms = from->rules[i]->told_used_ms;
	}
}
