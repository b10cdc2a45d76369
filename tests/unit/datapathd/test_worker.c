/*
 * What a worker reads by guess, superpackets from the device and long messages from port 4500, against a
 * model that knows nothing of guesses: every packet that the frames stand for must come out at the far end,
 * octet by octet, in its flow's order. And a worker that has started allocates nothing.
 *
 * With the argument "mb" ipsec-mb does what it can, otherwise OpenSSL all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "crypto/mb/mb.h"
#include "support/count_alloc.h"
#include "support/worker_pair.h"
#include "wire/ip/csum.h"
#include "wire/ip/segment.h"

enum {
	ROUNDS = 1500,
	FLOWS = 6,
	FRAME = 65535,
	PENDING = 4 << 20, /* octets of packets that are under way */
	UDP_MIN = 8,
	TCP_MIN = 20,
};

/* A connection as its sender sees it. */
struct flow {
	bool v6, udp;
	uint8_t n_options;
	uint16_t port, id;
	uint32_t seq;
	/* Packets that must arrive: length, octets. */
	uint8_t *pending;
	uint32_t put, got;
};

static struct worker_pair pair;
static bool with_mb;
static struct rng_seeded rng;
static struct flow flow[FLOWS];
static uint8_t frame[FRAME], packet[FRAME];

static uint32_t below(uint32_t n)
{
	return rng_below(&rng.rng, n);
}

static void flows_init(void)
{
	rng_seeded_init(&rng, 11);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint8_t *pending = flow[i].pending;

		flow[i] = (struct flow){.v6 = i & 1,
		    .udp = i >= 4,
		    .n_options = i < 2 ? 0 : 12,
		    .port = (uint16_t)(1000 + i),
		    .pending = pending ? pending : malloc(PENDING)};
		assert_non_null(flow[i].pending);
	}
}

static uint32_t put_ip(struct flow *f, uint32_t upper)
{
	uint8_t proto = f->udp ? 17 : 6;

	if (f->v6) {
		struct ip6_params ip = {.next = proto, .hops = 64, .payload_len = (uint16_t)upper};

		memcpy(ip.src, path_rig_addr("2001:db8:1::5").b, 16);
		memcpy(ip.dst, path_rig_addr("2001:db8:2::6").b, 16);
		ip6_write(frame, &ip);
		return IP6_HDR_LEN;
	}
	ip4_write(frame, &(struct ip4_params){.src = {192, 168, 1, 5},
	                     .dst = {192, 168, 2, 6},
	                     .proto = proto,
	                     .ttl = 64,
	                     .id = f->id,
	                     .df = true,
	                     .total_len = (uint16_t)(IP4_HDR_LEN + upper)});
	return IP4_HDR_LEN;
}

/* The flow's next octets as one packet, however long, in `frame`. Its length. */
static uint32_t put_packet(struct flow *f, uint32_t payload, bool psh)
{
	uint32_t head = f->udp ? UDP_MIN : TCP_MIN + (uint32_t)f->n_options, at = put_ip(f, head + payload);
	uint8_t *upper = frame + at;
	struct ip_view v;

	memset(upper, 0, head);
	upper[0] = (uint8_t)(f->port >> 8);
	upper[1] = (uint8_t)f->port;
	if (f->udp) {
		upper[4] = (uint8_t)((head + payload) >> 8);
		upper[5] = (uint8_t)(head + payload);
		upper[6] = 1; /* it has a checksum */
	} else {
		for (int i = 0; i < 4; i++)
			upper[4 + i] = (uint8_t)(f->seq >> (24 - 8 * i));
		upper[12] = (uint8_t)(head / 4 << 4);
		upper[13] = psh ? 0x18 : 0x10;
		memset(upper + TCP_MIN, 1, f->n_options);
		f->seq += payload;
	}
	for (uint32_t i = 0; i < payload; i++)
		upper[head + i] = (uint8_t)(i * 7 + f->id);
	assert_int_equal(ip_parse(frame, at + head + payload, IP_TRUST_SUM, &v), IP_OK);
	assert_true(csum_l4_fill(frame, &v));
	return at + head + payload;
}

