/*
 * AH authenticates the outer header too, so both ends must agree on what a router may have changed. The
 * packet itself is never touched for that: the ICV runs over a masked copy of the two headers and over the
 * rest where it lies.
 */
#include "wire/esp/ah.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "wire/esp/ah_mask.h"

static size_t align_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

size_t ah_len(uint8_t icv_len, uint8_t ip_version)
{
	/* RFC 4302 section 2.6: the ICV is padded so that the header is a multiple of 32 bits (IPv4) or 64
	 * (IPv6). */
	return align_up(AH_FIXED_LEN + (size_t)icv_len, ip_version == 6 ? 8 : 4);
}

void ah_write(uint8_t *ah, uint8_t icv_len, uint8_t ip_version, uint32_t spi, uint32_t seq, uint8_t next)
{
	size_t len = ah_len(icv_len, ip_version);
	struct wr w = wr_init(ah, len);

	/* RFC 4302 section 2; payload length is in words of 4 octets, less two */
	wr_u8(&w, next);
	wr_u8(&w, (uint8_t)(len / 4 - 2));
	wr_u16(&w, 0);
	wr_u32(&w, spi);
	wr_u32(&w, seq);
	wr_fill(&w, 0, len - AH_FIXED_LEN);
}

int ah_parse(const void *ah, size_t len, struct ah_view *ret)
{
	struct rd r = rd_init(ah, len);
	struct ah_view v = {.next = rd_u8(&r)};

	v.hdr_len = (rd_u8(&r) + 2u) * 4;
	rd_skip(&r, 2);
	v.spi = rd_u32(&r);
	v.seq = rd_u32(&r);
	if (!rd_ok(&r) || v.hdr_len < AH_FIXED_LEN || v.hdr_len > len)
		return AH_SHORT;
	*ret = v;
	return AH_OK;
}

int ah_check_len(const struct ah_view *v, uint8_t icv_len, uint8_t ip_version)
{
	if (v->hdr_len == ah_len(icv_len, ip_version) || v->hdr_len == ah_len(icv_len, 6))
		return AH_OK;
	return AH_BAD_LEN;
}

static int mask(const uint8_t *pkt, uint16_t ah_off, enum ah_side side, uint8_t *out, size_t *ret_len)
{
	if (pkt[0] >> 4 == 6)
		return ah6_mask_headers(pkt, ah_off, side, out, ret_len);
	if (ah_off != (pkt[0] & 15) * 4)
		return AH_SHORT;
	*ret_len = ah_off;
	return ah4_mask_header(pkt, ah_off, out);
}

int ah_pieces(const uint8_t *pkt, size_t total_len, uint16_t ah_off, uint8_t icv_len, enum ah_side side,
    struct ah_pieces *ret)
{
	struct ah_view ah = {0};
	size_t ip_len = 0;
	int r;

	if (ah_off < IP4_HDR_LEN || total_len < ah_off)
		return AH_SHORT;
	r = ah_parse(pkt + ah_off, total_len - ah_off, &ah);
	if (r == AH_OK)
		r = ah_check_len(&ah, icv_len, pkt[0] >> 4);
	if (r == AH_OK)
		r = mask(pkt, ah_off, side, ret->ip, &ip_len);
	if (r != AH_OK)
		return r;
	/* The ICV counts as zeros, its padding as it is (section 3.3.3.2.1). */
	memcpy(ret->ah, pkt + ah_off, ah.hdr_len);
	memset(ret->ah + AH_FIXED_LEN, 0, icv_len);
	ret->v[0] = (struct iovec){.iov_base = ret->ip, .iov_len = ip_len};
	ret->v[1] = (struct iovec){.iov_base = ret->ah, .iov_len = ah.hdr_len};
	ret->v[2] = (struct iovec){.iov_base = (void *)(uintptr_t)(pkt + ah_off + ah.hdr_len),
	    .iov_len = total_len - ah_off - ah.hdr_len};
	return AH_OK;
}

const char *ah_outcome_name(enum ah_outcome o)
{
	static const char *const names[] = {
	    [AH_OK] = "good",
	    [AH_SHORT] = "shorter than its header says",
	    [AH_BAD_LEN] = "header length does not fit the algorithm of its SA",
	    [AH_BAD_OPTION] = "malformed or too long IP options or extension headers",
	    [AH_ROUTED] = "a source route or routing header that is still to be followed",
	};

	return o < ARRAY_SIZE(names) ? names[o] : "?";
}
