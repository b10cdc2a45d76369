/*
 * A packet of either family, as it comes out of a tunnel or from the TUN device: its headers, the key it is
 * classified by, its traffic class, and its fragments. The first octet picks an MTU.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip/ecn.h"
#include "wire/ip/frag.h"
#include "wire/ip/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PACKET_MAX = 8192 };

static void check_view(const struct ip_view *v, size_t n)
{
	struct packet_key k;

	if (v->total_len > n || v->hdr_len > v->total_len || v->upper_off > v->total_len ||
	    v->upper_off < v->hdr_len || v->proto_off >= v->upper_off || v->pkt[v->proto_off] != v->proto)
		abort();
	ip_packet_key(v, &k);
	if (k.proto != v->proto || inet_addr_len(&k.src) != inet_addr_len(&k.dst) || !inet_addr_len(&k.src))
		abort();
	if (k.has_ports && v->frag_off)
		abort();
	if (!k.has_ports && (k.sport || k.dport))
		abort();
}

static void check_class(uint8_t *pkt, size_t n, const struct ip_view *v)
{
	struct ip_view again;
	uint8_t tos;

	for (int outer = 0; outer < 4; outer++) {
		if (ecn_decapsulate((uint8_t)outer, v->tos, ECN_NORMAL, &tos) != ECN_OK)
			continue;
		ip_set_tos(pkt, tos);
		if (ip_parse(pkt, n, IP_TRUST_SUM, &again) != IP_OK || again.tos != tos ||
		    again.proto != v->proto)
			abort();
		ip_set_tos(pkt, v->tos);
	}
}

static void check_fragments(const struct ip_view *v, uint32_t mtu)
{
	static uint8_t one[PACKET_MAX];
	struct ip_fragger f;
	struct ip_frag g;
	struct ip_view piece;
	uint32_t at = 0;

	if (v->version != 4 || ip_fragger_init(&f, v, mtu, 7) != IP_FRAG_OK)
		return;
	while (ip_fragger_next(&f, &g)) {
		if (g.hdr_len + g.len > mtu || at + g.len > v->total_len - v->hdr_len ||
		    memcmp(g.data, v->pkt + v->hdr_len + at, g.len) != 0)
			abort();
		memcpy(one, g.hdr, g.hdr_len);
		memcpy(one + g.hdr_len, g.data, g.len);
		if (ip_parse(one, g.hdr_len + g.len, IP_CHECK_SUM, &piece) != IP_OK ||
		    piece.frag_off != v->frag_off + at)
			abort();
		at += g.len;
	}
	if (at != v->total_len - v->hdr_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ip_view v;
	uint32_t mtu;
	uint8_t *pkt;

	if (n < 1 || n > PACKET_MAX)
		return 0;
	mtu = 20u + data[0] * 8u;
	n--;
	pkt = malloc(n ? n : 1);
	if (!pkt)
		abort();
	memcpy(pkt, data + 1, n);
	if (ip_parse(pkt, n, IP_TRUST_SUM, &v) == IP_OK) {
		check_view(&v, n);
		check_class(pkt, n, &v);
		check_fragments(&v, mtu);
	}
	free(pkt);
	return 0;
}
