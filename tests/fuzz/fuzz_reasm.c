/*
 * A row of fragments of either family on their way into one reassembly: each is a length of two octets and a
 * packet. The top bit of the length lets time pass. Whatever is declared whole is a packet without fragment
 * header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/frag/reasm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put(struct reasm *r, const uint8_t *data, size_t n, uint64_t now_ms)
{
	uint8_t *pkt = malloc(n ? n : 1);
	const uint8_t *whole;
	struct ip_view v, w;
	struct ip6_fragment fh;
	uint32_t len;

	if (!pkt)
		abort();
	memcpy(pkt, data, n);
	if (ip_parse(pkt, n, IP_TRUST_SUM, &v) == IP_OK && (v.is_frag || ip_find_fragment(pkt, n, &fh)) &&
	    reasm_put(r, &v, now_ms, &whole, &len) == REASM_WHOLE) {
		if (len > REASM_LEN_MAX || len < v.hdr_len || whole[0] >> 4 != v.version)
			abort();
		/* Its insides may be anything, its length is its own. */
		if (ip_parse(whole, len, IP_CHECK_SUM, &w) == IP_OK &&
		    (w.total_len != len || (w.version == 4 && w.is_frag)))
			abort();
	}
	free(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t now_ms = REASM_MS;
	struct reasm *r;

	if (reasm_new(&r) < 0)
		abort();
	while (n >= 2) {
		size_t len = (size_t)(data[0] & 0x7f) << 8 | data[1];

		if (data[0] & 0x80)
			now_ms += REASM_MS / 2;
		data += 2;
		n -= 2;
		if (len > n)
			len = n;
		put(r, data, len, now_ms);
		data += len;
		n -= len;
	}
	(void)reasm_free(r);
	return 0;
}
