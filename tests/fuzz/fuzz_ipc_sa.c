/*
 * The decoder of SA descriptions, strict and as a row of a dump, and of SA states. The input is an SaRow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/model.h"
#include "ipc/record.h"

#include "datapathd_admin.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CAP = 65536, PACKED_MAX = 4096 };

static void check_again(const struct sa_desc *d, bool with_keys)
{
	uint8_t once[PACKED_MAX], twice[PACKED_MAX];
	struct ipc_record rec = {.body = once};
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	struct model_sa_pb pb;
	struct sa_desc again;
	struct err_text e;

	model_sa_encode(d, with_keys, &pb);
	rec.body_len = postern__sa_desc__pack(&pb.m, once);
	m = ipc_unpack(&postern__sa_desc__descriptor, &rec, CAP);
	if (!m || model_sa_decode((const Postern__SaDesc *)m, !with_keys, &again, &e) < 0)
		abort();
	model_sa_encode(&again, with_keys, &pb);
	if (postern__sa_desc__pack(&pb.m, twice) != rec.body_len || memcmp(once, twice, rec.body_len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct ipc_record rec = {.body = data, .body_len = n};
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_row__descriptor, &rec, CAP);
	const Postern__SaRow *row = (const Postern__SaRow *)m;
	struct sa_status st;
	struct sa_desc d;
	struct err_text e;

	if (!row)
		return 0;
	(void)model_sa_status_decode(row->status, &st, &e);
	if (model_sa_decode(row->sa, true, &d, &e) == 0)
		check_again(&d, false);
	if (model_sa_decode(row->sa, false, &d, &e) == 0) {
		if ((d.enc_key_len && !d.enc_key) || (d.auth_key_len && !d.auth_key))
			abort();
		check_again(&d, true);
	}
	return 0;
}
