/*
 * The record header, and the one body that every side decodes from strangers: IPC_ERROR.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t again[IPC_HEADER_LEN];
	struct ipc_record rec;
	struct err_text e;

	if (ipc_record_parse(data, n, &rec) < 0)
		return 0;
	if (rec.body_len != n - IPC_HEADER_LEN ||
	    ipc_record_build(again, sizeof(again), &rec, NULL) != IPC_HEADER_LEN ||
	    memcmp(again, data, IPC_HEADER_LEN) != 0)
		abort();
	if (ipc_error_decode(&rec, &e) >= 0)
		abort();
	for (const char *p = e.s; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	return 0;
}
