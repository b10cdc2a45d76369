#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ike/ike.h"

void ike_rows_fini(struct ike_rows *r)
{
	free(r->sa);
	free(r->child);
	*r = (struct ike_rows){0};
}

static int grow(void **list, uint32_t *room, uint32_t n, size_t size)
{
	uint32_t more = *room ? 2 * *room : 16;
	void *p;

	if (n < *room)
		return 0;
	p = reallocarray(*list, more, size);
	if (!p)
		return -ENOMEM;
	*list = p;
	*room = more;
	return 0;
}

int ike_rows_add_sa(struct ike_rows *r, const struct ike_sa_view *v)
{
	int e = grow((void **)&r->sa, &r->sa_room, r->n_sas, sizeof(*v));

	if (e == 0)
		r->sa[r->n_sas++] = *v;
	return e;
}

int ike_rows_add_child(struct ike_rows *r, const struct ike_child_view *v)
{
	int e = grow((void **)&r->child, &r->child_room, r->n_children, sizeof(*v));

	if (e == 0)
		r->child[r->n_children++] = *v;
	return e;
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_sas(const void *x, const void *y)
{
	const struct ike_sa_view *a = x, *b = y;
	int d = inet_addr_cmp(&a->remote, &b->remote);

	return d ? d : by_number(a->number, b->number);
}

static int compare_children(const void *x, const void *y)
{
	const struct ike_child_view *a = x, *b = y;
	int d = inet_addr_cmp(&a->remote, &b->remote);

	return d ? d : by_number(a->number, b->number);
}

void ike_rows_sort(struct ike_rows *r)
{
	if (r->n_sas)
		qsort(r->sa, r->n_sas, sizeof(*r->sa), compare_sas);
	if (r->n_children)
		qsort(r->child, r->n_children, sizeof(*r->child), compare_children);
}

const struct ike_sa_view *ike_rows_parent(const struct ike_rows *r, const struct ike_child_view *k)
{
	const struct ike_sa_view *best = NULL;

	for (uint32_t i = 0; i < r->n_sas; i++) {
		const struct ike_sa_view *v = &r->sa[i];

		if (v->version == k->version && inet_addr_equal(&v->remote, &k->remote) &&
		    inet_addr_equal(&v->local, &k->local) && (!best || v->state >= best->state))
			best = v;
	}
	return best;
}
