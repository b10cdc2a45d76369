/*
 * Unpack with a cap, judge every field, fill a plain struct, let the message go (wiped). Key octets are the
 * one exception that stays borrowed, so that they are copied once, from the message into SAD memory.
 */
#include "datapathd/datapathd_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipc/model.h"

#include "admin.pb-c.h"
#include "common.pb-c.h"
#include "datapathd_admin.pb-c.h"
#include "datapathd_policyd.pb-c.h"
#include "policyd_datapathd.pb-c.h"

enum { CAP = 16 * 1024 };

#define AUTO_UNPACK AUTO(ipc_unpack_freep_)

static int unreadable(struct err_text *e)
{
	return err_set(e, -EBADMSG, "the request cannot be read");
}

int msg_sa_add_decode(const struct ipc_record *rec, struct msg_sa_add *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_add__descriptor, rec, CAP);
	const Postern__SaAdd *add = (const Postern__SaAdd *)m;
	struct sa_desc d;
	int r;

	if (!add)
		return unreadable(e);
	r = model_sa_decode(add->sa, false, &d, e);
	if (r < 0)
		return r;
	*ret = (struct msg_sa_add){.desc = d, .update = add->update, .held = take_ptr(m)};
	return 0;
}

void msg_sa_add_fini(struct msg_sa_add *m)
{
	if (m->held)
		ipc_unpack_free(m->held);
	m->held = NULL;
}

static int ident_decode(const Postern__SaId *id, bool with_spi, struct sa_ident *ret, struct err_text *e)
{
	struct sa_ident x = {0};
	int r;

	if (!id)
		return err_set(e, -EBADMSG, "the request names no SA");
	r = model_addr_decode(id->src, false, &x.src, e);
	if (r == 0)
		r = model_addr_decode(id->dst, false, &x.dst, e);
	if (r < 0)
		return r;
	if (id->proto != IPSEC_ESP && id->proto != IPSEC_AH && id->proto != IPSEC_IPCOMP)
		return err_set(e, -EINVAL, "Invalid ipsec protocol");
	x.proto = (enum ipsec_proto)id->proto;
	x.spi = with_spi ? id->spi : 0;
	*ret = x;
	return 0;
}

int msg_sa_get_decode(const struct ipc_record *rec, struct sa_ident *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_get__descriptor, rec, CAP);

	return m ? ident_decode(((const Postern__SaGet *)m)->id, true, ret, e) : unreadable(e);
}

int msg_sa_getspi_decode(const struct ipc_record *rec, struct sa_ident *ret, uint32_t *ret_min,
    uint32_t *ret_max, struct err_text *e)
{
	enum { SPI_FIRST = 0x100, SPI_LAST = 0x0fffffff, CPI_LAST = 61439 /* RFC 3173 section 3.3 */ };
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_getspi__descriptor, rec, CAP);
	const Postern__SaGetspi *get = (const Postern__SaGetspi *)m;
	int r = get ? ident_decode(get->id, false, ret, e) : unreadable(e);
	uint32_t most;

	if (r < 0)
		return r;
	if (ret->src.family != ret->dst.family)
		return err_set(e, -EINVAL, "Family mismatch");
	most = ret->proto == IPSEC_IPCOMP ? CPI_LAST : UINT32_MAX;
	*ret_min = get->min ? get->min : SPI_FIRST;
	*ret_max = get->max ? get->max : ret->proto == IPSEC_IPCOMP ? CPI_LAST : SPI_LAST;
	if (*ret_min < SPI_FIRST || *ret_min > *ret_max || *ret_max > most)
		return err_set(e, -EINVAL, "SPI range violation");
	return 0;
}

int msg_sa_delete_decode(
    const struct ipc_record *rec, struct sa_ident *ret, bool *ret_all, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_delete__descriptor, rec, CAP);
	const Postern__SaDelete *del = (const Postern__SaDelete *)m;
	int r = del ? ident_decode(del->id, !del->all, ret, e) : unreadable(e);

	if (r == 0)
		*ret_all = del->all;
	return r;
}

static int proto_decode(uint32_t proto, uint32_t *ret, struct err_text *e)
{
	if (proto && proto != IPSEC_ESP && proto != IPSEC_AH && proto != IPSEC_IPCOMP)
		return err_set(e, -EINVAL, "Invalid ipsec protocol");
	*ret = proto;
	return 0;
}

int msg_sa_flush_decode(const struct ipc_record *rec, uint32_t *ret_proto, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_flush__descriptor, rec, CAP);

	return m ? proto_decode(((const Postern__SaFlush *)m)->proto, ret_proto, e) : unreadable(e);
}

int msg_sa_dump_decode(const struct ipc_record *rec, uint32_t *ret_proto, bool *ret_dead, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_dump__descriptor, rec, CAP);
	const Postern__SaDump *dump = (const Postern__SaDump *)m;
	int r = dump ? proto_decode(dump->proto, ret_proto, e) : unreadable(e);

	if (r == 0)
		*ret_dead = dump->dead;
	return r;
}

int msg_setting_decode(
    const struct ipc_record *rec, char ret_name[64], uint64_t *ret_value, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__setting_set__descriptor, rec, CAP);
	const Postern__SettingSet *set = (const Postern__SettingSet *)m;

	if (!set || strlen(set->name) >= 64)
		return unreadable(e);
	snprintf(ret_name, 64, "%s", set->name);
	*ret_value = set->value;
	return 0;
}

