/*
 * Answers are told apart by the id of their request; what answers nothing that is waited for is left. A
 * refusal is news for the caller; everything else that can happen to a connection ends the run and is said
 * here.
 */
#include "cli/setkey/request.h"

#include <errno.h>

#include "base/auto.h"
#include "cli/setkey/trace.h"
#include "ipc/model.h"
#include "ipc/record.h"

#include "datapathd_admin.pb-c.h"
#include "policyd_admin.pb-c.h"

enum { ANSWER_CAP = 64 * 1024, PACK_ROOM = 4096 };

static int broken(struct session *s, enum session_peer peer, const struct err_text *e, int code)
{
	cli_fail(s->cli, "%s", e->s[0] ? e->s : err_name(code));
	s->peer[peer] = ipc_sync_close(s->peer[peer]);
	s->txn[peer] = false;
	return code;
}

/* -H: the bytes of a request. One with keys in it is not shown. */
static void trace_body(struct session *s, const ProtobufCMessage *body)
{
	uint8_t buf[PACK_ROOM];
	size_t n;

	if (!s->opt->hex || !body || body->descriptor == &postern__sa_add__descriptor)
		return;
	n = protobuf_c_message_get_packed_size(body);
	if (n <= sizeof(buf))
		trace_hex(s->cli->err, buf, protobuf_c_message_pack(body, buf));
}

/* How long policyd lets a barrier wait grows with the SPD; this is more than it can become. */
enum { BARRIER_TIMEOUT_MS = 60000 };

/* Waits for the answer to request `id`: `answer` or a refusal. */
static int await(
    struct session *s, enum session_peer peer, uint32_t id, enum ipc_type answer, struct ipc_record *ret)
{
	uint32_t patience = answer == IPC_SPD_BARRIER_DONE ? BARRIER_TIMEOUT_MS : CLI_TIMEOUT_MS;
	struct err_text e = {""};
	int r;

	/* Lost with its connection, and told then. */
	if (!s->peer[peer])
		return -ECONNRESET;
	do
		r = ipc_sync_recv(s->peer[peer], patience, ret, &e);
	while (r == 0 && ret->id != id);
	if (r < 0)
		return broken(s, peer, &e, r);
	if (ret->type == IPC_ERROR) {
		s->refusal = -ipc_error_decode(ret, &s->refusal_text);
		trace_refusal(s, peer);
		return SESSION_REFUSED;
	}
	if (ret->type == answer)
		return 0;
	err_set(&e, -EPROTO, "%s answered with record type %u: are ipsecctl and the services of one release?",
	    cli_services[peer == SESSION_POLICYD ? 0 : 1], ret->type);
	return broken(s, peer, &e, -EPROTO);
}

static int send_one(struct session *s, enum session_peer peer, enum ipc_type type,
    const ProtobufCMessage *body, uint32_t *ret_id)
{
	struct err_text e = {""};
	int r = session_open(s, peer);

	if (r < 0)
		return r;
	trace_body(s, body);
	r = ipc_sync_send(s->peer[peer], type, body, ret_id, &e);
	return r < 0 ? broken(s, peer, &e, r) : 0;
}

/* Sends, and fills *ret with the answer, which is `answer` or a refusal. */
static int call(struct session *s, enum session_peer peer, enum ipc_type type, const ProtobufCMessage *body,
    enum ipc_type answer, struct ipc_record *ret)
{
	uint32_t id;
	int r = send_one(s, peer, type, body, &id);

	return r < 0 ? r : await(s, peer, id, answer, ret);
}

static int post(struct session *s, enum session_peer peer, enum ipc_type type, const ProtobufCMessage *body)
{
	int r = send_one(s, peer, type, body, &s->sent[(s->first_sent + s->n_sent) % SESSION_WINDOW].id);

	s->n_sent += r == 0;
	return r;
}

static int sa_done(struct session *s, const struct ipc_record *rec, struct request_done *ret)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__sa_done__descriptor, rec, ANSWER_CAP);

	if (!m)
		return broken(
		    s, SESSION_DATAPATHD, &(struct err_text){"datapathd's answer cannot be read"}, -EBADMSG);
	ret->number = ((const Postern__SaDone *)m)->serial;
	ret->count = ((const Postern__SaDone *)m)->count;
	return 0;
}

static int spd_done(struct session *s, const struct ipc_record *rec, struct request_done *ret)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__spd_done__descriptor, rec, ANSWER_CAP);

	if (!m)
		return broken(
		    s, SESSION_POLICYD, &(struct err_text){"policyd's answer cannot be read"}, -EBADMSG);
	s->spd_changed = true;
	ret->number = ((const Postern__SpdDone *)m)->id;
	ret->version = ((const Postern__SpdDone *)m)->version;
	return 0;
}

int request_take(struct session *s, const struct session_sent *w, struct request_done *ret)
{
	bool spd = w->peer == SESSION_POLICYD;
	struct ipc_record rec;
	int r = await(s, w->peer, w->id, spd ? IPC_SPD_DONE : IPC_SA_DONE, &rec);

	if (r != 0)
		return r;
	return spd ? spd_done(s, &rec, ret) : sa_done(s, &rec, ret);
}

static int sa_call(
    struct session *s, enum ipc_type type, const ProtobufCMessage *body, struct request_done *ret)
{
	struct ipc_record rec;
	int r;

	if (s->posting)
		return post(s, SESSION_DATAPATHD, type, body);
	r = call(s, SESSION_DATAPATHD, type, body, IPC_SA_DONE, &rec);
	return r == 0 ? sa_done(s, &rec, ret) : r;
}

