/*
 * A list that is gone through: it is asked when an IKE SA comes or goes.
 */
#include "hooks/table.h"

#include <errno.h>
#include <string.h>

struct hook_table *hook_table_new(void)
{
	return calloc(1, sizeof(struct hook_table));
}

struct hook_table *hook_table_free(struct hook_table *t)
{
	for (uint32_t i = 0; t && i < t->n; i++) {
		free(t->file[i].path);
		free(t->file[i].place);
	}
	if (t)
		free(t->file);
	free(t);
	return NULL;
}

static const struct hook_file *find(const struct hook_table *t, uint32_t peer, enum ike_hook hook)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->file[i].peer == peer && t->file[i].hook == hook)
			return &t->file[i];
	return NULL;
}

static int make_room(struct hook_table *t)
{
	uint32_t room = t->room ? 2 * t->room : 8;
	struct hook_file *file;

	if (t->n < t->room)
		return 0;
	if (t->n == HOOKS_MAX)
		return -ENOSPC;
	file = realloc(t->file, room * sizeof(*file));
	if (!file)
		return -ENOMEM;
	t->file = file;
	t->room = room;
	return 0;
}

int hook_table_add(
    struct hook_table *t, uint32_t peer, enum ike_hook hook, const char *path, const char *place)
{
	struct hook_file f = {.peer = peer, .hook = hook};
	int r = find(t, peer, hook) ? -EEXIST : make_room(t);

	if (r < 0)
		return r;
	f.path = strdup(path);
	f.place = strdup(place);
	if (!f.path || !f.place) {
		free(f.path);
		free(f.place);
		return -ENOMEM;
	}
	t->file[t->n++] = f;
	return 0;
}

const struct hook_file *hook_table_find(
    const struct hook_table *t, uint64_t generation, uint32_t peer, enum ike_hook hook)
{
	return t && t->generation == generation ? find(t, peer, hook) : NULL;
}
