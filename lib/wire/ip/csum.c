/*
 * Sums 64-bit words with the carry going round, because one's complement addition is indifferent to the width
 * it is done in (RFC 1071 section 2), and in the machine's byte order, because it commutes with swapping
 * octets (section 2B). Two chains at a time: each waits for its own carry only, and this loop is run over
 * every octet of a fast transfer, twice.
 */
#include "wire/ip/csum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { UDP_CSUM_OFFSET = 6 };

static uint64_t word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static uint64_t add_round(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

uint64_t csum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	unsigned __int128 even = sum, odd = 0;

	for (; n >= 32; b += 32, n -= 32) {
		even += word(b);
		odd += word(b + 8);
		even += word(b + 16);
		odd += word(b + 24);
	}
	for (; n >= 8; b += 8, n -= 8)
		even += word(b);
	if (n) {
		uint8_t last[8] = {0};

		memcpy(last, b, n);
		odd += word(last);
	}
	even += odd;
	return add_round((uint64_t)even, (uint64_t)(even >> 64));
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
