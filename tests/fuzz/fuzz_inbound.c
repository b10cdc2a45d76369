/*
 * Packets through the whole inbound pipeline, with keys that are known: the first octet says what is done to
 * the rest.
 *
 *   0                an outer packet
 *   UDP              the same, as the receiver hands it on when it came in a datagram
 *   CLEAR            the clear part of ESP without any cryptography, trailer and all
 *   anything else    a packet that is sealed honestly, so that everything behind the cryptography meets
 * hostile octets too: by which SA (its last two bits, and OTHERS), in tunnel mode (TUNNEL), over IPv6 (V6)
 *
 * Hostile IPComp is a packet of protocol 108 for this host, outside or sealed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/path_rig.h"
#include "wire/esp/udp_encap.h"
#include "wire/ip/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX = 3000, TUNNEL = 8, CLEAR = 0x10, V6 = 0x20, OTHERS = 0x40, UDP = 0x80 };
enum { SPI_ESP = 0x1001, SPI_GCM, SPI_AH, SPI_NULL, SPI_ESP_ESN, SPI_UDP, SPI_AH_ESN, SPI_COMP };

static const char *const ends[2][2] = {{"10.0.0.1", "10.0.0.2"}, {"2001:db8::1", "2001:db8::2"}};
static struct path_rig rig;

/* Keys are made from SPIs, and those of counter modes may be there once. */
static uint32_t spi_over(bool v6, uint32_t spi)
{
	return spi + (v6 ? 0x21u : 0u);
}

static void add(bool v6, enum ipsec_proto proto, uint32_t spi, enum alg_enc enc, enum alg_auth auth)
{
	struct sa_desc d =
	    path_rig_desc(ends[v6][0], ends[v6][1], proto, spi_over(v6, spi), IPSEC_MODE_ANY, enc, auth);

	if (spi == SPI_ESP_ESN || spi == SPI_AH_ESN)
		d.flags = SA_F_ESN;
	d.fresh_key = true;
	if (spi == SPI_UDP)
		d.encap = (struct sa_encap){.sport = SA_UDP_PORT, .dport = SA_UDP_PORT};
	if (proto == IPSEC_IPCOMP) {
		d.comp = ALG_COMP_DEFLATE;
		d.replay_bytes = 0;
	}
	if (!path_rig_add(&rig, &d, NULL))
		abort();
}

