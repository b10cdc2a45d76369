/*
 * AH over either family as it comes from the wire. The first octet is the ICV's length and whose view is
 * taken, the rest the packet. What the ICV is computed over must cover the packet once, and must not depend
 * on what routers change.
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

/* What may change on the way, and the ICV itself. */
static void meddle(uint8_t *pkt, uint16_t ah_off)
{
	if (pkt[0] >> 4 == 4) {
		pkt[1] ^= 0xff;  /* TOS */
		pkt[6] ^= 0x40;  /* DF */
		pkt[8] ^= 0x55;  /* TTL */
		pkt[10] ^= 0xff; /* checksum */
	} else {
		pkt[0] ^= 0x0f; /* class and flow label */
		pkt[1] ^= 0xff;
		pkt[2] ^= 0xff;
		pkt[3] ^= 0xff;
		pkt[7] ^= 0x55; /* hop limit */
	}
	pkt[ah_off + AH_FIXED_LEN] ^= 1;
}

/* Only the fragment header of a whole datagram is left out. */
static size_t left_out(const uint8_t *pkt, size_t len)
{
	size_t n = 0, at = IP6_HDR_LEN;
	uint8_t type = pkt[6];

	while (pkt[0] >> 4 == 6 && type != 51 && at + 1 < len) {
		size_t size = type == 44 ? 8 : (pkt[at + 1] + 1u) * 8;

		n += type == 44 ? 8 : 0;
		type = pkt[at];
		at += size;
	}
	return n;
}

static void check_pieces(uint8_t *pkt, size_t total_len, uint16_t ah_off, uint8_t icv_len, enum ah_side side)
{
	static uint8_t once[PACKET_MAX], twice[PACKET_MAX];
	size_t want = total_len - left_out(pkt, total_len), tail;
	struct ah_pieces p;

	if (ah_pieces(pkt, total_len, ah_off, icv_len, side, &p) != AH_OK)
		return;
	if (gather(&p, once) != want)
		abort();
	/* Everything behind the ICV is the packet's own. */
	tail = total_len - ah_off - AH_FIXED_LEN - icv_len;
	if (memcmp(once + want - tail, pkt + total_len - tail, tail) != 0)
		abort();
	meddle(pkt, ah_off);
	if (ah_pieces(pkt, total_len, ah_off, icv_len, side, &p) != AH_OK || gather(&p, twice) != want ||
	    memcmp(once, twice, want) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum ah_side side;
	struct ip_place at;
	struct ip_view v;
	struct ah_view ah;
	uint8_t icv_len, *pkt;

	if (n < 1 || n > PACKET_MAX)
		return 0;
	icv_len = (uint8_t)(12 + data[0] % 21);
	side = data[0] & 0x80 ? AH_SENDING : AH_RECEIVED;
	n--;
	pkt = malloc(n ? n : 1);
	if (!pkt)
		abort();
	memcpy(pkt, data + 1, n);
	if (ip_parse(pkt, n, IP_TRUST_SUM, &v) == IP_OK && ip_find_ipsec(pkt, v.total_len, &at) == IP_OK &&
	    at.next == 51) {
		if (ah_parse(pkt + at.at, v.total_len - at.at, &ah) == AH_OK &&
		    ah.hdr_len > v.total_len - at.at)
			abort();
		check_pieces(pkt, v.total_len, at.at, icv_len, side);
	}
	free(pkt);
	return 0;
}
