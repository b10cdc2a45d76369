/*
 * A packet of either family, as it comes out of a tunnel or from the TUN device: its headers, the key it is
 * classified by, its traffic class, its fragments, the error about it, its MSS and its checksum. The first
 * octet picks an MTU.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip/csum.h"
#include "wire/ip/ecn.h"
#include "wire/ip/frag.h"
#include "wire/ip/icmp.h"
#include "wire/ip/ip.h"
#include "wire/ip/mss.h"

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

/* Where the data of its fragments begins in a packet, and which offset that has. */
static uint32_t data_start(const struct ip_view *v, uint32_t mtu, uint32_t *ret_off)
{
	struct ip6_fragment fh;
	struct ip_place p;

	*ret_off = v->frag_off;
	if (v->version == 4)
		return v->hdr_len;
	if (v->total_len <= mtu)
		return IP6_HDR_LEN;
	if (ip_find_fragment(v->pkt, v->total_len, &fh)) {
		*ret_off = fh.off;
		return fh.at + 8u;
	}
	*ret_off = 0;
	return ip_find_insertion(v->pkt, v->total_len, &p) == IP_OK ? p.at : v->total_len;
}

static void check_fragments(const struct ip_view *v, uint32_t mtu)
{
	static uint8_t one[PACKET_MAX + IP_FRAG_HDR_MAX];
	uint32_t at = 0, off, start = data_start(v, mtu, &off);
	struct ip_fragger f;
	struct ip_frag g;
	struct ip_view piece;

	if (ip_fragger_init(&f, v, mtu, 7) != IP_FRAG_OK)
		return;
	while (ip_fragger_next(&f, &g)) {
		if (g.hdr_len + g.len > mtu || at + g.len > v->total_len - start ||
		    memcmp(g.data, v->pkt + start + at, g.len) != 0)
			abort();
		memcpy(one, g.hdr, g.hdr_len);
		memcpy(one + g.hdr_len, g.data, g.len);
		/* An IPv6 chain that is cut in two can be read no more; nor one that says twice that it is a
		 * fragment, nor one that is at the bound without its fragment header. */
		if (ip_parse(one, g.hdr_len + g.len, IP_CHECK_SUM, &piece) == IP_OK) {
			if (piece.frag_off != off + at && (v->version == 4 || off + at))
				abort();
		} else if (v->version == 4 || (off + at && g.hdr_len < IP6_HDR_LEN + (IP6_EXT_MAX + 1) * 8)) {
			abort();
		}
		at += g.len;
	}
	if (at != v->total_len - start)
		abort();
}

static void check_error(const struct ip_view *v, uint32_t mtu)
{
	uint8_t out[ICMP_ERROR_MAX6];
	size_t n = icmp_too_big(v, mtu, out, sizeof(out));
	struct ip_view e;
	uint64_t pseudo;

	if (!n)
		return;
	if (ip_parse(out, n, IP_CHECK_SUM, &e) != IP_OK || e.total_len != n || e.version != v->version)
		abort();
	pseudo = e.version == 6 ? csum_pseudo(out, 58, (uint32_t)n - 40) : 0;
	if (csum_finish(csum_add(pseudo, out + e.upper_off, n - e.upper_off)) != 0)
		abort();
	/* No error about an error. */
	if (icmp_too_big(&e, mtu, out, sizeof(out)) != 0)
		abort();
}

/* Lowering keeps a right checksum right, and twice is once. */
static void check_transport(uint8_t *pkt, const struct ip_view *v)
{
	uint8_t *upper = pkt + v->upper_off, before[2];

	if (!csum_l4_fill(pkt, v) || v->proto != 6) {
		(void)tcp_clamp_mss(pkt, v, 1200);
		return;
	}
	if (!tcp_clamp_mss(pkt, v, 1200))
		return;
	memcpy(before, upper + 16, 2);
	if (!csum_l4_fill(pkt, v) || tcp_clamp_mss(pkt, v, 1200))
		abort();
	/* 0 and 0xffff are one sum. */
	if (memcmp(before, upper + 16, 2) != 0 && (uint8_t)(before[0] ^ upper[16]) != 0xff)
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
		check_error(&v, mtu);
		check_transport(pkt, &v);
	}
	free(pkt);
	return 0;
}
