/*
 * keyd's admin edge.
 */
#include <errno.h>

#include "base/auto.h"
#include "cli/ike/ike.h"
#include "ipc/model_ike_row.h"

#include "datapathd_admin.pb-c.h"

enum { CAP = 64 * 1024, GRACE_MS = 5000 };

static int unreadable(struct err_text *e)
{
	return err_set(e, -EBADMSG, "keyd's answer cannot be read: are ipsecctl and keyd of one release?");
}

static int take_row(const struct ipc_record *rec, ike_row_fn fn, void *arg, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	AUTO_FREE struct model_ike_row *row = malloc(sizeof(*row));
	int r;

	m = rec->type == IPC_IKE_ROW ? ipc_unpack(&postern__ike_row__descriptor, rec, CAP) : NULL;
	if (!m || !row)
		return unreadable(e);
	r = model_ike_row_decode((const Postern__IkeRow *)m, row, e);
	if (r < 0 || (!row->row.sa && !row->row.child && !row->row.kept && !row->row.also))
		return r;
	return fn(arg, &row->row);
}

int ike_each_row(struct ipc_sync *keyd, ike_row_fn fn, void *arg, struct err_text *e)
{
	struct ipc_record rec;
	int r = ipc_sync_call(keyd, IPC_IKE_DUMP, NULL, &rec, e);

	while (r == 0) {
		r = take_row(&rec, fn, arg, e);
		if (r != 0 || (rec.flags & IPC_F_END))
			return r;
		r = ipc_sync_recv(keyd, CLI_TIMEOUT_MS, &rec, e);
	}
	return r;
}

int ike_find(struct ipc_sync *keyd, const char *name, struct inet_addr *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	Postern__IkeFind find = POSTERN__IKE_FIND__INIT;
	struct ipc_record rec;
	int r;

	find.name = (char *)(uintptr_t)name;
	r = ipc_sync_call(keyd, IPC_IKE_FIND, &find.base, &rec, e);
	if (r < 0)
		return r;
	m = rec.type == IPC_IKE_FOUND ? ipc_unpack(&postern__ike_found__descriptor, &rec, CAP) : NULL;
	if (!m)
		return unreadable(e);
	return model_addr_decode(((const Postern__IkeFound *)m)->addr, true, ret, e);
}

int ike_up(struct ipc_sync *keyd, const struct inet_addr *local, const struct inet_addr *remote,
    const struct policy *p, uint32_t wait_ms, ike_row_fn fn, void *arg, struct err_text *e)
{
	Postern__IkeUp m = POSTERN__IKE_UP__INIT;
	struct model_policy_pb policy;
	Postern__Addr l, r;
	struct ipc_record rec;
	uint32_t id;
	int result;

	model_addr_encode(local, &l);
	model_addr_encode(remote, &r);
	m.local = &l;
	m.remote = &r;
	m.wait_ms = wait_ms;
	if (p) {
		model_policy_encode(p, &policy);
		m.policy = &policy.m;
	}
	result = ipc_sync_send(keyd, IPC_IKE_UP, &m.base, &id, e);
	if (result == 0)
		result = ipc_sync_recv(keyd, wait_ms + GRACE_MS, &rec, e);
	if (result < 0)
		return result;
	if (rec.type == IPC_ERROR)
		return ipc_error_decode(&rec, e);
	return take_row(&rec, fn, arg, e);
}

static int ask_of(struct ipc_sync *keyd, uint16_t type, const struct ike_row_filter *f,
    struct ike_row_ended *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	const Postern__IkeEnded *n;
	struct model_ike_end_pb pb;
	struct ipc_record rec;
	int r;

	model_ike_end_encode(f, &pb);
	r = ipc_sync_call(keyd, type, &pb.m.base, &rec, e);
	if (r < 0)
		return r;
	m = rec.type == IPC_IKE_ENDED ? ipc_unpack(&postern__ike_ended__descriptor, &rec, CAP) : NULL;
	n = (const Postern__IkeEnded *)m;
	if (!n)
		return unreadable(e);
	*ret = (struct ike_row_ended){
	    .n_sas = n->sas, .n_children = n->children, .n_untold = n->untold, .n_held = n->held};
	return 0;
}

int ike_end(
    struct ipc_sync *keyd, const struct ike_row_filter *f, struct ike_row_ended *ret, struct err_text *e)
{
	return ask_of(keyd, IPC_IKE_END, f, ret, e);
}

int ike_renew(
    struct ipc_sync *keyd, const struct ike_row_filter *f, struct ike_row_ended *ret, struct err_text *e)
{
	return ask_of(keyd, IPC_IKE_RENEW, f, ret, e);
}

int ike_remove_sa(struct ipc_sync *datapathd, const struct sa_desc *d, struct err_text *e)
{
	Postern__SaDelete m = POSTERN__SA_DELETE__INIT;
	Postern__SaId id = POSTERN__SA_ID__INIT;
	Postern__Addr src, dst;
	struct ipc_record rec;

	model_addr_encode(&d->src, &src);
	model_addr_encode(&d->dst, &dst);
	id.src = &src;
	id.dst = &dst;
	id.proto = d->proto;
	id.spi = d->spi;
	m.id = &id;
	return ipc_sync_call(datapathd, IPC_SA_DELETE, &m.base, &rec, e);
}