static void add_all(bool v6)
{
	add(v6, IPSEC_ESP, SPI_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	add(v6, IPSEC_ESP, SPI_GCM, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);
	add(v6, IPSEC_AH, SPI_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256);
	add(v6, IPSEC_ESP, SPI_NULL, ALG_ENC_NULL, ALG_AUTH_NONE);
	add(v6, IPSEC_ESP, SPI_ESP_ESN, ALG_ENC_AES_CTR, ALG_AUTH_AES_XCBC);
	add(v6, IPSEC_ESP, SPI_UDP, ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE);
	add(v6, IPSEC_AH, SPI_AH_ESN, ALG_ENC_NONE, ALG_AUTH_AES_GMAC);
	add(v6, IPSEC_IPCOMP, SPI_COMP, ALG_ENC_NONE, ALG_AUTH_NONE);
}

static void begin(void)
{
	const struct selector sel[4] = {path_rig_selector("192.168.0.0/16", "192.168.0.0/16", IPPROTO_ANY_),
	    path_rig_selector(ends[0][0], ends[0][1], 17),
	    path_rig_selector("2001:db8:1::/48", "2001:db8::/32", IPPROTO_ANY_),
	    path_rig_selector(ends[1][0], ends[1][1], 17)};
	struct policy p[4];

	path_rig_init(&rig);
	for (int i = 0; i < 4; i++) {
		bool v6 = i >= 2;

		p[i] = path_rig_policy(POLICY_IN, &sel[i], POLICY_IPSEC);
		if (i % 2 == 0)
			path_rig_request(
			    &p[i], IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, ends[v6][0], ends[v6][1]);
		else
			path_rig_request(&p[i], IPSEC_AH, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
	}
	add_all(false);
	add_all(true);
	path_rig_spd(&rig, p, 4);
}

static size_t put_ip(uint8_t *buf, bool v6, uint8_t proto, size_t n)
{
	const struct inet_addr src = path_rig_addr(ends[v6][0]), dst = path_rig_addr(ends[v6][1]);
	struct ip4_params ip4 = {
	    .proto = proto, .ttl = 64, .id = 1, .total_len = (uint16_t)(IP4_HDR_LEN + n)};
	struct ip6_params ip6 = {.next = proto, .hops = 64, .payload_len = (uint16_t)n};

	memcpy(ip4.src, src.b, 4);
	memcpy(ip4.dst, dst.b, 4);
	memcpy(ip6.src, src.b, 16);
	memcpy(ip6.dst, dst.b, 16);
	if (v6)
		ip6_write(buf, &ip6);
	else
		ip4_write(buf, &ip4);
	return v6 ? IP6_HDR_LEN : IP4_HDR_LEN;
}

static void put_clear_esp(bool v6, const uint8_t *data, size_t n)
{
	static uint8_t buf[MAX + 64];
	static uint32_t seq = 1;
	size_t at = put_ip(buf, v6, IPSEC_ESP, 8 + n);
	const uint32_t spi = spi_over(v6, SPI_NULL);
	const uint8_t head[8] = {0, 0, (uint8_t)(spi >> 8), (uint8_t)spi, (uint8_t)(seq >> 24),
	    (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq};

	seq++;
	memcpy(buf + at, head, sizeof(head));
	if (n)
		memcpy(buf + at + 8, data, n);
	(void)path_rig_put(&rig, buf, at + 8 + n);
}

/* As the receiver of datagrams hands it on: its IP header in front of what the datagram held. */
static void take_from_udp(uint8_t *wire, size_t *len, struct ip_place *place)
{
	memmove(wire + place->at, wire + place->at + UDP_ENCAP_LEN, *len - place->at - UDP_ENCAP_LEN);
	*len -= UDP_ENCAP_LEN;
	ip_set_payload(wire, place->proto_off, IPSEC_ESP, (uint32_t)*len);
}

static void seal_around(const uint8_t *data, size_t n, uint8_t how)
{
	static const uint32_t spis[2][4] = {
	    {SPI_ESP, SPI_GCM, SPI_AH, SPI_ESP}, {SPI_ESP_ESN, SPI_UDP, SPI_AH_ESN, SPI_UDP}};
	static uint8_t wire[PKT_LEN_MAX];
	const uint32_t spi = spis[how & OTHERS ? 1 : 0][how & 3];
	const struct inet_addr dst = path_rig_addr(ends[how & V6 ? 1 : 0][1]);
	struct pkt *p = path_rig_put(&rig, data, n);
	struct ip_place place;
	size_t len;

	p->sa = sad_find_in(&rig.sad, &dst, spi == SPI_AH || spi == SPI_AH_ESN ? IPSEC_AH : IPSEC_ESP,
	    spi_over(how & V6, spi));
	p->mode = how & TUNNEL ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
	p->v6 = n && data[0] >> 4 == 6;
	if (!p->sa || sa_rt_take_seq(p->sa, &p->seq) != SEQ_OK)
		abort();
	stage_seal_esp(&rig.path, &rig.batch);
	stage_seal_ah(&rig.path, &rig.batch);
	if (p->verdict != VERDICT_GO)
		return;
	len = p->len;
	memcpy(wire, p->data, len);
	path_rig_clear(&rig);
	if (spi == SPI_UDP && ip_find_ipsec(wire, len, &place) == IP_OK && place.next == 17)
		take_from_udp(wire, &len, &place);
	p = path_rig_put(&rig, wire, len);
	p->udp_dport = p->udp_sport = spi == SPI_UDP ? SA_UDP_PORT : 0;
}

/* Transport mode expects a packet that was parsed and whose addresses are the SA's. */
static bool may_be_sealed(const uint8_t *data, size_t n, uint8_t how)
{
	struct ip_view v;

	if (how & TUNNEL)
		return true;
	return ip_parse(data, n, IP_TRUST_SUM, &v) == IP_OK && v.total_len == n && !v.is_frag &&
	       (v.version == 6) == !!(how & V6);
}

static void check(const struct pkt *p)
{
	struct ip_view v;

	if (p->verdict == VERDICT_GO || (p->verdict == VERDICT_DROP) != (p->reason != DROP_NONE))
		abort();
	if (p->data < p->room || p->data + p->len > p->room_end)
		abort();
	if (p->verdict == VERDICT_DELIVER &&
	    (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || v.total_len != p->len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t how = n ? data[0] : 0;

	if (!rig.store)
		begin();
	if (n < 1 || n > MAX)
		return 0;
	data++;
	n--;
	path_rig_clear(&rig);
	rig.path.now_ms = rig.clock.ms++;
	if (how == 0 || how == UDP) {
		struct pkt *p = path_rig_put(&rig, data, n);

		p->udp_dport = p->udp_sport = how == UDP ? SA_UDP_PORT : 0;
	} else if (how & CLEAR) {
		put_clear_esp(how & V6, data, n);
	} else if (may_be_sealed(data, n, how)) {
		seal_around(data, n, how);
	}
	path_rig_in(&rig);
	for (uint32_t i = 0; i < rig.batch.n; i++)
		check(&rig.batch.pkt[i]);
	return 0;
}
