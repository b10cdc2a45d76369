/*
 * The walk for those who need places: ip_parse() has its own, which only wants to know what is at the end.
 */
#include "wire/ip/ext6.h"

#include "wire/ip/ip.h"

enum { NEXT_AT = 6 };

bool ext6_first(const uint8_t *pkt, size_t len, struct ext6 *ret)
{
	if (len < IP6_HDR_LEN || pkt[0] >> 4 != 6)
		return false;
	*ret = (struct ext6){
	    .pkt = pkt, .end = len, .at = IP6_HDR_LEN, .proto_off = NEXT_AT, .type = pkt[NEXT_AT]};
	return true;
}

bool ext6_is_options(uint8_t type)
{
	return type == IP6_HOPOPTS || type == IP6_ROUTING || type == IP6_DSTOPTS;
}

bool ext6_is_atomic(const struct ext6 *e)
{
	return e->type == IP6_FRAGMENT && e->end - e->at >= IP6_FRAGMENT_LEN && e->pkt[e->at + 2] == 0 &&
	       (e->pkt[e->at + 3] & 0xf9) == 0;
}

size_t ext6_len(const struct ext6 *e)
{
	size_t left = e->end - e->at, n;

	if (left < 8)
		return 0;
	n = e->pkt[e->at + 1];
	/* The fragment header's second octet is reserved; AH counts words of 4 less two, the others words of
	 * 8 less one. */
	if (e->type == IP6_FRAGMENT)
		n = IP6_FRAGMENT_LEN;
	else
		n = e->type == IP6_AUTH ? (n + 2) * 4 : (n + 1) * 8;
	return n <= left ? n : 0;
}

bool ext6_next(struct ext6 *e)
{
	size_t n = ext6_len(e);

	if (!n || e->walked == IP6_EXT_MAX)
		return false;
	e->type = e->pkt[e->at];
	e->proto_off = e->at;
	e->at = (uint16_t)(e->at + n);
	e->walked++;
	return true;
}
