/*
 * Rows are large structs, so they are made in one static place: keyd has one thread, and a row is sent before
 * the next is made.
 */
#include "keyd/edges/admin.h"

#include <errno.h>
#include <string.h>

#include "ipc/model_ike_view.h"

#include "keyd_admin.pb-c.h"

enum { CAP = 32 << 10 };

static struct {
	union {
		struct ike_sa_view sa[CORE_VIEW_MAX];
		struct ike_child_view child[CORE_VIEW_MAX];
	} view;
	union {
		struct model_ike_sa_view_pb sa[CORE_VIEW_MAX];
		struct model_ike_child_view_pb child[CORE_VIEW_MAX];
	} pb;
	union {
		Postern__IkeSaView *sa[CORE_VIEW_MAX];
		Postern__IkeChildView *child[CORE_VIEW_MAX];
	} list;
} page;

static void fill_sas(const struct core *core, struct admin_show *at, Postern__IkeShowRow *m)
{
	uint32_t n = core_view_sas(core, at->after, page.view.sa, CORE_VIEW_MAX);

	for (uint32_t i = 0; i < n; i++) {
		model_ike_sa_view_encode(&page.view.sa[i], &page.pb.sa[i]);
		page.list.sa[i] = &page.pb.sa[i].m;
	}
	m->sas = page.list.sa;
	m->n_sas = n;
	if (n)
		at->after = page.view.sa[n - 1].number;
}

static void fill_children(const struct core *core, struct admin_show *at, Postern__IkeShowRow *m)
{
	uint32_t n = at->kind == ADMIN_SHOW_CHILDREN
	                 ? core_view_children(core, at->after, page.view.child, CORE_VIEW_MAX)
	                 : core_view_coming(core, at->after, page.view.child, CORE_VIEW_MAX);

	for (uint32_t i = 0; i < n; i++) {
		model_ike_child_view_encode(&page.view.child[i], &page.pb.child[i]);
		page.list.child[i] = &page.pb.child[i].m;
	}
	m->children = page.list.child;
	m->n_children = n;
	if (n)
		at->after = page.view.child[n - 1].number;
}

int admin_send_row(
    struct ipc_conn *c, uint32_t rec_id, uint32_t row, const struct core *core, struct admin_show *at)
{
	Postern__IkeShowRow m = POSTERN__IKE_SHOW_ROW__INIT;
	int r;

	while (at->kind != ADMIN_SHOW_END && !m.n_sas && !m.n_children) {
		if (at->kind == ADMIN_SHOW_SAS)
			fill_sas(core, at, &m);
		else
			fill_children(core, at, &m);
		if (!m.n_sas && !m.n_children) {
			at->kind++;
			at->after = 0;
		}
	}
	r = ipc_conn_send_row(c, IPC_IKE_SHOW_ROW, rec_id, row, at->kind == ADMIN_SHOW_END, &m.base);
	return r < 0 ? r : at->kind != ADMIN_SHOW_END;
}

int admin_up_decode(const struct ipc_record *rec, struct admin_up *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__ike_up__descriptor, rec, CAP);
	const Postern__IkeUp *m = (const Postern__IkeUp *)u;
	int r;

	*ret = (struct admin_up){.path = {.local_port = IKE_PORT, .remote_port = IKE_PORT}};
	if (!m)
		return -EBADMSG;
	r = model_addr_decode(m->local, false, &ret->path.local, e);
	if (r == 0)
		r = model_addr_decode(m->remote, false, &ret->path.remote, e);
	if (r == 0 && ret->path.local.family != ret->path.remote.family)
		r = err_set(e, -EINVAL, "addresses of two families");
	ret->has_policy = m->policy != NULL;
	ret->no_wait = m->no_wait;
	if (r == 0 && m->policy)
		r = model_policy_decode(m->policy, &ret->policy, e);
	if (r == 0 && m->policy && (ret->policy.dir != POLICY_OUT || !ret->policy.n_requests))
		r = err_set(e, -EINVAL, "the policy is not outbound, or protects nothing");
	return r;
}

int admin_send_up(struct ipc_conn *c, uint32_t rec_id, bool already)
{
	Postern__IkeUpDone m = POSTERN__IKE_UP_DONE__INIT;

	m.already = already;
	return ipc_conn_send(c, IPC_IKE_UP_DONE, rec_id, &m.base);
}

int admin_delete_decode(const struct ipc_record *rec, struct ike_filter *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__ike_delete__descriptor, rec, CAP);
	const Postern__IkeDelete *m = (const Postern__IkeDelete *)u;

	return m ? model_ike_filter_decode(m, ret, e) : -EBADMSG;
}

int admin_send_ended(struct ipc_conn *c, uint32_t rec_id, const struct core_ended *n)
{
	Postern__IkeDeleted m = POSTERN__IKE_DELETED__INIT;

	m.sas = n->sas;
	m.children = n->children;
	return ipc_conn_send(c, IPC_IKE_DELETED, rec_id, &m.base);
}

int admin_find_decode(const struct ipc_record *rec, char *ret, size_t room)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__ike_find__descriptor, rec, CAP);
	const Postern__IkeFind *m = (const Postern__IkeFind *)u;

	if (!m || strlen(m->name) >= room)
		return -EBADMSG;
	memcpy(ret, m->name, strlen(m->name) + 1);
	return 0;
}

int admin_send_found(struct ipc_conn *c, uint32_t rec_id, const struct inet_addr *a)
{
	Postern__IkeFound m = POSTERN__IKE_FOUND__INIT;
	Postern__Addr addr;

	model_addr_encode(a, &addr);
	m.addr = &addr;
	return ipc_conn_send(c, IPC_IKE_FOUND, rec_id, &m.base);
}
