/*
 * Sums 32-bit words into 64-bit lanes, so that carries are folded once at the end. The sum is kept in the
 * machine's byte order (one's complement addition commutes with swapping octets, RFC 1071 section 2B) and
 * turned at the end. The long stretch in the middle is done by lanes of the processor, because it is run over
 * every octet of a fast transfer, twice.
 */
#include "wire/ip/csum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { UDP_CSUM_OFFSET = 6 };

enum { BLOCK = 64 };

typedef uint64_t lanes __attribute__((vector_size(BLOCK / 2)));

/* n: a multiple of BLOCK. At most 2^32 blocks fit into the lanes; a packet has a thousand. */
static inline __attribute__((always_inline)) uint64_t add_blocks(const uint8_t *b, size_t n)
{
	lanes low = {0}, high = {0}, low2 = {0}, high2 = {0};

	for (; n; b += BLOCK, n -= BLOCK) {
		lanes v, w;

		memcpy(&v, b, sizeof(v));
		memcpy(&w, b + sizeof(v), sizeof(w));
		low += v & UINT32_MAX;
		high += v >> 32;
		low2 += w & UINT32_MAX;
		high2 += w >> 32;
	}
	low += high + low2 + high2;
	return low[0] + low[1] + low[2] + low[3];
}

#if defined(__x86_64__)
/* The same, four times as fast. */
static __attribute__((target("avx2"))) uint64_t add_blocks_avx2(const uint8_t *b, size_t n)
{
	return add_blocks(b, n);
}

static uint64_t add_long(const uint8_t *b, size_t n)
{
	return __builtin_cpu_supports("avx2") ? add_blocks_avx2(b, n) : add_blocks(b, n);
}
#else
static uint64_t add_long(const uint8_t *b, size_t n)
{
	return add_blocks(b, n);
}
#endif

uint64_t csum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t whole = n / BLOCK * BLOCK;

	if (whole) {
		sum += add_long(b, whole);
		b += whole;
		n -= whole;
	}
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
