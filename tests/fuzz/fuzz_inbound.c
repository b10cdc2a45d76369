/*
 * Packets through the whole inbound pipeline, with keys that are known: the first octet says what is done to
 * the rest. 0: it is an outer packet. Otherwise it becomes the content of one that is sealed honestly, by ESP
 * or AH, transport or tunnel, so that everything behind the cryptography meets hostile octets too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/path_rig.h"
#include "wire/ip/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX = 3000, SPI_ESP = 0x1001, SPI_GCM = 0x1002, SPI_AH = 0x1003, SPI_NULL = 0x1004 };

static struct path_rig rig;

static void add(enum ipsec_proto proto, uint32_t spi, enum alg_enc enc, enum alg_auth auth)
{
	struct sa_desc d = path_rig_desc("10.0.0.1", "10.0.0.2", proto, spi, IPSEC_MODE_ANY, enc, auth);

	if (!path_rig_add(&rig, &d, NULL))
		abort();
}

static void begin(void)
{
	const struct selector sel = path_rig_selector("192.168.0.0/16", "192.168.0.0/16", IPPROTO_ANY_);
	const struct selector hosts = path_rig_selector("10.0.0.1", "10.0.0.2", 17);
	struct policy p[2] = {
	    path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC), path_rig_policy(POLICY_IN, &hosts, POLICY_IPSEC)};

	path_rig_init(&rig);
	add(IPSEC_ESP, SPI_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	add(IPSEC_ESP, SPI_GCM, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);
	add(IPSEC_AH, SPI_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256);
	add(IPSEC_ESP, SPI_NULL, ALG_ENC_NULL, ALG_AUTH_NONE);
	path_rig_request(&p[0], IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, "10.0.0.1", "10.0.0.2");
	path_rig_request(&p[1], IPSEC_AH, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
	path_rig_spd(&rig, p, 2);
}

/* The content as the clear part of an ESP-NULL packet without integrity: trailer and all are the input's. */
static size_t outer(uint8_t *buf, uint8_t proto, uint32_t spi, uint32_t seq, const uint8_t *data, size_t n)
{
	struct ip4_params ip = {
	    .src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2}, .proto = proto, .ttl = 64, .id = 1};
	const uint8_t head[8] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
	    (uint8_t)spi, (uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq};

	ip.total_len = (uint16_t)(28 + n);
	ip4_write(buf, &ip);
	memcpy(buf + 20, head, sizeof(head));
	if (n)
		memcpy(buf + 28, data, n);
	return 28 + n;
}

static void seal_around(const uint8_t *data, size_t n, uint8_t how)
{
	static const uint32_t spis[] = {SPI_ESP, SPI_GCM, SPI_AH};
	const struct inet_addr dst = path_rig_addr("10.0.0.2");
	const uint32_t spi = spis[how % 3];
	struct pkt *p = path_rig_put(&rig, data, n);

	p->sa = sad_find_in(&rig.sad, &dst, spi == SPI_AH ? IPSEC_AH : IPSEC_ESP, spi);
	p->mode = how & 8 ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
	p->v6 = n && data[0] >> 4 == 6;
	if (!p->sa || sa_rt_take_seq(p->sa, &p->seq) != SEQ_OK)
		abort();
	stage_seal_esp(&rig.path, &rig.batch);
	stage_seal_ah(&rig.path, &rig.batch);
	if (p->verdict == VERDICT_GO) {
		static uint8_t wire[PKT_LEN_MAX];
		size_t len = p->len;

		memcpy(wire, p->data, len);
		path_rig_clear(&rig);
		path_rig_put(&rig, wire, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t buf[MAX + 64];
	static uint32_t seq;
	uint8_t how = n ? data[0] : 0;

	if (!rig.store)
		begin();
	if (n < 1 || n > MAX)
		return 0;
	data++;
	n--;
	path_rig_clear(&rig);
	rig.path.now_ms = rig.clock.ms++;
	if (how == 0)
		(void)path_rig_put(&rig, data, n);
	else if (how & 0x10)
		(void)path_rig_put(&rig, buf, outer(buf, IPSEC_ESP, SPI_NULL, ++seq, data, n));
	else if (how & 8 || (n >= 20 && (size_t)(data[0] & 15) * 4 >= 20 && (size_t)(data[0] & 15) * 4 <= n))
		seal_around(data, n, how);
	path_rig_in(&rig);
	for (uint32_t i = 0; i < rig.batch.n; i++) {
		const struct pkt *p = &rig.batch.pkt[i];
		struct ip_view v;

		if (p->verdict == VERDICT_GO || (p->verdict == VERDICT_DROP) != (p->reason != DROP_NONE))
			abort();
		if (p->verdict == VERDICT_DELIVER &&
		    (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || v.total_len != p->len))
			abort();
	}
	return 0;
}
