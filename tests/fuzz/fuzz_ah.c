/*
 * AH over IPv4 as it comes from the wire. The first octet is the ICV's length, the rest the packet. What the
 * ICV is computed over must cover the packet once, and must not depend on what routers change.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/esp/ah.h"
#include "wire/ip/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PACKET_MAX = 4096 };

static size_t gather(const struct ah_pieces *p, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(p->v); i++) {
		memcpy(out + n, p->v[i].iov_base, p->v[i].iov_len);
		n += p->v[i].iov_len;
	}
	return n;
}

static void check_pieces(uint8_t *pkt, const struct ip_view *v, uint8_t icv_len)
{
	static uint8_t once[PACKET_MAX], twice[PACKET_MAX];
	struct ah_pieces p;

	if (ah_pieces(pkt, v->total_len, v->hdr_len, icv_len, AH_RECEIVED, &p) != AH_OK)
		return;
	if (gather(&p, once) != v->total_len)
		abort();
	/* Everything behind the ICV is the packet's own. */
	if (memcmp(once + v->hdr_len + AH_FIXED_LEN + icv_len, pkt + v->hdr_len + AH_FIXED_LEN + icv_len,
	        v->total_len - v->hdr_len - AH_FIXED_LEN - icv_len) != 0)
		abort();
	pkt[1] ^= 0xff;                      /* TOS */
	pkt[6] ^= 0x40;                      /* DF */
	pkt[8] ^= 0x55;                      /* TTL */
	pkt[10] ^= 0xff;                     /* checksum */
	pkt[v->hdr_len + AH_FIXED_LEN] ^= 1; /* the ICV itself */
	if (ah_pieces(pkt, v->total_len, v->hdr_len, icv_len, AH_RECEIVED, &p) != AH_OK ||
	    gather(&p, twice) != v->total_len || memcmp(once, twice, v->total_len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ip_view v;
	struct ah_view ah;
	uint8_t icv_len, *pkt;

	if (n < 1 || n > PACKET_MAX)
		return 0;
	icv_len = (uint8_t)(12 + data[0] % 21);
	n--;
	pkt = malloc(n ? n : 1);
	if (!pkt)
		abort();
	memcpy(pkt, data + 1, n);
	if (ip_parse(pkt, n, IP_TRUST_SUM, &v) == IP_OK && v.version == 4 && !v.is_frag) {
		if (ah_parse(pkt + v.upper_off, v.total_len - v.upper_off, &ah) == AH_OK &&
		    ah.hdr_len > v.total_len - v.upper_off)
			abort();
		check_pieces(pkt, &v, icv_len);
	}
	free(pkt);
	return 0;
}
