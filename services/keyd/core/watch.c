#include "keyd/core/watch.h"

#include <errno.h>
#include <stdlib.h>

struct watch {
	struct list node;
	const void *what;
	uint64_t token;
};

static void forget(struct core *c, struct watch *w)
{
	list_remove(&w->node);
	c->n_watches--;
	free(w);
}

int watch_add(struct core *c, const void *what, uint64_t token)
{
	struct watch *w;

	if (!token)
		return 0;
	w = c->n_watches < WATCHES_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return c->n_watches < WATCHES_MAX ? -ENOMEM : -EBUSY;
	w->what = what;
	w->token = token;
	list_init(&w->node);
	list_append(&c->watches, &w->node);
	c->n_watches++;
	return 0;
}

void watch_tell(struct core *c, const void *what, int result, const char *why)
{
	list_foreach_safe (w, next, &c->watches, struct watch, node) {
		uint64_t token = w->token;

		if (w->what != what)
			continue;
		forget(c, w);
		c->ports.up_done(c->ports.arg, token, result, why);
	}
}

void watch_fini(struct core *c)
{
	list_foreach_safe (w, next, &c->watches, struct watch, node)
		forget(c, w);
}
