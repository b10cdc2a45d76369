/*
 * What a whole worker costs per packet without a machine around it, as JSON: superpackets of a transfer, and
 * single short packets, from one worker's device through ESP in UDP over the loopback to another's. Figures
 * are nanoseconds of processor time a packet, both workers together, of the program and of the kernel for it;
 * the best of several rounds. "apart": the receiver's kernel hands over each datagram by itself. Devices are
 * sockets here, which cost less than a TUN device does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/mb/mb.h"
#include "support/worker_pair.h"
#include "wire/ip/csum.h"
#include "wire/ip/segment.h"

enum { ROUNDS = 60, FRAMES = 50, SEGMENT = 1368, SEGMENTS = 47, SHORTS = 60, SHORT = 64 };

static struct worker_pair pair;
static uint8_t frame[PKT_LEN_MAX], got[PKT_LEN_MAX];

/* Of this process, in the program and in the kernel for it. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* An IPv4 packet of `len` octets, TCP or UDP. */
static void put_packet(uint32_t len, bool udp)
{
	struct ip4_params ip = {.src = {192, 168, 1, 5},
	    .dst = {192, 168, 2, 6},
	    .proto = udp ? 17 : 6,
	    .ttl = 64,
	    .df = true,
	    .total_len = (uint16_t)len};
	uint8_t *upper = frame + IP4_HDR_LEN;
	struct ip_view v;

	memset(frame, 1, len);
	ip4_write(frame, &ip);
	memcpy(upper + 4, (uint8_t[2]){(uint8_t)((len - IP4_HDR_LEN) >> 8), (uint8_t)(len - IP4_HDR_LEN)}, 2);
	if (!udp)
		memcpy(upper + 12, (uint8_t[2]){8 << 4, 0x10}, 2);
	if (ip_parse(frame, len, IP_TRUST_SUM, &v) != IP_OK || !csum_l4_fill(frame, &v))
		abort();
}

static void drain(void)
{
	struct virtio_net_hdr h;
	uint32_t len = sizeof(got);

	while (worker_pair_read(&pair, &h, got, &len))
		len = sizeof(got);
}

static void send_long(void)
{
	const struct virtio_net_hdr h = {
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_size = SEGMENT};

	worker_pair_write(&pair, &h, frame, IP4_HDR_LEN + 32 + SEGMENTS * SEGMENT);
	worker_pair_run(&pair);
	drain();
}

static void send_short(void)
{
	const struct virtio_net_hdr h = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};

	for (int i = 0; i < SHORTS; i++)
		worker_pair_write(&pair, &h, frame, SHORT);
	worker_pair_run(&pair);
	drain();
}

/* Nanoseconds a packet of the cheapest round. */
static uint64_t measure(void (*send)(void), uint64_t packets)
{
	uint64_t best = UINT64_MAX;

	for (int r = 0; r < ROUNDS; r++) {
		uint64_t ns = now_ns();

		for (int i = 0; i < FRAMES; i++)
			send();
		ns = (now_ns() - ns) / (FRAMES * packets);
		best = ns < best ? ns : best;
	}
	return best;
}

static void run(const char *name, enum alg_enc enc, enum alg_auth auth, bool last)
{
	uint64_t l, s, apart;

	worker_pair_init(&pair, enc, auth, true);
	put_packet(IP4_HDR_LEN + 32 + SEGMENTS * SEGMENT, false);
	l = measure(send_long, SEGMENTS);
	put_packet(SHORT, true);
	s = measure(send_short, SHORTS);
	worker_pair_fini(&pair);
	worker_pair_init(&pair, enc, auth, false);
	put_packet(IP4_HDR_LEN + 32 + SEGMENTS * SEGMENT, false);
	apart = measure(send_long, SEGMENTS);
	worker_pair_fini(&pair);
	printf("  {\"suite\": \"%s\", \"long_ns\": %llu, \"long_apart_ns\": %llu, \"short_ns\": %llu}%s\n",
	    name, (unsigned long long)l, (unsigned long long)apart, (unsigned long long)s, last ? "" : ",");
}

int main(void)
{
	struct err_text e = {0};

	if (crypto_init(&e) < 0)
		return 1;
	if (crypto_mb())
		(void)crypto_use_engine(crypto_mb());
	printf("{\"schema_version\": 1, \"bench\": \"worker\", \"engine\": \"%s\", \"results\": [\n",
	    crypto_engine_name());
	run("aes-128-gcm", ALG_ENC_AES_GCM_16, ALG_AUTH_NONE, false);
	run("aes-128-cbc+hmac-sha256", ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, false);
	run("null", ALG_ENC_NULL, ALG_AUTH_NONE, true);
	printf("]}\n");
	return 0;
}
