/*
 * The ids are the peer's to choose, and it has proved who it is: should it choose them to collide, it slows
 * down its own SA.
 */
#include "keyd/core/seen.h"

enum { FIRST_ROOM = 32 };

void seen_fini(struct seen *s)
{
	free(s->slot);
	*s = (struct seen){0};
}

static uint32_t place(const struct seen *s, uint32_t id)
{
	uint32_t at = id * 2654435761U & (s->room - 1);

	while (s->slot[at] && s->slot[at] != id)
		at = (at + 1) & (s->room - 1);
	return at;
}

bool seen_has(const struct seen *s, uint32_t id)
{
	return s->room && s->slot[place(s, id)] == id;
}

static bool grow(struct seen *s)
{
	struct seen bigger = {.room = s->room ? s->room * 2 : FIRST_ROOM};

	bigger.slot = calloc(bigger.room, sizeof(*bigger.slot));
	if (!bigger.slot)
		return false;
	for (uint32_t i = 0; i < s->room; i++)
		if (s->slot[i])
			bigger.slot[place(&bigger, s->slot[i])] = s->slot[i];
	bigger.n = s->n;
	seen_fini(s);
	*s = bigger;
	return true;
}

bool seen_add(struct seen *s, uint32_t id)
{
	uint32_t at;

	if (s->n >= SEEN_MAX || (s->n * 2 >= s->room && !grow(s)))
		return false;
	at = place(s, id);
	if (s->slot[at])
		return false;
	s->slot[at] = id;
	s->n++;
	return true;
}
