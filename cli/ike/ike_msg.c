/*
 * Requests to keyd about its SAs, and the rows of its answers.
 */
#include <errno.h>

#include "cli/ike/ike.h"
#include "ipc/model_ike_view.h"

enum { CAP = 512 << 10 };

static const char unreadable[] = "keyd's answer cannot be read: are ipsecctl and keyd of one release?";

static int take_row(const struct ipc_record *rec, struct ike_rows *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_show_row__descriptor, rec, CAP);
	const Postern__IkeShowRow *m = (const Postern__IkeShowRow *)u;
	struct ike_child_view child;
	struct ike_sa_view sa;
	int r = 0;

	if (!m)
		return err_set(e, -EBADMSG, "%s", unreadable);
	for (size_t i = 0; r == 0 && i < m->n_sas; i++) {
		r = model_ike_sa_view_decode(m->sas[i], &sa, e);
		if (r == 0 && ike_rows_add_sa(ret, &sa) < 0)
			r = err_set(e, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; r == 0 && i < m->n_children; i++) {
		r = model_ike_child_view_decode(m->children[i], &child, e);
		if (r == 0 && ike_rows_add_child(ret, &child) < 0)
			r = err_set(e, -ENOMEM, "out of memory");
	}
	return r;
}

int ike_fetch(struct ipc_sync *keyd, struct ike_rows *ret, struct err_text *e)
{
	struct ipc_record rec;
	int r = ipc_sync_call(keyd, IPC_IKE_SHOW, NULL, &rec, e);

	while (r == 0) {
		if (rec.type != IPC_IKE_SHOW_ROW)
			return err_set(e, -EPROTO, "%s", unreadable);
		r = take_row(&rec, ret, e);
		if (r < 0 || (rec.flags & IPC_F_END))
			break;
		r = ipc_sync_recv(keyd, CLI_TIMEOUT_MS, &rec, e);
	}
	ike_rows_sort(ret);
	return r;
}

int ike_find(struct ipc_sync *keyd, const char *name, struct inet_addr *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = NULL;
	Postern__IkeFind m = POSTERN__IKE_FIND__INIT;
	const Postern__IkeFound *found;
	struct ipc_record rec;
	int r;

	m.name = (char *)(uintptr_t)name;
	r = ipc_sync_call(keyd, IPC_IKE_FIND, &m.base, &rec, e);
	if (r < 0)
		return r;
	u = rec.type == IPC_IKE_FOUND ? ipc_unpack(&postern__ike_found__descriptor, &rec, CAP) : NULL;
	found = (const Postern__IkeFound *)u;
	if (!found || model_addr_decode(found->addr, false, ret, e) < 0)
		return err_set(e, -EPROTO, "%s", unreadable);
	return 0;
}

/* An answer, or what became of it. */
static int wait_up(
    struct ipc_sync *keyd, uint32_t id, uint32_t timeout_ms, bool *ret_already, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = NULL;
	struct ipc_record rec;
	int r = ipc_sync_recv(keyd, timeout_ms, &rec, e);

	if (r < 0)
		return r;
	if (rec.type == IPC_ERROR)
		return ipc_error_decode(&rec, e);
	u = rec.type == IPC_IKE_UP_DONE && rec.id == id
	        ? ipc_unpack(&postern__ike_up_done__descriptor, &rec, CAP)
	        : NULL;
	if (!u)
		return err_set(e, -EPROTO, "%s", unreadable);
	*ret_already = ((const Postern__IkeUpDone *)u)->already;
	return 0;
}

int ike_up(struct ipc_sync *keyd, const struct inet_addr *local, const struct inet_addr *remote,
    const struct policy *p, uint32_t timeout_ms, bool *ret_already, struct err_text *e)
{
	Postern__IkeUp m = POSTERN__IKE_UP__INIT;
	struct model_policy_pb policy;
	Postern__Addr a, b;
	uint32_t id;
	int r;

	model_addr_encode(local, &a);
	model_addr_encode(remote, &b);
	m.local = &a;
	m.remote = &b;
	if (p) {
		model_policy_encode(p, &policy);
		m.policy = &policy.m;
	}
	m.no_wait = !timeout_ms;
	r = ipc_sync_send(keyd, IPC_IKE_UP, &m.base, &id, e);
	return r < 0 ? r : wait_up(keyd, id, timeout_ms ? timeout_ms : CLI_TIMEOUT_MS, ret_already, e);
}

int ike_delete(struct ipc_sync *keyd, const struct ike_filter *f, uint32_t *ret_sas, uint32_t *ret_children,
    struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = NULL;
	struct model_ike_filter_pb m;
	const Postern__IkeDeleted *done;
	struct ipc_record rec;
	int r;

	model_ike_filter_encode(f, &m);
	r = ipc_sync_call(keyd, IPC_IKE_DELETE, &m.m.base, &rec, e);
	if (r < 0)
		return r;
	u = rec.type == IPC_IKE_DELETED ? ipc_unpack(&postern__ike_deleted__descriptor, &rec, CAP) : NULL;
	done = (const Postern__IkeDeleted *)u;
	if (!done)
		return err_set(e, -EPROTO, "%s", unreadable);
	*ret_sas = done->sas;
	*ret_children = done->children;
	return 0;
}
