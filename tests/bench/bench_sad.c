/*
 * What a packet costs as SAD and SPD grow together, as JSON: a gateway with so many far ends, a policy and an
 * association for each. Packets go to far ends at random, which is the worst there is: nothing of one helps
 * the next, and with many associations nothing is in a cache. Nanoseconds a packet for the whole way out and
 * the whole way in, the best of several rounds; octets of memory for an association and for a policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/mb/mb.h"
#include "support/path_rig.h"
#include "wire/ip/csum.h"

enum { ROUNDS = 9, BATCHES = 200, BATCH = 64, SPI_FIRST = 0x10000, SHORT = 64, LONG = 1400 };

static struct path_rig out, in;
static uint8_t clear[LONG], wire[BATCH][LONG + 200];
static uint32_t wire_len[BATCH];
static struct rng_seeded pick;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t resident(void)
{
	unsigned long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu", &ignored, &pages) != 2)
		abort();
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Far end i, and the network of sixteen addresses behind it. */
static struct inet_addr gateway(uint32_t i)
{
	const uint8_t b[4] = {172, (uint8_t)(16 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i};

	return inet_addr_from_bytes(b, 4);
}

static struct inet_addr network(uint32_t i)
{
	const uint8_t b[4] = {10, (uint8_t)(i >> 12), (uint8_t)(i >> 4), (uint8_t)(i << 4)};

	return inet_addr_from_bytes(b, 4);
}

static void add_sas(struct path_rig *r, uint32_t n)
{
	const struct inet_addr here = path_rig_addr("192.0.2.1");
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	if (sad_txn_init(&t, &r->sad) < 0)
		abort();
	t.manual = false; /* so many are negotiated */
	for (uint32_t i = 0; i < n; i++) {
		uint8_t key[20] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1};
		struct sa_desc d = {.src = here,
		    .dst = gateway(i),
		    .proto = IPSEC_ESP,
		    .spi = SPI_FIRST + i,
		    .mode = IPSEC_TUNNEL,
		    .replay_bytes = 8,
		    .enc = ALG_ENC_AES_GCM_16,
		    .enc_key = key,
		    .enc_key_len = sizeof(key),
		    .fresh_key = true};

		if (sad_txn_add(&t, &d, false, 1, &serial, &e) < 0) {
			fprintf(stderr, "association %u: %s\n", i, e.s);
			exit(1);
		}
	}
	if (sad_txn_commit(&t, NULL, NULL, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		exit(1);
	}
	sad_txn_fini(&t);
}

static void add_policies(struct path_rig *r, uint32_t n, enum policy_dir dir)
{
	const struct inet_addr here = path_rig_addr("192.0.2.1"), inner = path_rig_addr("192.168.0.0");
	struct policy *p = calloc(n, sizeof(*p));

	if (!p)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		const struct selector sel = {
		    .src = {inner, 16}, .dst = {network(i), 28}, .proto = IPPROTO_ANY_};

		p[i] = path_rig_policy(dir, &sel, POLICY_IPSEC);
		path_rig_request(&p[i], IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, NULL, NULL);
		p[i].req[0].src = here;
		p[i].req[0].dst = gateway(i);
	}
	path_rig_spd(r, p, n);
	free(p);
}

/* A batch to BATCH far ends of n; what came of it stays in `wire`. */
static uint64_t seal_batch(uint32_t n, uint32_t len)
{
	uint64_t ns;

	path_rig_clear(&out);
	for (int k = 0; k < BATCH; k++) {
		const struct inet_addr to = network(rng_below(&pick.rng, n));
		uint16_t sum;

		memcpy(clear + 16, to.b, 4);
		clear[19] |= (uint8_t)(1 + rng_below(&pick.rng, 14));
		sum = csum_ip4_header(clear, IP4_HDR_LEN);
		clear[10] = (uint8_t)(sum >> 8);
		clear[11] = (uint8_t)sum;
		(void)path_rig_put(&out, clear, len);
	}
	ns = now_ns();
	path_rig_out(&out);
	ns = now_ns() - ns;
	for (int k = 0; k < BATCH; k++) {
		const struct pkt *p = &out.batch.pkt[k];

		if (p->verdict != VERDICT_SEND)
			abort();
		memcpy(wire[k], p->data, p->len);
		wire_len[k] = p->len;
	}
	return ns;
}

static uint64_t open_batch(void)
{
	uint64_t ns;

	path_rig_clear(&in);
	for (int k = 0; k < BATCH; k++)
		(void)path_rig_put(&in, wire[k], wire_len[k]);
	ns = now_ns();
	path_rig_in(&in);
	ns = now_ns() - ns;
	for (int k = 0; k < BATCH; k++)
		if (in.batch.pkt[k].verdict != VERDICT_DELIVER)
			abort();
	return ns;
}

struct cost {
	uint64_t out, in;
};

static struct cost measure(uint32_t n, uint32_t len)
{
	struct cost best = {UINT64_MAX, UINT64_MAX};

	(void)path_rig_udp(clear, "192.168.0.5", "10.0.0.1", 1000, 2000, len - 28);
	for (int r = 0; r < ROUNDS; r++) {
		struct cost c = {0};

		for (int i = 0; i < BATCHES; i++) {
			c.out += seal_batch(n, len);
			c.in += open_batch();
		}
		best.out = c.out < best.out ? c.out : best.out;
		best.in = c.in < best.in ? c.in : best.in;
	}
	return (struct cost){best.out / (BATCHES * BATCH), best.in / (BATCHES * BATCH)};
}

static void run(uint32_t n, bool last)
{
	uint64_t before, after;
	struct cost s, l;

	path_rig_init(&out);
	path_rig_init(&in);
	rng_seeded_init(&pick, 3);
	before = resident();
	add_sas(&out, n);
	after = resident();
	add_policies(&out, n, POLICY_OUT);
	add_sas(&in, n);
	add_policies(&in, n, POLICY_IN);
	s = measure(n, SHORT);
	l = measure(n, LONG);
	printf("  {\"associations\": %u, \"policies\": %u, \"out_64_ns\": %llu, \"in_64_ns\": %llu, "
	       "\"out_1400_ns\": %llu, "
	       "\"in_1400_ns\": %llu, \"octets_an_association\": %llu, \"octets_a_policy\": %llu}%s\n",
	    n, n, (unsigned long long)s.out, (unsigned long long)s.in, (unsigned long long)l.out,
	    (unsigned long long)l.in, (unsigned long long)(after - before) / n,
	    (unsigned long long)out.view->memory / n, last ? "" : ",");
	path_rig_fini(&out);
	path_rig_fini(&in);
}

int main(void)
{
	static const uint32_t sizes[] = {10, 1000, 100000};
	struct err_text e = {0};

	if (crypto_init(&e) < 0)
		return 1;
	if (crypto_mb())
		(void)crypto_use_engine(crypto_mb());
	printf("{\"schema_version\": 1, \"bench\": \"sad\", \"engine\": \"%s\", \"results\": [\n",
	    crypto_engine_name());
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		run(sizes[i], i + 1 == ARRAY_SIZE(sizes));
	printf("]}\n");
	return 0;
}
