/*
 * psk.txt of any octets: the first octet says how long the identity is, which follows. A key that is found is
 * no longer than a line and stands in the file, unless it is hexadecimal there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certd/psk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int ready;
	AUTO_SECRET struct secret *k = NULL;
	struct err_text e;
	size_t id_len;
	const char *text;

	if (!ready)
		check(secret_init(64 * 1024, &e) == 0);
	ready = 1;
	if (n < 1 || n < 1u + data[0])
		return 0;
	id_len = data[0];
	text = (const char *)data + 1 + id_len;
	n -= 1 + id_len;
	if (psk_find(text, n, data + 1, id_len, &k) != 0)
		return 0;
	check(k && secret_len(k) > 0 && secret_len(k) <= PSK_LINE_MAX);
	check(memmem(text, n, secret_bytes(k), secret_len(k)) != NULL || memmem(text, n, "0x", 2) != NULL);
	return 0;
}
