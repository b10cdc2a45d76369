/*
 * What must not be answered is asked first: an error about an error, or to an address that stands for many,
 * is how one packet becomes a storm.
 */
#include "wire/ip/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include "base/wr.h"
#include "wire/ip/csum.h"

enum {
	ICMP_HDR_LEN = 8,
	ICMP4_UNREACHABLE = 3,
	ICMP4_NEEDS_FRAGMENTING = 4,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_BAD_PARAMETER = 12,
	ICMP6_TOO_BIG = 2,
	ICMP6_FIRST_QUERY = 128, /* what is below is an error (RFC 4443 section 2.1) */
	ICMP6_REDIRECT = 137,
	TOS_NETWORK_CONTROL = 0xc0, /* RFC 1812 section 4.3.2.5 */
	OUR_TTL = 64,
};

static bool one_host4(const uint8_t *a)
{
	/* "This network", loopback; multicast, reserved and broadcast. */
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool one_host6(const uint8_t *a)
{
	static const uint8_t zero[15];

	/* Multicast; unspecified and loopback. */
	return a[0] != 0xff && (memcmp(a, zero, sizeof(zero)) != 0 || a[15] > 1);
}

/* An ICMP error or redirect, or ICMP whose type cannot be seen. */
static bool is_icmp_error(const struct ip_view *v)
{
	uint8_t type;

	if (v->proto != (v->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return false;
	if (v->upper_off >= v->total_len)
		return true;
	type = v->pkt[v->upper_off];
	if (v->version == 6)
		return type < ICMP6_FIRST_QUERY || type == ICMP6_REDIRECT;
	return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_TIME_EXCEEDED || type == ICMP4_BAD_PARAMETER;
}

static bool may_answer(const struct ip_view *v)
{
	if (v->frag_off || is_icmp_error(v))
		return false;
	if (v->version == 4)
		return one_host4(v->pkt + 12) && one_host4(v->pkt + 16);
	return one_host6(v->pkt + 8) && one_host6(v->pkt + 24);
}

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* ICMP of n octets behind its IP header: header and quotation, checksum last. */
static void write_icmp(uint8_t *at, const struct ip_view *about, uint32_t mtu, size_t n)
{
	struct wr w = wr_init(at, n);
	bool v4 = about->version == 4;

	wr_u8(&w, v4 ? ICMP4_UNREACHABLE : ICMP6_TOO_BIG);
	wr_u8(&w, v4 ? ICMP4_NEEDS_FRAGMENTING : 0);
	wr_u16(&w, 0);
	/* RFC 1191 section 4: 16 unused bits, then the MTU. */
	wr_u32(&w, v4 && mtu > UINT16_MAX ? UINT16_MAX : mtu);
	wr_bytes(&w, about->pkt, n - ICMP_HDR_LEN);
}

static void put_sum(uint8_t *icmp, uint64_t pseudo, size_t n)
{
	uint16_t sum = csum_finish(csum_add(pseudo, icmp, n));

	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

static size_t too_big4(const struct ip_view *about, uint32_t mtu, uint8_t *out, size_t room)
{
	size_t total = min_of(min_of(room, ICMP_ERROR_MAX4), IP4_HDR_LEN + ICMP_HDR_LEN + about->total_len);
	struct ip4_params ip = {
	    .proto = IPPROTO_ICMP, .tos = TOS_NETWORK_CONTROL, .ttl = OUR_TTL, .total_len = (uint16_t)total};

	memcpy(ip.src, about->pkt + 16, sizeof(ip.src));
	memcpy(ip.dst, about->pkt + 12, sizeof(ip.dst));
	ip4_write(out, &ip);
	write_icmp(out + IP4_HDR_LEN, about, mtu, total - IP4_HDR_LEN);
	put_sum(out + IP4_HDR_LEN, 0, total - IP4_HDR_LEN);
	return total;
}

static size_t too_big6(const struct ip_view *about, uint32_t mtu, uint8_t *out, size_t room)
{
	size_t total = min_of(min_of(room, ICMP_ERROR_MAX6), IP6_HDR_LEN + ICMP_HDR_LEN + about->total_len);
	uint16_t n = (uint16_t)(total - IP6_HDR_LEN);
	struct ip6_params ip = {.next = IPPROTO_ICMPV6, .hops = OUR_TTL, .payload_len = n};

	memcpy(ip.src, about->pkt + 24, sizeof(ip.src));
	memcpy(ip.dst, about->pkt + 8, sizeof(ip.dst));
	ip6_write(out, &ip);
	write_icmp(out + IP6_HDR_LEN, about, mtu, n);
	put_sum(out + IP6_HDR_LEN, csum_pseudo(out, IPPROTO_ICMPV6, n), n);
	return total;
}

size_t icmp_too_big(const struct ip_view *about, uint32_t mtu, uint8_t *out, size_t room)
{
	size_t head = (about->version == 4 ? IP4_HDR_LEN : IP6_HDR_LEN) + ICMP_HDR_LEN;

	/* At least the header and 8 octets, by which its sender recognises the packet (RFC 792). */
	if (!may_answer(about) || room < head + min_of(about->total_len, about->hdr_len + 8u))
		return 0;
	return about->version == 4 ? too_big4(about, mtu, out, room) : too_big6(about, mtu, out, room);
}
