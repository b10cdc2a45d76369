/*
 * The edge to policyd.
 */
#include <errno.h>

#include "ipc/model.h"
#include "ipc/types.h"
#include "keyd/edges/policyd.h"

#include "policyd_keyd.pb-c.h"

enum { CAP = 16 << 10 };

int policyd_subscribe(struct ipc_client *c, ipc_reply_fn fn, void *arg)
{
	Postern__AcquireSubscribe m = POSTERN__ACQUIRE_SUBSCRIBE__INIT;

	return ipc_client_request(c, IPC_ACQUIRE_SUBSCRIBE, &m.base, POLICYD_DEADLINE_MS, fn, arg);
}

int policyd_ask_match(struct ipc_client *c, const struct selector *out, const struct ike_path *path,
    bool within, ipc_reply_fn fn, void *arg)
{
	Postern__PolicyMatch m = POSTERN__POLICY_MATCH__INIT;
	struct model_selector_pb sel;
	Postern__Addr local, remote;

	model_selector_encode(out, &sel);
	model_addr_encode(&path->local, &local);
	model_addr_encode(&path->remote, &remote);
	m.out = &sel.m;
	m.local = &local;
	m.remote = &remote;
	m.within = within;
	return ipc_client_request(c, IPC_POLICY_MATCH, &m.base, POLICYD_DEADLINE_MS, fn, arg);
}

int policyd_ask_grant(struct ipc_client *c, const struct core_grant *g, ipc_reply_fn fn, void *arg)
{
	Postern__GrantAsk m = POSTERN__GRANT_ASK__INIT;
	Postern__Addr local, remote;

	model_addr_encode(&g->path->local, &local);
	model_addr_encode(&g->path->remote, &remote);
	/* protobuf-c has no const; both are only read. */
	m.ticket = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)g->ticket, .len = g->n_ticket};
	m.policy_id = g->policy;
	m.more_ids = (uint32_t *)(uintptr_t)g->more;
	m.n_more_ids = g->n_more;
	m.local = &local;
	m.remote = &remote;
	return ipc_client_request(c, IPC_GRANT_ASK, &m.base, POLICYD_DEADLINE_MS, fn, arg);
}

int policyd_ask_make(struct ipc_client *c, const uint8_t *ticket, size_t n, const struct policy *out,
    const struct ike_path *path, ipc_reply_fn fn, void *arg)
{
	Postern__PolicyMake m = POSTERN__POLICY_MAKE__INIT;
	struct model_policy_pb policy;
	Postern__Addr local, remote;

	model_policy_encode(out, &policy);
	model_addr_encode(&path->local, &local);
	model_addr_encode(&path->remote, &remote);
	m.ticket = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)ticket, .len = n};
	m.out = &policy.m;
	m.local = &local;
	m.remote = &remote;
	return ipc_client_request(c, IPC_POLICY_MAKE, &m.base, POLICYD_DEADLINE_MS, fn, arg);
}

void policyd_drop_policy(struct ipc_client *c, uint32_t policy_id)
{
	Postern__PolicyDrop m = POSTERN__POLICY_DROP__INIT;

	m.policy_id = policy_id;
	(void)ipc_client_send_row(c, IPC_POLICY_DROP, 0, &m.base);
}

void policyd_drop_grant(struct ipc_client *c, uint64_t grant)
{
	Postern__GrantDrop m = POSTERN__GRANT_DROP__INIT;

	m.grant = grant;
	(void)ipc_client_send_row(c, IPC_GRANT_DROP, 0, &m.base);
}

void policyd_acquire_done(struct ipc_client *c, uint64_t seq, bool ok)
{
	Postern__AcquireDone m = POSTERN__ACQUIRE_DONE__INIT;

	m.seq = seq;
	m.ok = ok;
	(void)ipc_client_send_row(c, IPC_ACQUIRE_DONE, 0, &m.base);
}

int policyd_acquire_decode(const struct ipc_record *rec, struct core_acquire *ret, struct policy *ret_policy)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__acquire_event__descriptor, rec, CAP);
	const Postern__AcquireEvent *m = (const Postern__AcquireEvent *)u;
	struct core_acquire a = {0};
	struct err_text e;

	if (!m || model_policy_decode(m->policy, ret_policy, &e) < 0 ||
	    model_selector_decode(m->packet, &a.packet, &e) < 0 ||
	    model_addr_decode(m->src, false, &a.src, &e) < 0 ||
	    model_addr_decode(m->dst, false, &a.dst, &e) < 0)
		return -EBADMSG;
	a.seq = m->seq;
	a.policy = ret_policy;
	*ret = a;
	return 0;
}
