/*
 * Where in a chain of headers IPsec's own stand, or belong.
 */
#include "base/rd.h"
#include "wire/ip/ext6.h"
#include "wire/ip/ip.h"

enum { IP4_PROTO_AT = 9 };

static int find4(const uint8_t *pkt, size_t len, struct ip_place *ret)
{
	uint16_t hdr_len = (uint16_t)((pkt[0] & 15) * 4);

	if (len < IP4_HDR_LEN)
		return IP_SHORT;
	if (hdr_len < IP4_HDR_LEN)
		return IP_BAD_HEADER;
	if (len < hdr_len)
		return IP_SHORT;
	/* More-fragments or an offset. */
	if ((pkt[6] & 0x3f) || pkt[7])
		return IP_FRAGMENT;
	*ret = (struct ip_place){.at = hdr_len, .proto_off = IP4_PROTO_AT, .next = pkt[IP4_PROTO_AT]};
	return IP_OK;
}

static struct ip_place place_of(const struct ext6 *e)
{
	return (struct ip_place){.at = e->at, .proto_off = e->proto_off, .next = e->type};
}

/* `insertion`: the last place behind a header that routers look at, rather than the end of the walk. */
static int find6(const uint8_t *pkt, size_t len, bool insertion, struct ip_place *ret)
{
	struct ip_place best;
	struct ext6 e;

	if (!ext6_first(pkt, len, &e))
		return IP_SHORT;
	best = place_of(&e);
	while (ext6_is_options(e.type) || e.type == IP6_FRAGMENT) {
		bool for_last_host = e.type == IP6_DSTOPTS;

		if (!ext6_len(&e))
			return IP_BAD_EXT;
		if (e.type == IP6_FRAGMENT && !ext6_is_atomic(&e))
			return IP_FRAGMENT;
		if (!ext6_next(&e))
			return IP_BAD_EXT;
		if (!insertion || !for_last_host)
			best = place_of(&e);
	}
	*ret = best;
	return IP_OK;
}

static int find(const uint8_t *pkt, size_t len, bool insertion, struct ip_place *ret)
{
	if (len == 0)
		return IP_SHORT;
	if (pkt[0] >> 4 == 4)
		return find4(pkt, len, ret);
	if (pkt[0] >> 4 == 6)
		return find6(pkt, len, insertion, ret);
	return IP_BAD_VERSION;
}

int ip_find_ipsec(const uint8_t *pkt, size_t len, struct ip_place *ret)
{
	return find(pkt, len, false, ret);
}

int ip_find_insertion(const uint8_t *pkt, size_t len, struct ip_place *ret)
{
	return find(pkt, len, true, ret);
}

bool ip_find_fragment(const uint8_t *pkt, size_t len, struct ip6_fragment *ret)
{
	struct ext6 e;
	struct rd r;
	uint16_t off;

	if (!ext6_first(pkt, len, &e))
		return false;
	while (ext6_is_options(e.type))
		if (!ext6_next(&e))
			return false;
	if (e.type != IP6_FRAGMENT || !ext6_len(&e))
		return false;
	r = rd_init(pkt + e.at, IP6_FRAGMENT_LEN);
	*ret = (struct ip6_fragment){.at = e.at, .proto_off = e.proto_off, .next = rd_u8(&r)};
	rd_skip(&r, 1);
	off = rd_u16(&r);
	ret->off = off & 0xfff8;
	ret->more = off & 1;
	ret->id = rd_u32(&r);
	return true;
}
