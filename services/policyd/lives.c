#include "policyd/lives.h"

#include <stdlib.h>

enum { STALE_MIN = 64 /* entries that may be outdated before the heap is made anew */ };

void lives_fini(struct lives *l)
{
	free(l->a);
	*l = (struct lives){0};
}

int64_t lives_end_ms(const struct spd_entry *x)
{
	const struct policy *p = &x->policy;
	int64_t used = x->used_ms > x->born_ms ? x->used_ms : x->born_ms, end = INT64_MAX;

	if (p->lifetime_s)
		end = x->born_ms + (int64_t)p->lifetime_s * 1000;
	if (p->validtime_s && used + (int64_t)p->validtime_s * 1000 < end)
		end = used + (int64_t)p->validtime_s * 1000;
	return end;
}

static void swap(struct life *a, struct life *b)
{
	const struct life t = *a;

	*a = *b;
	*b = t;
}

static void push(struct lives *l, const struct life *x)
{
	size_t i = l->n;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		struct life *a = reallocarray(l->a, room, sizeof(*a));

		if (!a) {
			l->stale = true;
			return;
		}
		l->a = a;
		l->room = room;
	}
	l->a[l->n++] = *x;
	for (; i && l->a[i].due_ms < l->a[(i - 1) / 2].due_ms; i = (i - 1) / 2)
		swap(&l->a[i], &l->a[(i - 1) / 2]);
}

static struct life pop(struct lives *l)
{
	const struct life first = l->a[0];

	l->a[0] = l->a[--l->n];
	for (size_t i = 0, least = 0;; i = least) {
		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < l->n; c++)
			if (l->a[c].due_ms < l->a[least].due_ms)
				least = c;
		if (least == i)
			return first;
		swap(&l->a[i], &l->a[least]);
	}
}

static void push_entry(struct lives *l, const struct spd_entry *x)
{
	const struct life e = {.due_ms = lives_end_ms(x), .id = x->policy.id};

	if (e.due_ms != INT64_MAX)
		push(l, &e);
}

void lives_rebuild(struct lives *l, const struct spd *spd)
{
	l->n = 0;
	l->stale = false;
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		for (const struct spd_entry *x = spd_first(spd, d); x; x = spd_next(spd, x))
			push_entry(l, x);
}

void lives_add(struct lives *l, const struct spd *spd, const struct spd_entry *x)
{
	/* Replaced policies leave their guess behind. */
	if (l->n > 2 * spd_count(spd, POLICY_DIR_NONE) + STALE_MIN)
		lives_rebuild(l, spd);
	else
		push_entry(l, x);
}

bool lives_take(struct lives *l, const struct spd *spd, uint64_t now_ms, uint32_t *ret_id)
{
	if (l->stale)
		lives_rebuild(l, spd);
	while (l->n && l->a[0].due_ms <= (int64_t)now_ms) {
		const struct life e = pop(l);
		const struct spd_entry *x = spd_find_id(spd, e.id);

		if (!x)
			continue;
		if (lives_end_ms(x) <= (int64_t)now_ms) {
			*ret_id = e.id;
			return true;
		}
		push_entry(l, x);
	}
	return false;
}

uint64_t lives_next_ms(const struct lives *l)
{
	enum { AGAIN_MS = 1000 };

	if (!l->n)
		return l->stale ? AGAIN_MS : UINT64_MAX;
	return l->a[0].due_ms > 0 ? (uint64_t)l->a[0].due_ms : 0;
}
