/*
 * The admin edge's messages about SAs.
 */
#include <errno.h>
#include <stdlib.h>

#include "ipc/model_ike_row.h"
#include "keyd/edges/admin.h"

enum { CAP = 32 << 10, CAP_SMALL = 2048, ROOM = 64 << 10 };

/* Packed rows, each behind its length. */
struct admin_dump {
	uint8_t *p;
	size_t n, room, at;
	bool lost; /* there was no memory for all of them */
};

static bool make_room(struct admin_dump *d, size_t n)
{
	size_t room = d->room ? d->room : ROOM;
	uint8_t *p;

	while (room < d->n + n)
		room *= 2;
	p = room == d->room ? d->p : realloc(d->p, room);
	if (!p)
		return false;
	d->p = p;
	d->room = room;
	return true;
}

static void add_row(void *arg, const struct ike_row *row)
{
	struct admin_dump *d = arg;
	struct model_ike_row_pb pb;
	uint32_t len;

	model_ike_row_encode(row, &pb);
	len = (uint32_t)protobuf_c_message_get_packed_size(&pb.m.base);
	if (d->lost || !make_room(d, sizeof(len) + len)) {
		d->lost = true;
		return;
	}
	memcpy(d->p + d->n, &len, sizeof(len));
	protobuf_c_message_pack(&pb.m.base, d->p + d->n + sizeof(len));
	d->n += sizeof(len) + len;
}

struct admin_dump *admin_dump_new(struct core *c)
{
	struct admin_dump *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	core_show(c, add_row, d);
	if (!d->lost)
		return d;
	admin_dump_free(d);
	return NULL;
}

void admin_dump_free(struct admin_dump *d)
{
	if (d)
		free(d->p);
	free(d);
}

int admin_dump_next(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	static const Postern__IkeRow end = POSTERN__IKE_ROW__INIT;
	struct admin_dump *d = arg;
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	struct ipc_record rec = {.type = IPC_IKE_ROW};
	uint32_t len;
	int r;

	if (d->at == d->n)
		return ipc_conn_send_row(c, IPC_IKE_ROW, rec_id, row, true, &end.base);
	memcpy(&len, d->p + d->at, sizeof(len));
	rec.body = d->p + d->at + sizeof(len);
	rec.body_len = len;
	d->at += sizeof(len) + len;
	m = ipc_unpack(&postern__ike_row__descriptor, &rec, CAP);
	if (!m)
		return -ENOMEM;
	r = ipc_conn_send_row(c, IPC_IKE_ROW, rec_id, row, false, m);
	return r < 0 ? r : 1;
}

int admin_up_decode(const struct ipc_record *rec, struct core_up *ret, struct policy *ret_policy,
    bool *ret_has_policy, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__ike_up__descriptor, rec, CAP);
	const Postern__IkeUp *m = (const Postern__IkeUp *)u;

	*ret = (struct core_up){.path = {.local_port = IKE_PORT, .remote_port = IKE_PORT}};
	if (!m || model_addr_decode(m->local, false, &ret->path.local, e) < 0 ||
	    model_addr_decode(m->remote, false, &ret->path.remote, e) < 0)
		return -EBADMSG;
	if (ret->path.local.family != ret->path.remote.family)
		return err_set(e, -EINVAL, "the two addresses are of different families");
	ret->wait_ms = m->wait_ms < CORE_WAIT_MAX_MS ? m->wait_ms : CORE_WAIT_MAX_MS;
	*ret_has_policy = m->policy;
	if (!m->policy)
		return 0;
	if (model_policy_decode(m->policy, ret_policy, e) < 0)
		return -EBADMSG;
	if (!ret_policy->id || ret_policy->dir != POLICY_OUT || ret_policy->action != POLICY_IPSEC ||
	    !ret_policy->n_requests)
		return err_set(e, -EINVAL, "not an outbound policy that protects");
	return 0;
}

int admin_end_decode(const struct ipc_record *rec, struct ike_row_filter *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__ike_end__descriptor, rec, CAP_SMALL);

	return m ? model_ike_end_decode((const Postern__IkeEnd *)m, ret, e) : -EBADMSG;
}

int admin_find_decode(const struct ipc_record *rec, char *name)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__ike_find__descriptor, rec, CAP_SMALL);
	const Postern__IkeFind *find = (const Postern__IkeFind *)m;

	if (!m || strlen(find->name) >= ADMIN_NAME_MAX)
		return -EBADMSG;
	strcpy(name, find->name);
	return 0;
}

void admin_send_row(struct ipc_conn *c, uint32_t rec_id, const struct ike_row *row)
{
	struct model_ike_row_pb pb;

	model_ike_row_encode(row, &pb);
	ipc_conn_send(c, IPC_IKE_ROW, rec_id, &pb.m.base);
}

void admin_send_ended(struct ipc_conn *c, uint32_t rec_id, const struct ike_row_ended *n)
{
	Postern__IkeEnded m = POSTERN__IKE_ENDED__INIT;

	m.sas = n->n_sas;
	m.children = n->n_children;
	m.untold = n->n_untold;
	m.held = n->n_held;
	ipc_conn_send(c, IPC_IKE_ENDED, rec_id, &m.base);
}

void admin_send_found(struct ipc_conn *c, uint32_t rec_id, const struct ike_peer *p)
{
	Postern__IkeFound m = POSTERN__IKE_FOUND__INIT;
	Postern__Addr addr;

	m.port = p->port;
	if (p->addr.family != INET_NONE) {
		model_addr_encode(&p->addr, &addr);
		m.addr = &addr;
	}
	ipc_conn_send(c, IPC_IKE_FOUND, rec_id, &m.base);
}
