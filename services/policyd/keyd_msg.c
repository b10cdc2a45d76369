/*
 * keyd reads strangers' datagrams, so what it sends is taken as theirs: unpacked under a ceiling, every field
 * checked, and what policyd has no use for not looked at.
 */
#include "policyd/keyd_msg.h"

#include <errno.h>

#include "base/auto.h"
#include "ike_conf.pb-c.h"
#include "ipc/client.h"
#include "ipc/model.h"
#include "ipc/server.h"
#include "policyd_datapathd.pb-c.h"
#include "policyd_keyd.pb-c.h"

enum {
	UNPACK_SMALL = 1024,
	UNPACK_ASK = 4096,
	UNPACK_GRANT = 8192,
	UNPACK_MAKE = 8192,
	UNPACK_LOAD = 256 << 10
};
enum { SET_MAX = 32 /* bits of a set of algorithms */ };

#define AUTO_MSG AUTO(ipc_unpack_freep_)

int msg_match_decode(const struct ipc_record *rec, struct msg_match *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__policy_match__descriptor, rec, UNPACK_ASK);
	const Postern__PolicyMatch *q = (const Postern__PolicyMatch *)m;
	struct msg_match x = {.within = q && q->within};
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "not a question for a policy");
	r = model_selector_decode(q->out, &x.out, e);
	if (r == 0)
		r = model_addr_decode(q->local, false, &x.local, e);
	if (r == 0)
		r = model_addr_decode(q->remote, false, &x.remote, e);
	if (r == 0)
		*ret = x;
	return r;
}

int msg_send_match_reply(
    struct ipc_conn *c, uint32_t rec_id, const struct policy *out, const struct policy *in)
{
	Postern__PolicyMatchReply m = POSTERN__POLICY_MATCH_REPLY__INIT;
	struct model_policy_pb out_pb, in_pb;

	if (out) {
		model_policy_encode(out, &out_pb);
		m.out = &out_pb.m;
	}
	if (in) {
		model_policy_encode(in, &in_pb);
		m.in = &in_pb.m;
	}
	return ipc_conn_send(c, IPC_POLICY_MATCH_REPLY, rec_id, &m.base);
}

int msg_acquire_done_decode(const struct ipc_record *rec, uint64_t *ret_id, bool *ret_ok)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__acquire_done__descriptor, rec, UNPACK_SMALL);
	const Postern__AcquireDone *d = (const Postern__AcquireDone *)m;

	if (!m)
		return -EBADMSG;
	*ret_id = d->seq;
	*ret_ok = d->ok;
	return 0;
}

int msg_send_acquire_event(struct ipc_conn *c, const struct acquire *a, const struct policy *p)
{
	Postern__AcquireEvent m = POSTERN__ACQUIRE_EVENT__INIT;
	Postern__Addr src, dst;
	struct model_selector_pb packet;
	struct model_policy_pb policy;

	model_policy_encode(p, &policy);
	model_selector_encode(&a->ask.packet, &packet);
	model_addr_encode(&a->ask.src, &src);
	model_addr_encode(&a->ask.dst, &dst);
	m.seq = a->id;
	m.policy = &policy.m;
	m.packet = &packet.m;
	m.src = &src;
	m.dst = &dst;
	return ipc_conn_send(c, IPC_ACQUIRE_EVENT, 0, &m.base);
}

int msg_grant_ask_decode(const struct ipc_record *rec, struct msg_grant_ask *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__grant_ask__descriptor, rec, UNPACK_GRANT);
	const Postern__GrantAsk *q = (const Postern__GrantAsk *)m;
	int r;

	if (!m || q->ticket.len > sizeof(ret->ticket) || q->n_more_ids > SA_MORE_MAX ||
	    !sa_reqids_rise(q->more_ids, q->n_more_ids) ||
	    sa_reqids_have(q->more_ids, q->n_more_ids, q->policy_id))
		return err_set(e, -EBADMSG, "not a question for a grant");
	r = model_addr_decode(q->local, false, &ret->local, e);
	if (r == 0)
		r = model_addr_decode(q->remote, false, &ret->remote, e);
	if (r < 0)
		return r;
	if (q->ticket.len)
		memcpy(ret->ticket, q->ticket.data, q->ticket.len);
	ret->ticket_len = q->ticket.len;
	ret->policy_id = q->policy_id;
	ret->n_more = (uint16_t)q->n_more_ids;
	if (q->n_more_ids)
		memcpy(ret->more, q->more_ids, q->n_more_ids * sizeof(ret->more[0]));
	return 0;
}

