/*
 * Decoding believes nothing: the record is unpacked with a ceiling, every field goes through lib/ipc's model
 * or is checked here, and only then does a handler see a plain struct.
 */
#include "policyd/policyd_msg.h"

#include <errno.h>

#include "base/auto.h"
#include "admin.pb-c.h"
#include "datapathd_policyd.pb-c.h"
#include "ipc/client.h"
#include "ipc/model.h"
#include "ipc/server.h"
#include "policyd_admin.pb-c.h"
#include "policyd_datapathd.pb-c.h"

enum { UNPACK_MAX = 8192, UNPACK_SMALL = 512, UNPACK_USED = 32768 };

#define AUTO_MSG AUTO(ipc_unpack_freep_)

int msg_put_decode(const struct ipc_record *rec, struct policy *ret, bool *ret_update, uint32_t *ret_before,
    struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__spd_put__descriptor, rec, UNPACK_MAX);
	const Postern__SpdPut *put = (const Postern__SpdPut *)m;
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "not a policy");
	r = model_policy_decode(put->policy, ret, e);
	if (r < 0)
		return r;
	*ret_update = put->update;
	*ret_before = put->before;
	return 0;
}

int msg_delete_decode(
    const struct ipc_record *rec, enum policy_dir *ret_dir, struct selector *ret_sel, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__spd_delete__descriptor, rec, UNPACK_MAX);
	const Postern__SpdDelete *del = (const Postern__SpdDelete *)m;
	const char *why;
	int r;

	if (!m || del->dir < POLICY_IN || del->dir > POLICY_FWD)
		return err_set(e, -EBADMSG, "not a policy's direction and selector");
	r = model_selector_decode(del->selector, ret_sel, e);
	if (r < 0)
		return r;
	r = selector_check(ret_sel, &why);
	if (r < 0)
		return err_set(e, r, "%s", why);
	*ret_dir = (enum policy_dir)del->dir;
	return 0;
}

int msg_barrier_decode(const struct ipc_record *rec, uint64_t *ret_version)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__spd_barrier__descriptor, rec, UNPACK_SMALL);

	if (!m)
		return -EBADMSG;
	*ret_version = ((const Postern__SpdBarrier *)m)->version;
	return 0;
}

int msg_enable_decode(const struct ipc_record *rec, bool *ret_on)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__enable_set__descriptor, rec, UNPACK_SMALL);

	if (!m)
		return -EBADMSG;
	*ret_on = ((const Postern__EnableSet *)m)->on;
	return 0;
}

int msg_deflev_decode(const struct ipc_record *rec, struct policy_deflev *d, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__setting_set__descriptor, rec, UNPACK_SMALL);
	const Postern__SettingSet *set = (const Postern__SettingSet *)m;
	int r;

	if (!set)
		return -EBADMSG;
	r = policy_deflev_set(d, set->name, set->value);
	if (r == -ENOENT)
		return err_set(e, -EINVAL,
		    "there is no setting of that name; policyd has esp_trans_deflev, esp_net_deflev, "
		    "ah_trans_deflev and ah_net_deflev");
	return r < 0 ? err_set(e, r, "a default level is 1 (use) or 2 (require)") : 0;
}

int msg_send_done(struct ipc_conn *c, uint32_t rec_id, uint32_t policy_id, uint64_t version)
{
	Postern__SpdDone m = POSTERN__SPD_DONE__INIT;

	m.id = policy_id;
	m.version = version;
	return ipc_conn_send(c, IPC_SPD_DONE, rec_id, &m.base);
}

int msg_send_barrier_done(struct ipc_conn *c, uint32_t rec_id, uint64_t version)
{
	Postern__SpdBarrierDone m = POSTERN__SPD_BARRIER_DONE__INIT;

	m.version = version;
	return ipc_conn_send(c, IPC_SPD_BARRIER_DONE, rec_id, &m.base);
}

int msg_send_enable(struct ipc_conn *c, uint32_t rec_id, bool on)
{
	Postern__EnableReply m = POSTERN__ENABLE_REPLY__INIT;

	m.on = on;
	return ipc_conn_send(c, IPC_ENABLE_REPLY, rec_id, &m.base);
}

int msg_send_dump_row(struct ipc_conn *c, uint32_t rec_id, uint32_t row, const struct policy *p)
{
	Postern__SpdDumpRow m = POSTERN__SPD_DUMP_ROW__INIT;
	struct model_policy_pb pb;

	if (p) {
		model_policy_encode(p, &pb);
		m.policy = &pb.m;
	}
	return ipc_conn_send_row(c, IPC_SPD_DUMP_ROW, rec_id, row, !p, &m.base);
}

