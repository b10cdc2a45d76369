/*
 * Files of any octets, as ipsecctl finds them beside certificates. What is taken out of one has no key in it,
 * and looks public by itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/racoon/public.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct public_look l = public_look(data, n);
	struct sbuf part;

	sbuf_init(&part);
	if (l.has_public && !l.is_der && public_blocks(data, n, &part) && part.len) {
		if (memmem(part.s, part.len, "PRIVATE KEY", 11))
			abort();
		l = public_look((const uint8_t *)part.s, part.len);
		if (!l.has_public || l.has_private)
			abort();
	}
	sbuf_fini(&part);
	return 0;
}
