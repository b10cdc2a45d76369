/*
 * The admin edge about SAs of key exchange: what administrators send to keyd, and the rows that ipsecctl
 * reads, which are keyd's and so may be a stranger's. The first octet chooses the decoder, the rest is a
 * body. What is accepted is encoded again and must come back as the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/model_ike_row.h"
#include "keyd/edges/admin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names them by their place. */
enum { ROW = 0, UP, END, FIND, KINDS };
enum { CAP = 64 << 10, ROOM = 64 << 10 };

static void must(bool true_)
{
	if (!true_)
		abort();
}

static size_t pack(const ProtobufCMessage *m, uint8_t *to)
{
	must(protobuf_c_message_get_packed_size(m) <= ROOM);
	return protobuf_c_message_pack(m, to);
}

/* False: refused, with a reason. */
static bool take_row(const struct ipc_record *rec, uint8_t *to, size_t *ret_n)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__ike_row__descriptor, rec, CAP);
	static struct model_ike_row row;
	static struct model_ike_row_pb pb;
	struct err_text e = {{0}};

	if (!m)
		return false;
	if (model_ike_row_decode((const Postern__IkeRow *)m, &row, &e) < 0) {
		must(e.s[0]);
		return false;
	}
	must(!row.row.sa || (row.sa.state && row.sa.state < IKE_ROW_STATES && row.sa.mode < IKE_MODES));
	must(!row.row.child || row.child.n_parts <= POLICY_REQUESTS_MAX);
	model_ike_row_encode(&row.row, &pb);
	*ret_n = pack(&pb.m.base, to);
	return true;
}

static bool take_end(const struct ipc_record *rec, uint8_t *to, size_t *ret_n)
{
	struct model_ike_end_pb pb;
	struct ike_row_filter f;
	struct err_text e = {{0}};

	if (admin_end_decode(rec, &f, &e) < 0)
		return false;
	model_ike_end_encode(&f, &pb);
	*ret_n = pack(&pb.m.base, to);
	return true;
}

static void again(bool (*take)(const struct ipc_record *, uint8_t *, size_t *), const struct ipc_record *rec)
{
	static uint8_t first[ROOM], second[ROOM];
	struct ipc_record r = {.type = rec->type, .body = first};
	size_t n;

	if (!take(rec, first, &r.body_len))
		return;
	must(take(&r, second, &n) && n == r.body_len && memcmp(first, second, n) == 0);
}

static void up(const struct ipc_record *rec)
{
	struct err_text e = {{0}};
	struct policy policy;
	struct core_up u;
	const char *why;
	bool has;

	if (admin_up_decode(rec, &u, &policy, &has, &e) < 0)
		return;
	must(u.wait_ms <= CORE_WAIT_MAX_MS && u.path.local.family == u.path.remote.family &&
	     u.path.local.family != INET_NONE);
	must(!has || (policy.id && policy.n_requests && policy_check(&policy, &why) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ipc_record rec;
	char name[ADMIN_NAME_MAX];

	if (!n)
		return 0;
	rec = (struct ipc_record){.type = IPC_IKE_ROW, .body = data + 1, .body_len = n - 1};
	switch (data[0] % KINDS) {
	case ROW:
		again(take_row, &rec);
		break;
	case UP:
		up(&rec);
		break;
	case END:
		again(take_end, &rec);
		break;
	default:
		if (admin_find_decode(&rec, name) == 0)
			must(strnlen(name, sizeof(name)) < sizeof(name));
		break;
	}
	return 0;
}
