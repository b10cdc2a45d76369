#include "policyd/ike_load.h"

#include <errno.h>

void ike_load_forget(struct ike_load *l)
{
	ike_view_free(l->view);
	*l = (struct ike_load){0};
}

int ike_load_begin(struct ike_load *l, uint32_t n_peers, uint32_t n_children, struct err_text *e)
{
	ike_load_forget(l);
	if (n_peers > IKE_PEERS_MAX || n_children > IKE_CHILDREN_MAX)
		return err_set(e, -E2BIG, "%u peers and %u children: at most %d and %d are kept", n_peers,
		    n_children, IKE_PEERS_MAX, IKE_CHILDREN_MAX);
	l->view = ike_view_new(n_peers, n_children);
	if (!l->view)
		return err_set(e, -ENOMEM, "out of memory");
	l->n_peers = n_peers;
	l->n_children = n_children;
	return 0;
}

void ike_load_pool(struct ike_load *l, const struct inet_addr *first, const struct inet_addr *last)
{
	l->view->pool_first = *first;
	l->view->pool_last = *last;
}

void ike_load_bad_row(struct ike_load *l, uint32_t number, const struct err_text *why)
{
	l->prepared = false;
	if (!l->bad.s[0])
		(void)err_set(&l->bad, 0, "row %u: %s", number, why->s);
}

void ike_load_row(struct ike_load *l, uint32_t number, const struct ike_row *row)
{
	struct err_text e;
	int r = 0;

	l->prepared = false;
	if (!l->view)
		r = err_set(&e, -EINVAL, "no load was begun");
	else if (number != l->n_rows)
		r = err_set(&e, -EINVAL, "it comes when row %u is due", l->n_rows);
	else if (!row->is_peer && l->view->n_children == l->n_children)
		r = err_set(&e, -EINVAL, "there are more children than were announced");
	else if (!row->is_peer)
		r = ike_view_add_child(l->view, &row->child);
	else
		r = ike_view_add_peer(l->view, row->name, &row->addr, row->generate, row->asks);
	if (r == -ENOSPC)
		(void)err_set(&e, r, "there are more peers than were announced");
	if (r == -ENOMEM)
		(void)err_set(&e, r, "out of memory");
	if (r == 0 && row->is_peer)
		l->view->peer[l->view->n_peers - 1].block = row->block;
	if (r < 0)
		ike_load_bad_row(l, number, &e);
	else
		l->n_rows++;
}

int ike_load_prepare(struct ike_load *l, struct err_text *e)
{
	int r;

	if (l->bad.s[0])
		return err_set(e, -EINVAL, "%s", l->bad.s);
	if (!l->view)
		return err_set(e, -EINVAL, "no load was begun on this connection");
	if (l->view->n_peers != l->n_peers || l->view->n_children != l->n_children)
		return err_set(e, -EINVAL, "%u of %u peers and %u of %u children have come", l->view->n_peers,
		    l->n_peers, l->view->n_children, l->n_children);
	r = ike_view_sort(l->view);
	if (r < 0)
		return err_set(e, r, "out of memory");
	l->prepared = true;
	return 0;
}

int ike_load_take(struct ike_load *l, uint64_t generation, struct ike_view **ret, struct err_text *e)
{
	if (!l->prepared)
		return err_set(e, -EINVAL, "nothing is prepared on this connection: begin the load again");
	if (!generation)
		return err_set(e, -EINVAL, "a generation has a number other than 0");
	l->view->generation = generation;
	*ret = take_ptr(l->view);
	ike_load_forget(l);
	return 0;
}
