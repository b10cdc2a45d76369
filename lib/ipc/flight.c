/*
 * An array in order of arrival: answers leave in nearly that order, so the search ends at once, and the
 * permission table's in-flight limits keep the array short.
 */
#include "ipc/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 };

void ipc_flight_fini(struct ipc_flight *f)
{
	free(f->v);
	*f = (struct ipc_flight){0};
}

size_t ipc_flight_count(const struct ipc_flight *f, uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].type == type;
	return n;
}

static size_t find(const struct ipc_flight *f, uint32_t id)
{
	size_t i = 0;

	while (i < f->n && f->v[i].id != id)
		i++;
	return i;
}

int ipc_flight_add(struct ipc_flight *f, uint32_t id, uint16_t type)
{
	if (find(f, id) < f->n)
		return -EEXIST;
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : FIRST_ROOM;
		struct ipc_flight_item *v = realloc(f->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		f->v = v;
		f->room = room;
	}
	f->v[f->n++] = (struct ipc_flight_item){.id = id, .type = type};
	return 0;
}

void ipc_flight_release(struct ipc_flight *f, uint32_t id)
{
	size_t i = find(f, id);

	if (i == f->n)
		return;
	f->n--;
	memmove(&f->v[i], &f->v[i + 1], (f->n - i) * sizeof(*f->v));
}
