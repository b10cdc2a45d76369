/*
 * What a launcher may give back to certd as memory with keys: the first octet is the peer that is looked for.
 * What is found lies within what was given.
 */
#include <stdint.h>
#include <stdlib.h>

#include "certd/kept_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ike1_octets key;
	const uint8_t *p;

	if (!n || kept_keys_find(data + 1, n - 1, data[0], &key) != 0)
		return 0;
	p = key.p;
	if (key.n > n - 1 || p < data + 1 || p + key.n > data + n)
		abort();
	return 0;
}
