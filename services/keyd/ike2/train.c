/*
 * Each datagram has its length in front, in this machine's own form: nobody else reads it.
 */
#include "keyd/ike2/train.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ike2_train_fini(struct ike2_train *t)
{
	free(t->p);
	*t = (struct ike2_train){0};
}

int ike2_train_add(struct ike2_train *t, const uint8_t *d, uint32_t n)
{
	size_t need = t->n + sizeof(n) + n;
	uint8_t *p = need > t->room ? realloc(t->p, need) : t->p;

	if (!p)
		return -ENOMEM;
	t->p = p;
	t->room = need > t->room ? need : t->room;
	memcpy(t->p + t->n, &n, sizeof(n));
	memcpy(t->p + t->n + sizeof(n), d, n);
	t->n = need;
	return 0;
}

void ike2_train_send(const struct ike2_train *t, struct core *c, const struct ike_path *path)
{
	uint32_t n;

	for (size_t at = 0; at < t->n; at += sizeof(n) + n) {
		memcpy(&n, t->p + at, sizeof(n));
		c->ports.send(c->ports.arg, path, t->p + at + sizeof(n), n);
	}
}