static void expect(struct flow *f, const uint8_t *p, uint32_t len)
{
	assert_true(f->put + sizeof(len) + len <= PENDING);
	memcpy(f->pending + f->put, &len, sizeof(len));
	memcpy(f->pending + f->put + sizeof(len), p, len);
	f->put += (uint32_t)sizeof(len) + len;
}

static void arrived(const uint8_t *p, uint32_t len)
{
	uint32_t at = p[0] >> 4 == 6 ? IP6_HDR_LEN : IP4_HDR_LEN, want;
	struct flow *f = &flow[(uint32_t)(p[at] << 8 | p[at + 1]) - 1000];

	assert_true(f >= flow && f < flow + FLOWS && f->got < f->put);
	memcpy(&want, f->pending + f->got, sizeof(want));
	assert_int_equal(len, want);
	assert_memory_equal(p, f->pending + f->got + sizeof(want), want);
	f->got += (uint32_t)sizeof(want) + want;
	if (f->got == f->put)
		f->got = f->put = 0;
}

static void write_single(struct flow *f, uint32_t payload)
{
	struct virtio_net_hdr h = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	uint32_t len = put_packet(f, payload, below(4) == 0);

	f->id++;
	expect(f, frame, len);
	worker_pair_write(&pair, &h, frame, len);
}

static enum segment_kind kind_of(const struct flow *f)
{
	return f->udp ? SEGMENT_UDP : SEGMENT_TCP;
}

static void write_chain(struct flow *f, uint32_t payload, uint16_t size)
{
	struct virtio_net_hdr h = {.gso_type = f->udp  ? 5
	                                       : f->v6 ? VIRTIO_NET_HDR_GSO_TCPV6
	                                               : VIRTIO_NET_HDR_GSO_TCPV4,
	    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_size = size};
	uint32_t len = put_packet(f, payload, below(4) == 0), n;
	struct segmenter s;

	assert_int_equal(segment_begin(&s, frame, len, kind_of(f), size), 0);
	f->id = (uint16_t)(f->id + segment_count(&s));
	while ((n = segment_next(&s, packet)))
		expect(f, packet, n);
	worker_pair_write(&pair, &h, frame, len);
}

/* All that has come to B's device, each chain cut into its packets. */
static void read_all(void)
{
	struct virtio_net_hdr h;
	uint32_t len = sizeof(frame), n;

	for (; worker_pair_read(&pair, &h, frame, &len); len = sizeof(frame)) {
		enum segment_kind kind = h.gso_type == 5 ? SEGMENT_UDP : SEGMENT_TCP;
		struct segmenter s;

		if (h.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
			arrived(frame, len);
			continue;
		}
		assert_int_equal(segment_begin(&s, frame, len, kind, h.gso_size), 0);
		while ((n = segment_next(&s, packet)))
			arrived(packet, n);
	}
}

static void all_arrived(void)
{
	for (size_t i = 0; i < FLOWS; i++)
		assert_int_equal(flow[i].put, 0);
}

/* Mostly what a transfer looks like, now and then something else: another flow, length or size. */
static void write_any(void)
{
	static const uint16_t sizes[] = {1368, 1368, 1380, 1024, 1000, 500};
	static uint16_t size = 1368;
	static uint32_t now;
	uint32_t most;

	if (below(6) == 0)
		now = below(FLOWS);
	if (below(8) == 0)
		size = sizes[below(ARRAY_SIZE(sizes))];
	if (below(4) == 0) {
		write_single(&flow[now], 1 + below(1300));
		return;
	}
	most = 60u * size < FRAME - 120 ? 60u * size : FRAME - 120;
	write_chain(&flow[now], size + 1 + below(below(2) ? most - size - 1 : 3u * size), size);
}

