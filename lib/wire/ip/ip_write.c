/*
 * Headers of our own, and the few fields of others' that are rewritten in place.
 */
#include "wire/ip/ip.h"

#include <string.h>

#include "base/wr.h"
#include "wire/ip/csum.h"

enum { IP4_DF = 0x4000, IP4_PROTO_AT = 9, IP4_SUM_AT = 10, IP6_LEN_AT = 4 };

static void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void ip4_write(uint8_t *hdr, const struct ip4_params *p)
{
	struct wr w = wr_init(hdr, IP4_HDR_LEN);

	wr_u8(&w, 0x45);
	wr_u8(&w, p->tos);
	wr_u16(&w, p->total_len);
	wr_u16(&w, p->id);
	wr_u16(&w, p->df ? IP4_DF : 0);
	wr_u8(&w, p->ttl);
	wr_u8(&w, p->proto);
	wr_u16(&w, 0);
	wr_bytes(&w, p->src, sizeof(p->src));
	wr_bytes(&w, p->dst, sizeof(p->dst));
	put_u16(hdr + IP4_SUM_AT, csum_ip4_header(hdr, IP4_HDR_LEN));
}

void ip6_write(uint8_t *hdr, const struct ip6_params *p)
{
	/* RFC 8200 section 3 */
	hdr[0] = (uint8_t)(0x60 | p->tos >> 4);
	hdr[1] = (uint8_t)(p->tos << 4 | (p->flow >> 16 & 15));
	put_u16(hdr + 2, (uint16_t)p->flow);
	put_u16(hdr + IP6_LEN_AT, p->payload_len);
	hdr[6] = p->next;
	hdr[7] = p->hops;
	memcpy(hdr + 8, p->src, sizeof(p->src));
	memcpy(hdr + 24, p->dst, sizeof(p->dst));
}

void ip4_set_payload(uint8_t *hdr, uint8_t proto, uint16_t total_len)
{
	ip_set_payload(hdr, IP4_PROTO_AT, proto, total_len);
}

void ip_set_payload(uint8_t *pkt, uint16_t proto_off, uint8_t proto, uint32_t total_len)
{
	pkt[proto_off] = proto;
	if (pkt[0] >> 4 == 6) {
		put_u16(pkt + IP6_LEN_AT, (uint16_t)(total_len - IP6_HDR_LEN));
	} else {
		put_u16(pkt + 2, (uint16_t)total_len);
		put_u16(pkt + IP4_SUM_AT, csum_ip4_header(pkt, (size_t)(pkt[0] & 15) * 4));
	}
}

/* Replaces the word at pkt + at of an IPv4 header. */
static void ip4_set_word(uint8_t *pkt, size_t at, uint16_t word)
{
	uint16_t sum = csum_adjust(get_u16(pkt + IP4_SUM_AT), get_u16(pkt + at), word);

	put_u16(pkt + at, word);
	put_u16(pkt + IP4_SUM_AT, sum);
}

void ip_set_tos(uint8_t *pkt, uint8_t tos)
{
	if (pkt[0] >> 4 == 4) {
		ip4_set_word(pkt, 0, (uint16_t)(pkt[0] << 8 | tos));
	} else {
		pkt[0] = (uint8_t)((pkt[0] & 0xf0) | tos >> 4);
		pkt[1] = (uint8_t)((pkt[1] & 0x0f) | tos << 4);
	}
}

void ip_set_df(uint8_t *pkt, bool df)
{
	uint16_t word = get_u16(pkt + 6);

	if (pkt[0] >> 4 == 4)
		ip4_set_word(pkt, 6, (uint16_t)(df ? word | IP4_DF : word & ~IP4_DF));
}
