/*
 * Checksums that cover the addresses too, and so go wrong when an address changes between two ends (RFC 3948
 * section 3.1.2) or when the packet is one of ours.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

enum { PROTO_UDPLITE = 136, UDP_LEN_AT = 4, UDP_HDR_LEN = 8 };

uint64_t csum_pseudo(const uint8_t *pkt, uint8_t proto, uint32_t len)
{
	bool v6 = pkt[0] >> 4 == 6;
	uint64_t sum = v6 ? csum_add(0, pkt + 8, 32) : csum_add(0, pkt + 12, 8);
	uint8_t rest[8];
	struct wr w = wr_init(rest, sizeof(rest));

	/* IPv4 has a 16-bit length and one zero octet less; as a sum it is the same. */
	wr_u32(&w, len);
	wr_u32(&w, proto);
	return csum_add(sum, rest, sizeof(rest));
}

/* What a checksum covers, and where it stands. */
struct cover {
	uint32_t len;       /* octets of the upper layer that are summed */
	uint32_t upper_len; /* octets the pseudo-header counts */
	uint8_t at;
	bool zero_is_none; /* 0 means "no checksum", so a sum of 0 is written as ones */
};

static bool cover_of_udp(const struct ip_view *v, uint32_t avail, struct cover *ret)
{
	struct rd r = rd_init(v->pkt + v->upper_off, avail);
	uint32_t n;

	rd_skip(&r, UDP_LEN_AT);
	n = rd_u16(&r);
	rd_skip(&r, 2);
	/* RFC 3828 section 3.1: in UDP-Lite the length is that of the part covered, 0 for all of it. */
	if (v->proto == PROTO_UDPLITE && n == 0)
		n = avail;
	*ret = (struct cover){.len = n,
	    .upper_len = v->proto == PROTO_UDPLITE ? avail : n,
	    .at = UDP_LEN_AT + 2,
	    .zero_is_none = true};
	return rd_ok(&r) && n >= UDP_HDR_LEN && n <= avail;
}

static bool cover_of(const struct ip_view *v, struct cover *ret)
{
	uint32_t avail = v->total_len - v->upper_off;

	*ret = (struct cover){.len = avail, .upper_len = avail};
	switch (v->proto) {
	case IPPROTO_TCP:
		ret->at = 16;
		return avail >= 20;
	case IPPROTO_ICMPV6:
		ret->at = 2;
		return v->version == 6 && avail >= 4;
	case IPPROTO_UDP:
	case PROTO_UDPLITE:
		return cover_of_udp(v, avail, ret);
	default:
		return false;
	}
}

bool csum_l4_fill(uint8_t *pkt, const struct ip_view *v)
{
	uint8_t *upper = pkt + v->upper_off;
	struct cover c;
	uint16_t sum;

	if (v->is_frag || !cover_of(v, &c))
		return false;
	if (v->proto == IPPROTO_UDP && v->version == 4 && !upper[c.at] && !upper[c.at + 1])
		return true;
	memset(upper + c.at, 0, 2);
	sum = csum_finish(csum_add(csum_pseudo(pkt, v->proto, c.upper_len), upper, c.len));
	if (sum == 0 && c.zero_is_none)
		sum = 0xffff;
	upper[c.at] = (uint8_t)(sum >> 8);
	upper[c.at + 1] = (uint8_t)sum;
	return true;
}
