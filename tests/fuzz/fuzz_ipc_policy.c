/*
 * The policy decoder. What it accepts must survive another trip unchanged.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/model.h"
#include "ipc/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CAP = 65536, PACKED_MAX = 4096 };

static int decode(const uint8_t *data, size_t n, struct policy *ret)
{
	const struct ipc_record rec = {.body = data, .body_len = n};
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__policy__descriptor, &rec, CAP);
	struct err_text e;

	return m ? model_policy_decode((const Postern__Policy *)m, ret, &e) : -1;
}

static size_t encode(const struct policy *p, uint8_t out[PACKED_MAX])
{
	struct model_policy_pb pb;

	model_policy_encode(p, &pb);
	if (postern__policy__get_packed_size(&pb.m) > PACKED_MAX)
		abort();
	return postern__policy__pack(&pb.m, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t once[PACKED_MAX], twice[PACKED_MAX];
	struct policy p;
	size_t len;

	if (decode(data, n, &p) < 0)
		return 0;
	len = encode(&p, once);
	if (decode(once, len, &p) < 0 || encode(&p, twice) != len || memcmp(once, twice, len) != 0)
		abort();
	return 0;
}