static void random_traffic(enum alg_enc enc, enum alg_auth auth, bool gro)
{
	worker_pair_init(&pair, enc, auth, gro);
	flows_init();
	for (int i = 0; i < ROUNDS; i++) {
		for (uint32_t n = 1 + below(3); n; n--)
			write_any();
		worker_pair_run(&pair);
		read_all();
		all_arrived();
	}
	worker_pair_fini(&pair);
}

static void test_worker_any_mix_arrives(void **state)
{
	(void)state;
	random_traffic(ALG_ENC_AES_GCM_16, ALG_AUTH_NONE, true);
}

static void test_worker_any_mix_arrives_datagram_by_datagram(void **state)
{
	(void)state;
	random_traffic(ALG_ENC_AES_GCM_16, ALG_AUTH_NONE, false);
}

static void test_worker_any_mix_arrives_by_cbc_and_hmac(void **state)
{
	(void)state;
	random_traffic(ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, true);
}

/* One flow at full speed: the guess holds, so each packet is read to its place. */
static void stream(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		write_chain(&flow[0], 47 * 1368, 1368);
		worker_pair_run(&pair);
		read_all();
		all_arrived();
	}
}

static void test_worker_a_stream_is_read_to_its_place(void **state)
{
	(void)state;
	worker_pair_init(&pair, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE, true);
	flows_init();
	stream(2);
	assert_int_equal(pair.a.w.chain.size, 1368);
	assert_int_equal(pair.a.w.chain.hdr_len, IP4_HDR_LEN + TCP_MIN);
	/* Header, IV, trailer and ICV around the packet, padded to 4. */
	assert_int_equal(pair.b.w.datagram_len[false], 8 + 8 + (IP4_HDR_LEN + TCP_MIN + 1368) + 4 + 16);
	assert_true(pair.b.w.receive.pieces > 1);
	worker_pair_fini(&pair);
}

/* A digest of OpenSSL 3.0 allocates when its state is copied (lib/crypto/hmac.c): no HMAC without ipsec-mb.
 */
static void test_worker_allocates_nothing(void **state)
{
	static const struct {
		enum alg_enc enc;
		enum alg_auth auth;
	} suite[] = {
	    {ALG_ENC_AES_GCM_16, ALG_AUTH_NONE},
	    {ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE},
	    {ALG_ENC_AES_CCM_16, ALG_AUTH_NONE},
	    {ALG_ENC_AES_CBC, ALG_AUTH_AES_CMAC},
	    {ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256},
	};
	size_t n = with_mb ? ARRAY_SIZE(suite) : ARRAY_SIZE(suite) - 1;
	unsigned long before = count_alloc();
	void *volatile one;

	(void)state;
	if (!count_alloc_works())
		skip();
	one = malloc(1);
	free(one);
	assert_int_equal(count_alloc(), before + 1);
	for (size_t i = 0; i < n; i++) {
		worker_pair_init(&pair, suite[i].enc, suite[i].auth, true);
		flows_init();
		before = count_alloc();
		stream(20);
		for (int k = 0; k < 200; k++) {
			write_any();
			worker_pair_run(&pair);
			read_all();
		}
		assert_int_equal(count_alloc(), before);
		worker_pair_fini(&pair);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worker_any_mix_arrives),
	    cmocka_unit_test(test_worker_any_mix_arrives_datagram_by_datagram),
	    cmocka_unit_test(test_worker_any_mix_arrives_by_cbc_and_hmac),
	    cmocka_unit_test(test_worker_a_stream_is_read_to_its_place),
	    cmocka_unit_test(test_worker_allocates_nothing),
	};
	struct err_text e = {0};
	int failed;

	with_mb = argc > 1;
	if (crypto_init(&e) < 0 || (with_mb && (!crypto_mb() || !crypto_use_engine(crypto_mb()))))
		return 77; /* not for this processor: skipped */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < FLOWS; i++)
		free(flow[i].pending);
	return failed;
}
