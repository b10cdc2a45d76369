/*
 * Options are a stranger's octets: the walk ends at the first that does not fit.
 */
#include "wire/ip/mss.h"

#include <netinet/in.h>

#include "wire/ip/csum.h"
#include "wire/ip/ext6.h"
#include "wire/ip/fields.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_MSS_LEN = 4,
};

static uint16_t swapped(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* ip_parse() takes AH for one of IPv6's extension headers and looks behind it. */
static bool under_ah(const uint8_t *pkt, const struct ip_view *v)
{
	struct ext6 e;

	if (v->version != 6 || !ext6_first(pkt, v->total_len, &e))
		return false;
	while (e.at < v->upper_off && e.type != IP6_AUTH)
		if (!ext6_next(&e))
			break;
	return e.at < v->upper_off;
}

/* at: of the option's value, from the TCP header. */
static bool lower(uint8_t *tcp, size_t at, uint16_t mss)
{
	uint16_t was = get_u16(tcp + at), sum = get_u16(tcp + TCP_SUM_AT);

	if (was <= mss)
		return false;
	put_u16(tcp + at, mss);
	/* A value at an odd place counts with its octets swapped (RFC 1071 section 2B). */
	sum = at % 2 ? csum_adjust(sum, swapped(was), swapped(mss)) : csum_adjust(sum, was, mss);
	put_u16(tcp + TCP_SUM_AT, sum);
	return true;
}

/* n: octets of header and options. */
static bool clamp_options(uint8_t *tcp, size_t n, uint16_t mss)
{
	bool changed = false;

	for (size_t at = TCP_HDR_MIN; at < n && tcp[at] != OPT_END;) {
		if (tcp[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (n - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > n - at)
			break;
		if (tcp[at] == OPT_MSS && tcp[at + 1] == OPT_MSS_LEN)
			changed |= lower(tcp, at + 2, mss);
		at += tcp[at + 1];
	}
	return changed;
}

bool tcp_clamp_mss(uint8_t *pkt, const struct ip_view *v, uint16_t mss)
{
	uint8_t *tcp = pkt + v->upper_off;
	size_t avail = v->total_len - v->upper_off, n;

	if (v->proto != IPPROTO_TCP || v->frag_off || avail < TCP_HDR_MIN)
		return false;
	n = (size_t)(tcp[TCP_OFFSET_AT] >> 4) * 4;
	if (!(tcp[TCP_FLAGS_AT] & TCP_SYN) || n > avail || under_ah(pkt, v))
		return false;
	return clamp_options(tcp, n, mss);
}
