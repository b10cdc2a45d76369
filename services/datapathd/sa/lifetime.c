/*
 * The worker enforces hard limits by itself, packet by packet; this scan gives the states their names, says
 * so, and cleans up. What was told is marked in SAD memory, so that a restart does not tell it again.
 */
#include "datapathd/sa/lifetime.h"

static bool over(uint64_t value, uint64_t limit)
{
	return limit && value >= limit;
}

static bool past(const struct sa *sa, uint64_t now_ms, bool hard)
{
	const struct sa_lifetime *l = &sa->desc.life;
	const struct sad_slot_run *r = &sa->slot->run;
	uint64_t age_s = now_ms > sa->facts.created_ms ? (now_ms - sa->facts.created_ms) / 1000 : 0;

	return over(age_s, hard ? l->hard_s : l->soft_s) ||
	       over(atomic_load(&r->bytes), hard ? l->hard_bytes : l->soft_bytes) ||
	       over(atomic_load(&r->packets), hard ? l->hard_packets : l->soft_packets);
}

static void tell_once(
    struct sa *sa, enum sad_told what, void (*told)(void *, const char *, const struct sa *), void *arg)
{
	uint32_t before = atomic_fetch_or(&sa->slot->run.told, what);

	if (told && !(before & what))
		told(arg, what == SAD_TOLD_HARD ? "sa.expire.hard" : "sa.expire.soft", sa);
}

void sad_age(struct sad *s, void (*told)(void *arg, const char *event, const struct sa *sa), void *arg)
{
	uint64_t now = clock_now_ms(s->clock);

	larvae_age(&s->larvae, now);
	list_foreach_safe (sa, tmp, &s->all, struct sa, link) {
		if (sa->dead_ms) {
			if (now - sa->dead_ms >= SAD_DEAD_KEEP_MS)
				sad_remove(s, sa, false);
			continue;
		}
		if (past(sa, now, true)) {
			tell_once(sa, SAD_TOLD_HARD, told, arg);
			sad_expire(s, sa);
		} else if (sad_sa_state(sa) == SA_MATURE && past(sa, now, false)) {
			atomic_store(&sa->slot->run.state, SA_DYING);
			tell_once(sa, SAD_TOLD_SOFT, told, arg);
		}
	}
}
