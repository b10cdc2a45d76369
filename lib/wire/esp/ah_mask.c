/*
 * Both families have the same plan: a copy, in which the walk that checks the options also erases. Nothing of
 * the packet is written to.
 */
#include "wire/esp/ah_mask.h"

#include <string.h>

#include "wire/ip/ext6.h"

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
	OPT6_PAD1 = 0,
	OPT6_CHANGES = 0x20, /* "option data may change en route" (RFC 8200 section 4.2) */
	ROUTING_SOURCE = 0,  /* RFC 2460 section 4.4 */
	ROUTING_HOME = 2,    /* RFC 6275 section 6.4 */
	ADDR_LEN = 16,
	DST_AT = 24,
};

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

static int mask_options4(uint8_t *opt, size_t n)
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

int ah4_mask_header(const uint8_t *hdr, size_t hdr_len, uint8_t out[AH_HDR_MAX])
{
	if (hdr_len < IP4_HDR_LEN || hdr_len > IP4_HDR_MAX)
		return AH_SHORT;
	memcpy(out, hdr, hdr_len);
	out[1] = 0;            /* TOS */
	out[6] = out[7] = 0;   /* flags, fragment offset */
	out[8] = 0;            /* TTL */
	out[10] = out[11] = 0; /* header checksum */
	return mask_options4(out + IP4_HDR_LEN, hdr_len - IP4_HDR_LEN);
}

/* Hop-by-hop or destination options of n octets: only the data of an option is zeroed, its type and length
 * stay (appendix A2, section 3.3.3.1.2.2). */
static int mask_options6(uint8_t *hdr, size_t n)
{
	size_t at = 2;

	while (at < n) {
		size_t len;

		if (hdr[at] == OPT6_PAD1) {
			at++;
			continue;
		}
		if (n - at < 2 || hdr[at + 1] > n - at - 2)
			return AH_BAD_OPTION;
		len = hdr[at + 1];
		if (hdr[at] & OPT6_CHANGES)
			memset(hdr + at + 2, 0, len);
		at += 2 + len;
	}
	return AH_OK;
}

/* Does at once what the routers on the way will do one by one: the destination changes places with each
 * address that is still to be visited. */
static int follow_route(uint8_t *hdr, size_t n, enum ah_side side, uint8_t *dst)
{
	uint8_t type = hdr[2], left = hdr[3];
	size_t n_addrs = (n - 8) / ADDR_LEN;

	if (left == 0)
		return AH_OK;
	if (side != AH_SENDING || (type != ROUTING_SOURCE && type != ROUTING_HOME))
		return AH_ROUTED;
	if ((n - 8) % ADDR_LEN || left > n_addrs || (type == ROUTING_HOME && n_addrs != 1))
		return AH_BAD_OPTION;
	for (size_t i = n_addrs - left; i < n_addrs; i++) {
		uint8_t *addr = hdr + 8 + i * ADDR_LEN, was[ADDR_LEN];

		memcpy(was, dst, ADDR_LEN);
		memcpy(dst, addr, ADDR_LEN);
		memcpy(addr, was, ADDR_LEN);
	}
	hdr[3] = 0;
	return AH_OK;
}

/* What has been copied so far. */
struct masked {
	uint8_t *out;
	size_t n;
	size_t proto_at; /* the octet in out that names the next header */
};

/* Takes over one extension header. */
static int mask_ext(struct masked *m, const struct ext6 *e, enum ah_side side)
{
	uint8_t *to = m->out + m->n;
	size_t len = ext6_len(e);

	if (e->type == IP6_FRAGMENT) {
		if (!ext6_is_atomic(e))
			return AH_BAD_OPTION;
		ip_set_payload(m->out, (uint16_t)m->proto_at, e->pkt[e->at],
		    IP6_HDR_LEN + (uint32_t)(m->out[4] << 8 | m->out[5]) - IP6_FRAGMENT_LEN);
		return AH_OK;
	}
	if (!len || !ext6_is_options(e->type))
		return AH_BAD_OPTION;
	memcpy(to, e->pkt + e->at, len);
	m->proto_at = m->n;
	m->n += len;
	return e->type == IP6_ROUTING ? follow_route(to, len, side, m->out + DST_AT) : mask_options6(to, len);
}

int ah6_mask_headers(
    const uint8_t *pkt, size_t ah_off, enum ah_side side, uint8_t out[AH_HDR_MAX], size_t *ret_len)
{
	struct masked m = {.out = out, .n = IP6_HDR_LEN, .proto_at = 6};
	struct ext6 e;

	if (!ext6_first(pkt, ah_off, &e))
		return AH_SHORT;
	if (ah_off > AH_HDR_MAX)
		return AH_BAD_OPTION;
	memcpy(out, pkt, IP6_HDR_LEN);
	out[0] = 0x60; /* class and flow label */
	out[1] = out[2] = out[3] = 0;
	out[7] = 0; /* hop limit */
	while (e.at < ah_off) {
		int r = mask_ext(&m, &e, side);

		if (r != AH_OK)
			return r;
		if (!ext6_next(&e))
			return AH_BAD_OPTION;
	}
	if (e.type != IP6_AUTH)
		return AH_BAD_OPTION;
	*ret_len = m.n;
	return AH_OK;
}