int msg_send_grant_reply(struct ipc_conn *c, uint32_t rec_id, const struct grant *g)
{
	Postern__GrantReply m = POSTERN__GRANT_REPLY__INIT;

	m.grant = g->id;
	m.expires_ms = g->expires_ms;
	return ipc_conn_send(c, IPC_GRANT_REPLY, rec_id, &m.base);
}

int msg_grant_drop_decode(const struct ipc_record *rec, uint64_t *ret_id)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__grant_drop__descriptor, rec, UNPACK_SMALL);

	if (!m)
		return -EBADMSG;
	*ret_id = ((const Postern__GrantDrop *)m)->grant;
	return 0;
}

/* The numbers in a set. Number 0 is none of them: it is the absence of an algorithm, which stands for itself
 * with a cipher that needs none beside it. */
static size_t numbers_of(uint32_t set, uint32_t ret[SET_MAX])
{
	size_t n = 0;

	for (uint32_t i = 1; i < SET_MAX; i++)
		if (set >> i & 1)
			ret[n++] = i;
	return n;
}

/* The reqids of request i of all further policies, rising; two policies of root's may have the same. A
 * request without one has none in any of them. */
static size_t more_of(const struct grant_terms *t, uint8_t i, bool inbound, uint32_t ret[SA_MORE_MAX])
{
	size_t n = 0;

	for (uint16_t k = 0; k < t->n_more; k++) {
		uint32_t reqid = inbound ? t->more[k].reqid_in[i] : t->more[k].reqid_out[i];

		if (reqid)
			ret[n++] = reqid;
	}
	return sa_reqids_sort(ret, n);
}

struct more_pb {
	uint32_t out[GRANT_MORE_REQUESTS][SA_MORE_MAX], in[GRANT_MORE_REQUESTS][SA_MORE_MAX];
};

static void put_more(const struct grant_terms *t, uint8_t i, struct more_pb *pb, Postern__GrantRequest *ret)
{
	if (!t->n_more)
		return;
	ret->more_out = pb->out[i];
	ret->n_more_out = more_of(t, i, false, pb->out[i]);
	ret->more_in = pb->in[i];
	ret->n_more_in = more_of(t, i, true, pb->in[i]);
}

int msg_request_grant(struct ipc_client *c, const struct grant *g, uint32_t deadline_ms,
    void (*fn)(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg), void *arg)
{
	Postern__Grant m = POSTERN__GRANT__INIT;
	Postern__GrantRequest req[POLICY_REQUESTS_MAX], *req_p[POLICY_REQUESTS_MAX];
	Postern__Addr local, remote;
	uint32_t enc[SET_MAX], auth[SET_MAX];
	size_t n_enc = numbers_of(g->t.enc, enc), n_auth = numbers_of(g->t.auth, auth);
	struct more_pb more;

	for (uint8_t i = 0; i < g->t.n_requests; i++) {
		const struct grant_request *q = &g->t.req[i];

		req[i] = (Postern__GrantRequest)POSTERN__GRANT_REQUEST__INIT;
		req[i].proto = q->proto;
		req[i].mode = q->mode;
		req[i].reqid_out = q->reqid_out;
		req[i].reqid_in = q->reqid_in;
		put_more(&g->t, i, &more, &req[i]);
		req[i].enc = enc;
		req[i].auth = auth;
		req[i].n_enc = q->proto == IPSEC_ESP ? n_enc : 0;
		req[i].n_auth = q->proto == IPSEC_IPCOMP ? 0 : n_auth;
		req_p[i] = &req[i];
	}
	model_addr_encode(&g->t.local, &local);
	model_addr_encode(&g->t.remote, &remote);
	m.id = g->id;
	m.out_id = g->t.out_id;
	m.local = &local;
	m.remote = &remote;
	m.requests = req_p;
	m.n_requests = g->t.n_requests;
	m.expires_ms = g->expires_ms;
	return ipc_client_request(c, IPC_GRANT_PUT, &m.base, deadline_ms, fn, arg);
}