static int spd_call(
    struct session *s, enum ipc_type type, const ProtobufCMessage *body, struct request_done *ret)
{
	struct ipc_record rec;
	int r;

	if (s->posting)
		return post(s, SESSION_POLICYD, type, body);
	r = call(s, SESSION_POLICYD, type, body, IPC_SPD_DONE, &rec);
	return r == 0 ? spd_done(s, &rec, ret) : r;
}

int request_sa_add(struct session *s, const struct sa_desc *d, bool update, struct request_done *ret)
{
	Postern__SaAdd m = POSTERN__SA_ADD__INIT;
	struct model_sa_pb pb;

	model_sa_encode(d, true, &pb);
	m.sa = &pb.m;
	m.update = update;
	return sa_call(s, IPC_SA_ADD, &m.base, ret);
}

static void encode_id(const struct setkey_sa_id *id, Postern__SaId *ret, Postern__Addr ends[2])
{
	postern__sa_id__init(ret);
	model_addr_encode(&id->src, &ends[0]);
	model_addr_encode(&id->dst, &ends[1]);
	ret->src = &ends[0];
	ret->dst = &ends[1];
	ret->proto = id->proto;
	ret->spi = id->spi;
}

int request_sa_delete(struct session *s, const struct setkey_sa_id *id, bool all, struct request_done *ret)
{
	Postern__SaDelete m = POSTERN__SA_DELETE__INIT;
	Postern__Addr ends[2];
	Postern__SaId pb;

	encode_id(id, &pb, ends);
	m.id = &pb;
	m.all = all;
	return sa_call(s, IPC_SA_DELETE, &m.base, ret);
}

int request_sa_flush(struct session *s, uint32_t proto, struct request_done *ret)
{
	Postern__SaFlush m = POSTERN__SA_FLUSH__INIT;

	m.proto = proto;
	return sa_call(s, IPC_SA_FLUSH, &m.base, ret);
}

/* A request that is answered with one row. */
static int row_call(
    struct session *s, enum ipc_type type, const ProtobufCMessage *body, cli_sa_fn fn, void *arg)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	struct err_text e = {"datapathd's answer cannot be read"};
	struct ipc_record rec;
	struct sa_status status;
	struct sa_desc desc;
	int r = call(s, SESSION_DATAPATHD, type, body, IPC_SA_ROW, &rec);

	if (r != 0)
		return r;
	m = ipc_unpack(&postern__sa_row__descriptor, &rec, ANSWER_CAP);
	if (!m || model_sa_decode(((const Postern__SaRow *)m)->sa, true, &desc, &e) < 0 ||
	    model_sa_status_decode(((const Postern__SaRow *)m)->status, &status, &e) < 0)
		return broken(s, SESSION_DATAPATHD, &e, -EBADMSG);
	return fn(&desc, &status, arg);
}

int request_sa_get(struct session *s, const struct setkey_sa_id *id, cli_sa_fn fn, void *arg)
{
	Postern__SaGet get = POSTERN__SA_GET__INIT;
	Postern__Addr ends[2];
	Postern__SaId pb;

	encode_id(id, &pb, ends);
	get.id = &pb;
	return row_call(s, IPC_SA_GET, &get.base, fn, arg);
}

int request_sa_getspi(struct session *s, const struct setkey_sa_id *id, cli_sa_fn fn, void *arg)
{
	Postern__SaGetspi m = POSTERN__SA_GETSPI__INIT;
	Postern__Addr ends[2];
	Postern__SaId pb;

	encode_id(id, &pb, ends);
	m.id = &pb;
	return row_call(s, IPC_SA_GETSPI, &m.base, fn, arg);
}

int request_spd_put(struct session *s, const struct policy *p, bool update, struct request_done *ret)
{
	Postern__SpdPut m = POSTERN__SPD_PUT__INIT;
	struct model_policy_pb pb;

	model_policy_encode(p, &pb);
	m.policy = &pb.m;
	m.update = update;
	return spd_call(s, IPC_SPD_PUT, &m.base, ret);
}

int request_spd_put_before(
    struct session *s, const struct policy *p, uint32_t before, struct request_done *ret)
{
	Postern__SpdPut m = POSTERN__SPD_PUT__INIT;
	struct model_policy_pb pb;

	model_policy_encode(p, &pb);
	m.policy = &pb.m;
	m.before = before;
	return spd_call(s, IPC_SPD_PUT, &m.base, ret);
}

int request_spd_delete(struct session *s, const struct policy *p, struct request_done *ret)
{
	Postern__SpdDelete m = POSTERN__SPD_DELETE__INIT;
	struct model_selector_pb pb;

	model_selector_encode(&p->sel, &pb);
	m.dir = p->dir;
	m.selector = &pb.m;
	return spd_call(s, IPC_SPD_DELETE, &m.base, ret);
}

int request_spd_flush(struct session *s, struct request_done *ret)
{
	Postern__SpdFlush m = POSTERN__SPD_FLUSH__INIT;

	return spd_call(s, IPC_SPD_FLUSH, &m.base, ret);
}

int request_spd_barrier(struct session *s)
{
	Postern__SpdBarrier m = POSTERN__SPD_BARRIER__INIT;
	struct ipc_record rec;

	return call(s, SESSION_POLICYD, IPC_SPD_BARRIER, &m.base, IPC_SPD_BARRIER_DONE, &rec);
}

int request_plain(struct session *s, enum session_peer peer, enum ipc_type type)
{
	struct ipc_record rec;

	return call(s, peer, type, NULL, IPC_OK, &rec);
}
