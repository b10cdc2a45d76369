/*
 * The only octets from outside that the supervisor reads: a message of a service, which may have been taken
 * over.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/notify_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct notify_msg m;

	if (notify_msg_parse(data, n, &m))
		return 0;
	/* What is believed afterwards. */
	if ((m.store || m.unstore) && (m.store == m.unstore || !m.fdname[0]))
		abort();
	if (strspn(m.fdname, "abcdefghijklmnopqrstuvwxyz0123456789-") != strnlen(m.fdname, sizeof(m.fdname)))
		abort();
	for (size_t i = 0; i < strnlen(m.status, sizeof(m.status)); i++) {
		if (m.status[i] < 0x20 || m.status[i] > 0x7e)
			abort();
	}
	return 0;
}
