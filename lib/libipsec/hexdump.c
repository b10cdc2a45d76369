/*
 * The one function of the library that writes anything: its caller asks for just that.
 */
#include <stdint.h>
#include <stdio.h>

#include "api.h"

enum { PER_LINE = 32, PER_GROUP = 4 };

LIBIPSEC_PUBLIC void ipsec_hexdump(const void *buf, int len)
{
	const uint8_t *p = buf;

	if (!p || len <= 0)
		return;
	for (int i = 0; i < len; i++) {
		const char *before = !i ? "" : i % PER_LINE == 0 ? "\n" : i % PER_GROUP == 0 ? " " : "";

		printf("%s%02x", before, p[i]);
	}
	printf("\n");
}
