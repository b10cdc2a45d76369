/*
 * What keyd shows to ipsecctl, and what ipsecctl asks of it. The first octet chooses the decoder, the rest is
 * a body. What is accepted is encoded again and must come back as the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/model_ike_view.h"
#include "ipc/record.h"
#include "keyd/edges/admin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names them by their place. */
enum { ROW = 0, DELETE, UP, FIND, KINDS };
enum { CAP = 256 << 10, ROOM = 1 << 17 };

static uint8_t packed[2][ROOM];

static void must(bool true_)
{
	if (!true_)
		abort();
}

static size_t pack(const ProtobufCMessage *m, unsigned turn)
{
	must(protobuf_c_message_get_packed_size(m) <= ROOM);
	return protobuf_c_message_pack(m, packed[turn]);
}

/* The length of what was accepted, packed; 0: refused. */
static size_t sa(const Postern__IkeSaView *m, unsigned turn)
{
	static struct model_ike_sa_view_pb pb;
	static struct ike_sa_view v;
	struct err_text e = {{0}};
	int r = model_ike_sa_view_decode(m, &v, &e);

	must((r == 0) == !e.s[0]);
	if (r < 0)
		return 0;
	must(ike_view_state_name(v.state) && v.step[sizeof(v.step) - 1] == '\0');
	model_ike_sa_view_encode(&v, &pb);
	return pack(&pb.m.base, turn);
}

static size_t child(const Postern__IkeChildView *m, unsigned turn)
{
	static struct model_ike_child_view_pb pb;
	static struct ike_child_view v;
	struct err_text e = {{0}};
	int r = model_ike_child_view_decode(m, &v, &e);

	must((r == 0) == !e.s[0]);
	if (r < 0)
		return 0;
	must(v.n_parts <= POLICY_REQUESTS_MAX);
	model_ike_child_view_encode(&v, &pb);
	return pack(&pb.m.base, turn);
}

static ProtobufCMessage *again(const ProtobufCMessageDescriptor *d, size_t n)
{
	const struct ipc_record rec = {.body = packed[0], .body_len = n};
	ProtobufCMessage *m = ipc_unpack(d, &rec, CAP);

	must(m != NULL);
	return m;
}

static void row(const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_show_row__descriptor, rec, CAP);
	const Postern__IkeShowRow *m = (const Postern__IkeShowRow *)u;

	for (size_t i = 0; m && i < m->n_sas; i++) {
		AUTO(ipc_unpack_freep_) ProtobufCMessage *x = NULL;
		size_t n = sa(m->sas[i], 0);

		if (!n)
			continue;
		x = again(&postern__ike_sa_view__descriptor, n);
		must(sa((const Postern__IkeSaView *)x, 1) == n && memcmp(packed[0], packed[1], n) == 0);
	}
	for (size_t i = 0; m && i < m->n_children; i++) {
		AUTO(ipc_unpack_freep_) ProtobufCMessage *x = NULL;
		size_t n = child(m->children[i], 0);

		if (!n)
			continue;
		x = again(&postern__ike_child_view__descriptor, n);
		must(child((const Postern__IkeChildView *)x, 1) == n && memcmp(packed[0], packed[1], n) == 0);
	}
}

static void filter(const struct ipc_record *rec)
{
	static struct model_ike_filter_pb pb;
	struct err_text e = {{0}};
	struct ike_filter f, f2;
	struct ipc_record second = {.body = packed[0]};

	if (admin_delete_decode(rec, &f, &e) < 0)
		return;
	must(f.sas || f.children);
	model_ike_filter_encode(&f, &pb);
	second.body_len = pack(&pb.m.base, 0);
	must(admin_delete_decode(&second, &f2, &e) == 0);
	must(f.sas == f2.sas && f.children == f2.children && f.spi == f2.spi && f.proto == f2.proto &&
	     inet_addr_equal(&f.local, &f2.local) && inet_addr_equal(&f.remote, &f2.remote) &&
	     f.has_spis == f2.has_spis && memcmp(f.spi_i, f2.spi_i, sizeof(f.spi_i)) == 0 &&
	     f.has_selector == f2.has_selector &&
	     (!f.has_selector || selector_equal(&f.selector, &f2.selector)));
}

static void up(const struct ipc_record *rec)
{
	struct err_text e = {{0}};
	struct admin_up a;
	const char *why;

	if (admin_up_decode(rec, &a, &e) < 0)
		return;
	must(a.path.local.family && a.path.local.family == a.path.remote.family);
	must(!a.has_policy || (policy_check(&a.policy, &why) == 0 && a.policy.dir == POLICY_OUT));
}

static void find(const struct ipc_record *rec)
{
	char name[IKE_VIEW_PEER_MAX];

	if (admin_find_decode(rec, name, sizeof(name)) == 0)
		must(strlen(name) < sizeof(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[KINDS])(const struct ipc_record *rec) = {
	    [ROW] = row, [DELETE] = filter, [UP] = up, [FIND] = find};
	struct ipc_record rec;

	if (!n)
		return 0;
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	kinds[data[0] % KINDS](&rec);
	return 0;
}