int msg_send_grant_gone(struct ipc_client *c, uint64_t id)
{
	Postern__GrantGone m = POSTERN__GRANT_GONE__INIT;

	m.id = id;
	return ipc_client_send_row(c, IPC_GRANT_GONE, 0, &m.base);
}

int msg_ok_decode(const struct ipc_record *rec, struct err_text *e)
{
	if (rec->type == IPC_OK)
		return 0;
	if (rec->type == IPC_ERROR)
		return ipc_error_decode(rec, e);
	return err_set(e, -EPROTO, "datapathd answered a grant with something else");
}

int msg_make_decode(const struct ipc_record *rec, struct msg_make *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__policy_make__descriptor, rec, UNPACK_MAKE);
	const Postern__PolicyMake *q = (const Postern__PolicyMake *)m;
	int r;

	if (!m || !q->out || q->ticket.len > sizeof(ret->ticket))
		return err_set(e, -EBADMSG, "not a question for a client's policy");
	r = model_policy_decode(q->out, &ret->out, e);
	if (r == 0)
		r = model_addr_decode(q->local, false, &ret->local, e);
	if (r == 0)
		r = model_addr_decode(q->remote, false, &ret->remote, e);
	if (r < 0)
		return r;
	if (q->ticket.len)
		memcpy(ret->ticket, q->ticket.data, q->ticket.len);
	ret->ticket_len = q->ticket.len;
	return 0;
}

int msg_policy_drop_decode(const struct ipc_record *rec, uint32_t *ret_id)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__policy_drop__descriptor, rec, UNPACK_SMALL);

	if (!m)
		return -EBADMSG;
	*ret_id = ((const Postern__PolicyDrop *)m)->policy_id;
	return 0;
}

static int pool_decode(const Postern__IkePool *m, struct msg_ike_begin *ret, struct err_text *e)
{
	struct ike_pool p = {.present = true, .size = m->size};
	int r = model_addr_decode(m->network4, true, &p.network4, e);

	if (r < 0)
		return r;
	if (m->size > IKE_POOL_MAX)
		return err_set(e, -EINVAL, "a pool of %u addresses", m->size);
	ret->pool_first = ike_pool_at(&p, 0);
	ret->pool_last = ike_pool_at(&p, p.size ? p.size - 1 : 0);
	/* It would begin anew behind the last address there is. */
	if (inet_addr_cmp(&ret->pool_first, &ret->pool_last) > 0)
		return err_set(e, -EINVAL, "a pool that ends before it begins");
	return 0;
}

int msg_ike_begin_decode(const struct ipc_record *rec, struct msg_ike_begin *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__ike_load_begin__descriptor, rec, UNPACK_LOAD);
	const Postern__IkeLoadBegin *b = (const Postern__IkeLoadBegin *)m;

	if (!m)
		return -EBADMSG;
	*ret = (struct msg_ike_begin){.n_peers = b->n_peers, .n_children = b->n_children};
	return b->pool ? pool_decode(b->pool, ret, e) : 0;
}

