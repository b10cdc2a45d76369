/*
 * AH authenticates the outer header too, so both ends must agree on what a router may have changed. The
 * packet itself is never touched for that: the ICV runs over a masked copy of the two headers and over the
 * rest where it lies.
 */
#include "wire/esp/ah.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_SECURITY = 130,
	OPT_LOOSE_ROUTE = 131,
	OPT_EXT_SECURITY = 133,
	OPT_COMMERCIAL_SECURITY = 134,
	OPT_STRICT_ROUTE = 137,
	OPT_ROUTER_ALERT = 148,
	OPT_MULTI_DEST = 149,
};

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

/* RFC 4302 appendix A1; what is not listed there as immutable counts as mutable. */
static bool option_is_immutable(uint8_t type)
{
	switch (type) {
	case OPT_SECURITY:
	case OPT_EXT_SECURITY:
	case OPT_COMMERCIAL_SECURITY:
	case OPT_ROUTER_ALERT:
	case OPT_MULTI_DEST:
		return true;
	default:
		return false;
	}
}

static int mask_options(uint8_t *opt, size_t n)
{
	size_t at = 0;

	while (at < n && opt[at] != OPT_END) {
		size_t len;

		if (opt[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (n - at < 2 || opt[at + 1] < 2 || opt[at + 1] > n - at)
			return AH_BAD_OPTION;
		if (opt[at] == OPT_LOOSE_ROUTE || opt[at] == OPT_STRICT_ROUTE)
			return AH_ROUTED;
		len = opt[at + 1];
		/* An option is zeroed as a whole, type and length too (section 3.3.3.1.1.2). */
		if (!option_is_immutable(opt[at]))
			memset(opt + at, 0, len);
		at += len;
	}
	return AH_OK;
}

int ah4_mask_header(const uint8_t *hdr, size_t hdr_len, uint8_t out[IP4_HDR_MAX])
{
	if (hdr_len < IP4_HDR_LEN || hdr_len > IP4_HDR_MAX)
		return AH_SHORT;
	memcpy(out, hdr, hdr_len);
	out[1] = 0;            /* TOS */
	out[6] = out[7] = 0;   /* flags, fragment offset */
	out[8] = 0;            /* TTL */
	out[10] = out[11] = 0; /* header checksum */
	return mask_options(out + IP4_HDR_LEN, hdr_len - IP4_HDR_LEN);
}

int ah4_pieces(const uint8_t *pkt, size_t total_len, uint8_t icv_len, struct ah_pieces *ret)
{
	size_t hdr_len = total_len ? (size_t)(pkt[0] & 15) * 4 : 0;
	struct ah_view ah = {0};
	int r;

	if (total_len < hdr_len || hdr_len < IP4_HDR_LEN)
		return AH_SHORT;
	r = ah_parse(pkt + hdr_len, total_len - hdr_len, &ah);
	if (r == AH_OK)
		r = ah_check_len(&ah, icv_len, 4);
	if (r == AH_OK)
		r = ah4_mask_header(pkt, hdr_len, ret->ip);
	if (r != AH_OK)
		return r;
	/* The ICV counts as zeros, its padding as it is (section 3.3.3.2.1). */
	memcpy(ret->ah, pkt + hdr_len, ah.hdr_len);
	memset(ret->ah + AH_FIXED_LEN, 0, icv_len);
	ret->v[0] = (struct iovec){.iov_base = ret->ip, .iov_len = hdr_len};
	ret->v[1] = (struct iovec){.iov_base = ret->ah, .iov_len = ah.hdr_len};
	ret->v[2] = (struct iovec){.iov_base = (void *)(uintptr_t)(pkt + hdr_len + ah.hdr_len),
	    .iov_len = total_len - hdr_len - ah.hdr_len};
	return AH_OK;
}

const char *ah_outcome_name(enum ah_outcome o)
{
	static const char *const names[] = {
	    [AH_OK] = "good",
	    [AH_SHORT] = "shorter than its header says",
	    [AH_BAD_LEN] = "header length does not fit the algorithm of its SA",
	    [AH_BAD_OPTION] = "malformed IPv4 options",
	    [AH_ROUTED] = "source route option",
	};

	return o < ARRAY_SIZE(names) ? names[o] : "?";
}
