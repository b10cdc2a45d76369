/*
 * Every message of the edges: the first octet chooses the type, the second how much memory its unpacking may
 * take (times 64), the rest is the body. Small caps walk the paths on which the allocator says no.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/auto.h"
#include "ipc/model.h"
#include "ipc/record.h"

#include "admin.pb-c.h"
#include "common.pb-c.h"
#include "datapathd_admin.pb-c.h"
#include "datapathd_policyd.pb-c.h"
#include "policyd_admin.pb-c.h"
#include "policyd_datapathd.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names types by their place. */
static const ProtobufCMessageDescriptor *const types[] = {
    &postern__hello__descriptor,
    &postern__error__descriptor,
    &postern__status_reply__descriptor,
    &postern__log_set__descriptor,
    &postern__stats_reply__descriptor,
    &postern__event__descriptor,
    &postern__spd_put__descriptor,
    &postern__spd_delete__descriptor,
    &postern__spd_flush__descriptor,
    &postern__spd_done__descriptor,
    &postern__spd_barrier__descriptor,
    &postern__spd_barrier_done__descriptor,
    &postern__spd_dump__descriptor,
    &postern__spd_dump_row__descriptor,
    &postern__enable_set__descriptor,
    &postern__enable_reply__descriptor,
    &postern__sa_add__descriptor,
    &postern__sa_get__descriptor,
    &postern__sa_delete__descriptor,
    &postern__sa_flush__descriptor,
    &postern__sa_done__descriptor,
    &postern__sa_dump__descriptor,
    &postern__sa_row__descriptor,
    &postern__setting_set__descriptor,
    &postern__snapshot_begin__descriptor,
    &postern__snapshot_row__descriptor,
    &postern__snapshot_commit__descriptor,
    &postern__snapshot_ack__descriptor,
    &postern__acquire__descriptor,
    &postern__acquire_expired__descriptor,
    &postern__spd_used__descriptor,
};

static void decode(const ProtobufCMessage *m)
{
	struct selector sel;
	struct inet_addr a;
	struct policy p;
	struct sa_desc d;
	struct err_text e;

	if (m->descriptor == &postern__spd_put__descriptor)
		(void)model_policy_decode(((const Postern__SpdPut *)m)->policy, &p, &e);
	if (m->descriptor == &postern__spd_dump_row__descriptor)
		(void)model_policy_decode(((const Postern__SpdDumpRow *)m)->policy, &p, &e);
	if (m->descriptor == &postern__snapshot_row__descriptor)
		(void)model_policy_decode(((const Postern__SnapshotRow *)m)->policy, &p, &e);
	if (m->descriptor == &postern__spd_delete__descriptor)
		(void)model_selector_decode(((const Postern__SpdDelete *)m)->selector, &sel, &e);
	if (m->descriptor == &postern__sa_add__descriptor)
		(void)model_sa_decode(((const Postern__SaAdd *)m)->sa, false, &d, &e);
	if (m->descriptor == &postern__acquire__descriptor) {
		(void)model_selector_decode(((const Postern__Acquire *)m)->packet, &sel, &e);
		(void)model_addr_decode(((const Postern__Acquire *)m)->dst, true, &a, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	AUTO(ipc_unpack_freep_) ProtobufCMessage *again = NULL;
	AUTO_FREE uint8_t *packed = NULL;
	struct ipc_record rec;

	if (n < 2 || n > IPC_RECORD_MAX)
		return 0;
	rec = (struct ipc_record){.body = data + 2, .body_len = n - 2};
	m = ipc_unpack(types[data[0] % ARRAY_SIZE(types)], &rec, (size_t)data[1] * 64);
	if (!m)
		return 0;
	decode(m);
	rec.body_len = protobuf_c_message_get_packed_size(m);
	packed = malloc(rec.body_len + 1);
	if (!packed || protobuf_c_message_pack(m, packed) != rec.body_len)
		abort();
	rec.body = packed;
	again = ipc_unpack(m->descriptor, &rec, (size_t)4 * IPC_RECORD_MAX);
	/* protobuf-c keeps an unknown field numbered 0 and will not read it back; what it reads back is the
	 * same. */
	if (again && protobuf_c_message_get_packed_size(again) != rec.body_len)
		abort();
	return 0;
}
