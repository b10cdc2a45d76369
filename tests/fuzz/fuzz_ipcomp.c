/*
 * IPComp as it comes from the wire: header and DEFLATE stream. The first two octets are the room. What
 * decompresses is compressed again and must come back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/comp/ipcomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROOM = 65535 };

static void check_again(struct ipcomp_codec *c, const uint8_t *plain, size_t n)
{
	static uint8_t packed[ROOM], back[ROOM];
	size_t packed_len, len;

	if (ipcomp_deflate(c, plain, n, packed, sizeof(packed), &packed_len) != IPCOMP_OK)
		return;
	if (packed_len + IPCOMP_HDR_LEN >= n ||
	    ipcomp_inflate(c, packed, packed_len, back, sizeof(back), &len) != IPCOMP_OK || len != n ||
	    memcmp(back, plain, n) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct ipcomp_codec *c;
	struct ipcomp_view v;
	size_t room, len;
	uint8_t *out;

	if (!c && ipcomp_codec_new(&c) < 0)
		abort();
	if (n < 2)
		return 0;
	room = (size_t)data[0] << 8 | data[1];
	if (ipcomp_parse(data + 2, n - 2, &v) != IPCOMP_OK)
		return 0;
	out = malloc(room ? room : 1);
	if (!out)
		abort();
	if (ipcomp_inflate(c, data + 6, n - 6, out, room, &len) == IPCOMP_OK) {
		if (len > room)
			abort();
		check_again(c, out, len);
	}
	free(out);
	return 0;
}