static int peer_decode(const Postern__IkePeer *m, struct ike_row *ret, struct err_text *e)
{
	size_t n = strlen(m->name);

	if (n > IKE_CONF_TEXT_MAX)
		return err_set(e, -EBADMSG, "a peer with a name of %zu octets", n);
	if (m->generate > IKE_GENERATE_UNIQUE)
		return err_set(e, -EBADMSG, "a peer with generate_policy %u", m->generate);
	memcpy(ret->name, m->name, n + 1);
	ret->is_peer = true;
	ret->generate = (enum ike_generate)m->generate;
	ret->block = m->block;
	ret->asks = m->n_offers;
	for (size_t i = 0; i < m->n_offers; i++)
		ret->asks &= ike_auth_asks(m->offers[i]->auth);
	return model_addr_decode(m->addr, true, &ret->addr, e);
}

static int side_decode(const Postern__IkeSide *m, struct ike_view_side *ret, struct err_text *e)
{
	struct inet_prefix net;
	int r;

	if (!m || m->kind == IKE_SIDE_NONE || m->kind > IKE_SIDE_NAME)
		return err_set(e, -EINVAL, "a child without a side, or with one of no known kind");
	ret->kind = (enum ike_side_kind)m->kind;
	ret->proto = (uint16_t)m->proto;
	ret->port = (uint16_t)m->port;
	if (m->kind != IKE_SIDE_HOST && m->kind != IKE_SIDE_NET && m->kind != IKE_SIDE_RANGE)
		return 0;
	r = model_addr_decode(m->first, false, &ret->first, e);
	ret->last = ret->first;
	if (r == 0 && m->kind == IKE_SIDE_RANGE)
		r = model_addr_decode(m->last, false, &ret->last, e);
	if (r < 0 || m->kind != IKE_SIDE_NET)
		return r;
	if (m->plen > inet_addr_bits(&ret->first))
		return err_set(e, -EINVAL, "a child with a prefix length of %u", m->plen);
	net = (struct inet_prefix){.addr = ret->first, .plen = (uint8_t)m->plen};
	ret->first = inet_prefix_first(&net);
	ret->last = inet_prefix_last(&net);
	return 0;
}

static int sides_decode(const Postern__IkeChild *m, struct ike_view_child *ret, struct err_text *e)
{
	int r = side_decode(m->local, &ret->local, e);

	return r < 0 ? r : side_decode(m->remote, &ret->remote, e);
}

static int child_decode(const Postern__IkeChild *m, struct ike_row *ret, struct err_text *e)
{
	if (m->n_enc > IKE_ALGS_MAX || m->n_auth > IKE_ALGS_MAX)
		return err_set(e, -EBADMSG, "a child with %zu ciphers and %zu integrity algorithms", m->n_enc,
		    m->n_auth);
	for (size_t i = 0; i < m->n_enc; i++) {
		if (m->enc[i]->id >= SET_MAX || !alg_enc_by_id(m->enc[i]->id))
			return err_set(e, -EINVAL, "cipher %u of a child is not known", m->enc[i]->id);
		ret->child.enc |= UINT32_C(1) << m->enc[i]->id;
	}
	for (size_t i = 0; i < m->n_auth; i++) {
		uint32_t id = m->auth[i]->id;

		if (id >= SET_MAX || (id != ALG_AUTH_NONE && !alg_auth_by_id(id)))
			return err_set(e, -EINVAL, "integrity algorithm %u of a child is not known", id);
		ret->child.auth |= UINT32_C(1) << id;
	}
	return sides_decode(m, &ret->child, e);
}

int msg_ike_row_decode(const struct ipc_record *rec, struct ike_row *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__ike_load_row__descriptor, rec, UNPACK_LOAD);
	const Postern__IkeLoadRow *row = (const Postern__IkeLoadRow *)m;

	if (!m || !row->peer == !row->child)
		return err_set(e, -EBADMSG, "not a row with one peer or one child");
	*ret = (struct ike_row){0};
	return row->peer ? peer_decode(row->peer, ret, e) : child_decode(row->child, ret, e);
}

int msg_ike_commit_decode(const struct ipc_record *rec, uint64_t *ret_generation)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__ike_load_commit__descriptor, rec, UNPACK_SMALL);

	if (!m)
		return -EBADMSG;
	*ret_generation = ((const Postern__IkeLoadCommit *)m)->generation;
	return 0;
}
