/*
 * Sums 32-bit words into 64 bits, so that carries are folded once at the end. The sum is kept in the
 * machine's byte order (one's complement addition commutes with swapping octets, RFC 1071 section 2B) and
 * turned at the end.
 */
#include "wire/ip/csum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { UDP_CSUM_OFFSET = 6 };

uint64_t csum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (; n >= 4; b += 4, n -= 4) {
		uint32_t w;

		memcpy(&w, b, sizeof(w));
		sum += w;
	}
	if (n) {
		uint8_t last[4] = {0};
		uint32_t w;

		memcpy(last, b, n);
		memcpy(&w, last, sizeof(w));
		sum += w;
	}
	return sum;
}

uint16_t csum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)~sum);
}

uint16_t csum_adjust(uint16_t csum, uint16_t old_word, uint16_t new_word)
{
	/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m') */
	uint32_t sum = (uint16_t)~csum + (uint32_t)(uint16_t)~old_word + new_word;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t csum_ip4_header(const uint8_t *hdr, size_t hdr_len)
{
	uint64_t sum = csum_add(0, hdr, 8);

	sum = csum_add(sum, hdr + 8, 2);
	return csum_finish(csum_add(sum, hdr + 12, hdr_len - 12));
}

int csum_complete(uint8_t *pkt, size_t len, size_t start, size_t offset)
{
	uint16_t v;

	if (start > len || offset > len || len - start < offset + 2)
		return -EINVAL;
	v = csum_finish(csum_add(0, pkt + start, len - start));
	if (v == 0 && offset == UDP_CSUM_OFFSET)
		v = 0xffff;
	v = htons(v);
	memcpy(pkt + start + offset, &v, sizeof(v));
	return 0;
}