int msg_sa_done_send(struct ipc_conn *c, uint32_t id, uint64_t serial, uint32_t count)
{
	Postern__SaDone done = POSTERN__SA_DONE__INIT;

	done.serial = serial;
	done.count = count;
	return ipc_conn_send(c, IPC_SA_DONE, id, &done.base);
}

int msg_sa_row_send(struct ipc_conn *c, uint32_t id, uint32_t row, bool end, const struct sa_desc *desc,
    bool with_keys, const struct sa_status *status)
{
	Postern__SaRow m = POSTERN__SA_ROW__INIT;
	Postern__SaStatus st = POSTERN__SA_STATUS__INIT;
	struct model_sa_pb pb;

	if (desc) {
		model_sa_encode(desc, with_keys, &pb);
		model_sa_status_encode(status, &st);
		m.sa = &pb.m;
		m.status = &st;
	}
	return row == UINT32_MAX ? ipc_conn_send(c, IPC_SA_ROW, id, &m.base)
	                         : ipc_conn_send_row(c, IPC_SA_ROW, id, row, end, &m.base);
}

static int level_decode(uint32_t v, enum policy_level *ret, struct err_text *e)
{
	if (v != LEVEL_USE && v != LEVEL_REQUIRE)
		return err_set(e, -EBADMSG, "a default level is neither use nor require");
	*ret = (enum policy_level)v;
	return 0;
}

int msg_snapshot_begin_decode(const struct ipc_record *rec, struct msg_snapshot *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__snapshot_begin__descriptor, rec, CAP);
	const Postern__SnapshotBegin *b = (const Postern__SnapshotBegin *)m;
	struct msg_snapshot x;
	int r;

	if (!b)
		return unreadable(e);
	x = (struct msg_snapshot){.version = b->version, .n_policies = b->n_policies, .enabled = b->enabled};
	r = level_decode(b->esp_trans_deflev, &x.deflev.esp_trans, e);
	if (r == 0)
		r = level_decode(b->esp_net_deflev, &x.deflev.esp_net, e);
	if (r == 0)
		r = level_decode(b->ah_trans_deflev, &x.deflev.ah_trans, e);
	if (r == 0)
		r = level_decode(b->ah_net_deflev, &x.deflev.ah_net, e);
	if (r == 0)
		*ret = x;
	return r;
}

int msg_snapshot_row_decode(const struct ipc_record *rec, struct policy *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__snapshot_row__descriptor, rec, CAP);

	return m ? model_policy_decode(((const Postern__SnapshotRow *)m)->policy, ret, e) : unreadable(e);
}

int msg_snapshot_commit_decode(const struct ipc_record *rec, uint64_t *ret_version, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__snapshot_commit__descriptor, rec, CAP);

	if (!m)
		return unreadable(e);
	*ret_version = ((const Postern__SnapshotCommit *)m)->version;
	return 0;
}

int msg_snapshot_ack_send(struct ipc_conn *c, uint32_t id, uint64_t version)
{
	Postern__SnapshotAck ack = POSTERN__SNAPSHOT_ACK__INIT;

	ack.version = version;
	return ipc_conn_send(c, IPC_SNAPSHOT_ACK, id, &ack.base);
}

int msg_acquire_send(
    struct ipc_client *c, const struct msg_acquire *m, uint32_t deadline_ms, ipc_reply_fn fn, void *arg)
{
	const struct selector sel = {
	    .src = inet_prefix_host(&m->packet.src),
	    .dst = inet_prefix_host(&m->packet.dst),
	    .proto = m->packet.proto,
	    .sport = m->packet.has_ports ? m->packet.sport : 0,
	    .dport = m->packet.has_ports ? m->packet.dport : 0,
	    .misc = m->packet.has_ports && ip_proto_has_misc(m->packet.proto),
	};
	Postern__Acquire acq = POSTERN__ACQUIRE__INIT;
	Postern__Addr src = POSTERN__ADDR__INIT, dst = POSTERN__ADDR__INIT;
	struct model_selector_pb pb;

	model_selector_encode(&sel, &pb);
	model_addr_encode(&m->src, &src);
	model_addr_encode(&m->dst, &dst);
	acq.seq = m->seq;
	acq.policy_id = m->policy_id;
	acq.request = m->request;
	acq.packet = &pb.m;
	acq.src = &src;
	acq.dst = &dst;
	return ipc_client_request(c, IPC_ACQUIRE, &acq.base, deadline_ms, fn, arg);
}

int msg_used_send(struct ipc_client *c, uint32_t *ids, uint32_t *ages_ms, size_t n)
{
	Postern__SpdUsed m = POSTERN__SPD_USED__INIT;

	m.policy_id = ids;
	m.n_policy_id = n;
	m.age_ms = ages_ms;
	m.n_age_ms = n;
	return ipc_client_send_row(c, IPC_SPD_USED, 0, &m.base);
}

int msg_acquire_expired_decode(const struct ipc_record *rec, uint64_t *ret_seq, uint32_t *ret_policy_id)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__acquire_expired__descriptor, rec, CAP);

	if (!m)
		return -EBADMSG;
	*ret_seq = ((const Postern__AcquireExpired *)m)->seq;
	*ret_policy_id = ((const Postern__AcquireExpired *)m)->policy_id;
	return 0;
}
