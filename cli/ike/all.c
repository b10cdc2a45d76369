/*
 * Printing groups rows by peer, so all of them are needed at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ike/ike.h"

/* Room for one more. */
static bool grow(void **p, size_t *room, size_t n, size_t size)
{
	size_t more = *room ? *room * 2 : 16;
	void *q;

	if (n < *room)
		return true;
	q = reallocarray(*p, more, size);
	if (!q)
		return false;
	*p = q;
	*room = more;
	return true;
}

static int add_sa(struct ike_rows *r, const struct ike_row_sa *sa)
{
	char *detail = strdup(sa->detail), *name = strdup(sa->name);

	if (!detail || !name || !grow((void **)&r->sa, &r->room_sas, r->n_sas, sizeof(*sa))) {
		free(detail);
		free(name);
		return -ENOMEM;
	}
	r->sa[r->n_sas] = *sa;
	r->sa[r->n_sas].detail = detail;
	r->sa[r->n_sas++].name = name;
	return 0;
}

static int add_kept(struct ike_rows *r, const struct ike_row_kept *k)
{
	char *why = strdup(k->why), *name = strdup(k->name);

	if (!why || !name || !grow((void **)&r->kept, &r->room_kept, r->n_kept, sizeof(*k))) {
		free(why);
		free(name);
		return -ENOMEM;
	}
	r->kept[r->n_kept] = *k;
	r->kept[r->n_kept].why = why;
	r->kept[r->n_kept++].name = name;
	return 0;
}

static int add_also(struct ike_rows *r, const struct ike_row_also *a)
{
	if (!r->n_children)
		return 0;
	if (!grow((void **)&r->also, &r->room_also, r->n_also, sizeof(*r->also)))
		return -ENOMEM;
	r->also[r->n_also++] = (struct ike_rows_also){.child = r->n_children - 1, .row = *a};
	return 0;
}

const struct ike_rows_also *ike_rows_also_of(const struct ike_rows *r, size_t child, size_t *ret_n)
{
	size_t low = 0, high = r->n_also;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->also[middle].child < child)
			low = middle + 1;
		else
			high = middle;
	}
	while (high < r->n_also && r->also[high].child == child)
		high++;
	*ret_n = high - low;
	return r->also + low;
}

int ike_rows_add(struct ike_rows *r, const struct ike_row *row)
{
	char *detail;

	if (row->sa)
		return add_sa(r, row->sa);
	if (row->kept)
		return add_kept(r, row->kept);
	if (row->also)
		return add_also(r, row->also);
	detail = strdup(row->child->detail);
	if (!detail || !grow((void **)&r->child, &r->room_children, r->n_children, sizeof(*row->child))) {
		free(detail);
		return -ENOMEM;
	}
	r->child[r->n_children] = *row->child;
	r->child[r->n_children++].detail = detail;
	return 0;
}

static int add(void *arg, const struct ike_row *row)
{
	return ike_rows_add(arg, row);
}

int ike_rows_read(struct ipc_sync *keyd, struct ike_rows *ret, struct err_text *e)
{
	int r;

	*ret = (struct ike_rows){0};
	e->s[0] = '\0';
	r = ike_each_row(keyd, add, ret, e);
	return r == -ENOMEM ? err_set(e, r, "out of memory") : r;
}

void ike_rows_fini(struct ike_rows *r)
{
	for (size_t i = 0; i < r->n_sas; i++) {
		free((char *)(uintptr_t)r->sa[i].detail);
		free((char *)(uintptr_t)r->sa[i].name);
	}
	for (size_t i = 0; i < r->n_children; i++)
		free((char *)(uintptr_t)r->child[i].detail);
	for (size_t i = 0; i < r->n_kept; i++) {
		free((char *)(uintptr_t)r->kept[i].why);
		free((char *)(uintptr_t)r->kept[i].name);
	}
	free(r->sa);
	free(r->child);
	free(r->kept);
	free(r->also);
	*r = (struct ike_rows){0};
}