int msg_acquire_decode(const struct ipc_record *rec, struct msg_acquire *ret, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__acquire__descriptor, rec, UNPACK_SMALL * 4);
	const Postern__Acquire *a = (const Postern__Acquire *)m;
	struct msg_acquire q = {0};
	int r;

	if (!m || a->request >= POLICY_REQUESTS_MAX)
		return err_set(e, -EBADMSG, "not an acquire");
	r = model_selector_decode(a->packet, &q.packet, e);
	if (r == 0)
		r = model_addr_decode(a->src, false, &q.src, e);
	if (r == 0)
		r = model_addr_decode(a->dst, false, &q.dst, e);
	if (r < 0)
		return r;
	q.seq = a->seq;
	q.policy_id = a->policy_id;
	q.request = a->request;
	*ret = q;
	return 0;
}

int msg_used_decode(const struct ipc_record *rec, struct msg_used *ret)
{
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__spd_used__descriptor, rec, UNPACK_USED);
	const Postern__SpdUsed *u = (const Postern__SpdUsed *)m;

	if (!m || u->n_policy_id > MSG_USED_MAX || u->n_age_ms != u->n_policy_id)
		return -EBADMSG;
	ret->n = (uint32_t)u->n_policy_id;
	for (uint32_t i = 0; i < ret->n; i++) {
		ret->id[i] = u->policy_id[i];
		ret->age_ms[i] = u->age_ms[i];
	}
	return 0;
}

int msg_send_acquire_expired(struct ipc_conn *c, uint64_t seq, uint32_t policy_id)
{
	Postern__AcquireExpired m = POSTERN__ACQUIRE_EXPIRED__INIT;

	m.seq = seq;
	m.policy_id = policy_id;
	return ipc_conn_send(c, IPC_ACQUIRE_EXPIRED, 0, &m.base);
}

int msg_send_snapshot_begin(struct ipc_client *c, const struct msg_snapshot *s)
{
	Postern__SnapshotBegin m = POSTERN__SNAPSHOT_BEGIN__INIT;

	m.version = s->version;
	m.n_policies = s->n_policies;
	m.esp_trans_deflev = s->deflev.esp_trans;
	m.esp_net_deflev = s->deflev.esp_net;
	m.ah_trans_deflev = s->deflev.ah_trans;
	m.ah_net_deflev = s->deflev.ah_net;
	m.enabled = s->enabled;
	return ipc_client_send_row(c, IPC_SNAPSHOT_BEGIN, 0, &m.base);
}

int msg_send_snapshot_row(struct ipc_client *c, uint32_t row, const struct policy *p)
{
	Postern__SnapshotRow m = POSTERN__SNAPSHOT_ROW__INIT;
	struct model_policy_pb pb;

	model_policy_encode(p, &pb);
	m.policy = &pb.m;
	return ipc_client_send_row(c, IPC_SNAPSHOT_ROW, row, &m.base);
}

int msg_request_snapshot_commit(struct ipc_client *c, uint64_t version, uint32_t deadline_ms,
    void (*fn)(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg), void *arg)
{
	Postern__SnapshotCommit m = POSTERN__SNAPSHOT_COMMIT__INIT;

	m.version = version;
	return ipc_client_request(c, IPC_SNAPSHOT_COMMIT, &m.base, deadline_ms, fn, arg);
}

int msg_snapshot_ack_decode(const struct ipc_record *rec, uint64_t *ret_version, struct err_text *e)
{
	AUTO_MSG ProtobufCMessage *m = NULL;

	if (rec->type == IPC_ERROR)
		return ipc_error_decode(rec, e);
	if (rec->type == IPC_SNAPSHOT_ACK)
		m = ipc_unpack(&postern__snapshot_ack__descriptor, rec, UNPACK_SMALL);
	if (!m)
		return err_set(e, -EPROTO, "datapathd answered a snapshot with something else");
	*ret_version = ((const Postern__SnapshotAck *)m)->version;
	return 0;
}

int msg_policy_pack(const struct policy *p, uint8_t *buf, size_t room)
{
	struct model_policy_pb pb;

	model_policy_encode(p, &pb);
	if (postern__policy__get_packed_size(&pb.m) > room)
		return -EMSGSIZE;
	return (int)postern__policy__pack(&pb.m, buf);
}

int msg_policy_unpack(const uint8_t *buf, size_t n, struct policy *ret, struct err_text *e)
{
	const struct ipc_record rec = {.body = buf, .body_len = n};
	AUTO_MSG ProtobufCMessage *m = ipc_unpack(&postern__policy__descriptor, &rec, UNPACK_MAX);

	if (!m)
		return err_set(e, -EBADMSG, "not a policy");
	return model_policy_decode((const Postern__Policy *)m, ret, e);
}
