/*
 * Distinguished names of peers: refused, or printable text within its room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char wide[4096], narrow[16];
	bool ok = dn_format(data, n, wide, sizeof(wide));

	if (dn_format(data, n, narrow, sizeof(narrow)) != ok || (!ok && wide[0]))
		abort();
	for (const char *c = wide; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
	if (strlen(narrow) >= sizeof(narrow) || strncmp(wide, narrow, strlen(narrow)) != 0)
		abort();
	return 0;
}
