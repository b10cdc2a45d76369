/*
 * What finding a packet's policy costs as the SPD grows, as JSON: nanoseconds a packet for lookups alone, for
 * the classification stage and for the whole way out with one association; the memory of a policy. Flows are
 * many more than the flow cache holds, and spread over all policies. Figures are the best of several rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "ipsec/spd.h"
#include "support/path_rig.h"

enum { FLOWS = 1 << 15, ROUNDS = 7, BATCH = 64, PAYLOAD = 64 };

static struct path_rig rig;
static uint8_t packets[FLOWS][28 + PAYLOAD];
static struct packet_key keys[FLOWS];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Remote network i: 10.x.y.z/28, so that a hundred thousand fit. */
static struct inet_addr network(uint32_t i)
{
	const uint8_t b[4] = {10, (uint8_t)(i >> 12), (uint8_t)(i >> 4), (uint8_t)(i << 4)};

	return inet_addr_from_bytes(b, 4);
}

/* A gateway's SPD: to every tenth network only one service is protected, to the others everything, all
 * through one tunnel; the last rule discards the rest. */
static struct policy policy_no(uint32_t i, uint32_t n)
{
	const struct inet_addr here = path_rig_addr("192.168.0.0");
	struct selector sel = {.src = {here, 16}, .dst = {network(i), 28}, .proto = IPPROTO_ANY_};
	struct policy p;

	if (i % 10 == 0) {
		sel.proto = 17;
		sel.dport = 53;
	}
	if (i + 1 == n)
		sel.dst.plen = sel.src.plen = 0;
	p = path_rig_policy(POLICY_OUT, &sel, i + 1 == n ? POLICY_DISCARD : POLICY_IPSEC);
	if (i + 1 < n)
		path_rig_request(&p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, "192.0.2.1", "192.0.2.2");
	return p;
}

static void make_packets(uint32_t n)
{
	char src[32], dst[32];
	struct ip_view v;

	for (uint32_t i = 0; i < FLOWS; i++) {
		/* Spread over the list; never the rule that discards. */
		const struct inet_addr a = network((uint32_t)((uint64_t)i * 2654435761u % (n - 1)));
		size_t len;

		snprintf(src, sizeof(src), "192.168.%u.%u", i >> 8 & 0xff, i & 0xff);
		snprintf(dst, sizeof(dst), "%u.%u.%u.%u", a.b[0], a.b[1], a.b[2], a.b[3] | (i & 15));
		len = path_rig_udp(packets[i], src, dst, (uint16_t)(1024 + (i >> 2)), 53, PAYLOAD);
		if (ip_parse(packets[i], (uint32_t)len, IP_TRUST_SUM, &v) != IP_OK)
			abort();
		ip_packet_key(&v, &keys[i]);
	}
}

static uint64_t lookups(void)
{
	uint64_t t = now_ns(), missed = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		missed += !spd_view_match_out(rig.view, &keys[i]);
	if (missed)
		abort();
	return now_ns() - t;
}

static uint64_t batches(bool whole)
{
	uint64_t spent = 0, t;

	rig.path.now_ms = ++rig.clock.ms;
	for (uint32_t i = 0; i < FLOWS; i += BATCH) {
		path_rig_clear(&rig);
		for (uint32_t j = 0; j < BATCH; j++)
			(void)path_rig_put(&rig, packets[i + j], sizeof(packets[0]));
		t = now_ns();
		if (whole) {
			path_outbound(&rig.path, &rig.batch);
		} else {
			stage_parse_out(&rig.path, &rig.batch);
			stage_classify_out(&rig.path, &rig.batch);
		}
		spent += now_ns() - t;
		if (rig.batch.pkt[0].verdict != (whole ? VERDICT_SEND : VERDICT_GO))
			abort();
	}
	return spent;
}

struct figures {
	double lookup, classify, whole;
};

static struct figures measure(void)
{
	uint64_t best[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

	for (int r = 0; r < ROUNDS; r++) {
		const uint64_t t[3] = {lookups(), batches(false), batches(true)};

		for (int i = 0; i < 3; i++)
			best[i] = t[i] < best[i] ? t[i] : best[i];
	}
	return (struct figures){(double)best[0] / FLOWS, (double)best[1] / FLOWS, (double)best[2] / FLOWS};
}

static struct figures run(uint32_t n, const struct figures *base, bool last)
{
	struct policy *p = calloc(n, sizeof(*p));
	struct figures f;
	uint64_t t;

	if (!p)
		abort();
	for (uint32_t i = 0; i < n; i++)
		p[i] = policy_no(i, n);
	t = now_ns();
	path_rig_spd(&rig, p, n);
	t = now_ns() - t;
	free(p);
	make_packets(n);
	f = measure();
	if (!base)
		base = &f;
	printf("    {\"policies\": %u, \"lookup_ns\": %.1f, \"classify_ns\": %.1f, \"outbound_ns\": %.1f, "
	       "\"classify_ratio\": %.2f, \"outbound_ratio\": %.2f, \"octets_a_policy\": %zu, "
	       "\"build_ms\": %.1f}%s\n",
	    n, f.lookup, f.classify, f.whole, f.classify / base->classify, f.whole / base->whole,
	    rig.view->memory / n, (double)t / 1e6, last ? "" : ",");
	return f;
}

int main(void)
{
	static const uint32_t sizes[] = {10, 100, 1000, 10000, 100000};
	struct sa_desc d;
	struct figures base;
	struct policy one;

	path_rig_init(&rig);
	d = path_rig_desc(
	    "192.0.2.1", "192.0.2.2", IPSEC_ESP, 0x1001, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);
	if (!path_rig_add(&rig, &d, NULL))
		abort();
	one = policy_no(1, 3);
	printf("{\"schema_version\": 1, \"bench\": \"spd\", \"flows\": %d, \"payload\": %d, "
	       "\"policyd_octets_a_policy\": %zu,\n  \"results\": [\n",
	    FLOWS, PAYLOAD, offsetof(struct spd_entry, policy) + policy_size(&one) + 4 * sizeof(void *));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct figures f = run(sizes[i], i ? &base : NULL, i + 1 == ARRAY_SIZE(sizes));

		if (!i)
			base = f;
	}
	printf("  ]}\n");
	path_rig_fini(&rig);
	return 0;
}
