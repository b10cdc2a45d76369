#include "datapathd/stage/quoted.h"

#include "base/rd.h"
#include "wire/ip/ext6.h"

bool quoted_header(enum ipsec_proto proto, const uint8_t *at, size_t n, struct path_report *ret)
{
	struct rd r = rd_init(at, n);

	ret->proto = proto;
	ret->has_seq = false;
	if (proto == IPSEC_IPCOMP) {
		rd_skip(&r, 2);
		ret->spi = rd_u16(&r);
		return rd_ok(&r);
	}
	if (proto == IPSEC_AH)
		rd_skip(&r, 4);
	ret->spi = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	ret->seq = rd_u32(&r);
	ret->has_seq = rd_ok(&r);
	return true;
}

/* Past options and a first fragment's header to AH. */
static bool find_ah(const uint8_t *pkt, size_t len, size_t *at)
{
	struct ext6 e;

	if (!ext6_first(pkt, len, &e))
		return false;
	while (e.type != IP6_AUTH) {
		if (!ext6_len(&e) || (e.type != IP6_FRAGMENT && !ext6_is_options(e.type)))
			return false;
		if (e.type == IP6_FRAGMENT && (pkt[e.at + 2] || pkt[e.at + 3] & 0xf8))
			return false;
		if (!ext6_next(&e))
			return false;
	}
	*at = e.at;
	return true;
}

bool quoted_ah6(const uint8_t *icmp, size_t n, struct path_report *ret)
{
	enum { ICMP_LEN = 8, DST_AT = 24 };
	const uint8_t *pkt = icmp + ICMP_LEN;
	struct rd r = rd_init(icmp, n);
	size_t at;

	rd_skip(&r, 4); /* the socket's filter knows the type, the kernel the checksum */
	ret->mtu = rd_u32(&r);
	if (!rd_ok(&r) || !find_ah(pkt, n - ICMP_LEN, &at))
		return false;
	ret->dst = inet_addr_from_bytes(pkt + DST_AT, 16);
	return quoted_header(IPSEC_AH, pkt + at, n - ICMP_LEN - at, ret);
}
