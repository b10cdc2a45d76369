/*
 * A plain array: a few hundred names at most, read once per run.
 */
#include "cli/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void counters_init(struct counters *c)
{
	memset(c, 0, sizeof(*c));
}

void counters_fini(struct counters *c)
{
	free(c->v);
	counters_init(c);
}

static struct counter *find(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].name, name) == 0)
			return &c->v[i];
	return NULL;
}

static int grow(struct counters *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	struct counter *v = (struct counter *)reallocarray(c->v, room, sizeof(*v));

	if (!v)
		return -ENOMEM;
	c->v = v;
	c->room = room;
	return 0;
}

int counters_add(struct counters *c, const char *name, uint64_t value)
{
	struct counter *at = find(c, name);
	size_t len = strlen(name);

	if (at) {
		at->value += value;
		return 0;
	}
	if (len >= COUNTER_NAME_MAX || c->n >= COUNTERS_MAX)
		return -E2BIG;
	if (c->n == c->room && grow(c) < 0)
		return -ENOMEM;
	at = &c->v[c->n++];
	memcpy(at->name, name, len + 1);
	at->value = value;
	return 0;
}

uint64_t counters_get(const struct counters *c, const char *name)
{
	const struct counter *at = find(c, name);

	return at ? at->value : 0;
}
