/*
 * The first words of a stranger. The input is a whole record.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ipc/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct ipc_hello mine = {
	    .version_min = 2, .version_max = 4, .edge = "policyd.admin", .instance = "default"};
	struct ipc_hello_peer peer;
	struct ipc_record rec;
	struct err_text e;

	if (ipc_record_parse(data, n, &rec) < 0 || ipc_hello_check(&rec, &mine, &peer, &e) < 0)
		return 0;
	if (peer.version < mine.version_min || peer.version > mine.version_max)
		abort();
	return 0;
}
