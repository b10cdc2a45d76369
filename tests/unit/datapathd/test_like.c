/*
 * What a packet takes over from one of its flow in front of it, against a path that is given one packet at a
 * time and so can take over nothing: both must come to the same, octet by octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "support/path_pair.h"
#include "wire/ip/csum.h"

enum {
	ROUNDS = 1500,
	N = 48,
	FLOWS = 8,
	SPI = 0x1000,
	PORT_CLEAR = 53,
	PORT_DISCARD = 9,
	PORT_OTHER = 700,
	PORT_NONE = 800
};

#define C       "10.0.0.3"
#define HOST_C  "192.168.3.7"
#define NET_C   "192.168.3.0/24"
#define HOST_A6 "2001:db8:1::5"
#define HOST_B6 "2001:db8:2::6"

/* `pair_a` and `pair_b` work on batches; these on single packets. */
static struct path_rig one_a, one_b;
static struct rng_seeded rng;
static uint8_t packet[N][2048];
static uint32_t length[N];

/* What one packet came to. */
struct result {
	enum verdict verdict;
	enum drop_reason reason;
	uint32_t len;
	uint8_t data[2300];
} many[N], single[N];

static uint32_t below(uint32_t n)
{
	return rng_below(&rng.rng, n);
}

static void add_sa(const char *src, const char *dst, uint32_t spi)
{
	/* Its IV is the number, so that two associations with one key seal alike. */
	struct sa_desc d =
	    path_rig_desc(src, dst, IPSEC_ESP, spi, IPSEC_MODE_ANY, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);
	struct path_rig *rigs[] = {&pair_a, &pair_b, &one_a, &one_b};

	d.replay_bytes = 32;
	for (size_t i = 0; i < ARRAY_SIZE(rigs); i++) {
		assert_non_null(path_rig_add(rigs[i], &d, NULL));
	}
}

static struct policy protect(enum policy_dir dir, const char *src, const char *dst, uint16_t proto,
    enum ipsec_mode mode, const char *far)
{
	struct selector s = path_rig_selector(src, dst, proto);
	struct policy p = path_rig_policy(dir, &s, POLICY_IPSEC);

	path_rig_request(&p, IPSEC_ESP, mode, LEVEL_REQUIRE, mode == IPSEC_TUNNEL ? A : NULL, far);
	return p;
}

static struct policy on_port(enum policy_dir dir, uint16_t port, enum policy_action action)
{
	struct selector s = path_rig_selector(NET_A, NET_B, 17);

	s.dport = port;
	return path_rig_policy(dir, &s, action);
}

static void set_policies(struct path_rig *r, enum policy_dir dir)
{
	const struct policy p[] = {
	    on_port(dir, PORT_CLEAR, POLICY_PASS),
	    on_port(dir, PORT_DISCARD, POLICY_DISCARD),
	    protect(dir, NET_A, NET_B, 6, IPSEC_TUNNEL, B),
	    protect(dir, NET_A, NET_B, 17, IPSEC_TUNNEL, B),
	    protect(dir, NET_A, NET_C, 255, IPSEC_TUNNEL, C),
	    protect(dir, A "/32", B "/32", 255, IPSEC_TRANSPORT, NULL),
	    protect(dir, "2001:db8:1::/48", "2001:db8:2::/48", 255, IPSEC_TUNNEL, B),
	};

	path_rig_spd(r, p, ARRAY_SIZE(p));
}

static int setup(void **state)
{
	pair_setup(state);
	path_rig_init(&one_a);
	path_rig_init(&one_b);
	set_policies(&pair_a, POLICY_OUT);
	set_policies(&one_a, POLICY_OUT);
	set_policies(&pair_b, POLICY_IN);
	set_policies(&one_b, POLICY_IN);
	add_sa(A, B, SPI);
	add_sa(A, C, SPI + 1);
	return 0;
}

static int teardown(void **state)
{
	path_rig_fini(&one_a);
	path_rig_fini(&one_b);
	return pair_teardown(state);
}

static uint32_t put4(uint8_t *p, uint32_t flow, uint32_t payload)
{
	static const uint16_t ports[FLOWS] = {80, 443, PORT_CLEAR, PORT_DISCARD, 7, 8, 5000, 5001};
	bool tcp = flow < 2;
	const struct inet_addr src = path_rig_addr(flow == 7 ? A : HOST_A),
	                       dst = path_rig_addr(flow == 7   ? B
	                                           : flow == 6 ? HOST_C
	                                                       : HOST_B);
	uint32_t upper = tcp ? 20 : 8, n = 20 + upper + payload;
	struct ip4_params ip = {
	    .proto = tcp ? 6 : 17, .ttl = 64, .id = (uint16_t)below(65536), .total_len = (uint16_t)n};

	memset(p, 0, n);
	memcpy(ip.src, src.b, 4);
	memcpy(ip.dst, dst.b, 4);
	ip4_write(p, &ip);
	p[20] = 0x30;
	p[22] = (uint8_t)(ports[flow] >> 8);
	p[23] = (uint8_t)ports[flow];
	if (tcp) {
		p[32] = 0x50;
		p[33] = below(20) ? 0x10 : 0x02;
	} else {
		p[24] = (uint8_t)((8 + payload) >> 8);
		p[25] = (uint8_t)(8 + payload);
	}
	rng.rng.fill(&rng.rng, p + 20 + upper, payload);
	return n;
}

static uint32_t put6(uint8_t *p, uint32_t payload)
{
	const struct inet_addr src = path_rig_addr(HOST_A6), dst = path_rig_addr(HOST_B6);
	struct ip6_params ip = {
	    .next = below(10) ? 17 : 58, .hops = 64, .payload_len = (uint16_t)(8 + payload)};

	memset(p, 0, 48 + payload);
	memcpy(ip.src, src.b, 16);
	memcpy(ip.dst, dst.b, 16);
	ip6_write(p, &ip);
	p[44] = (uint8_t)((8 + payload) >> 8);
	p[45] = (uint8_t)(8 + payload);
	return 48 + payload;
}

/* What spoils a shortcut: options, fragments, lengths that lie, bits that turn. */
static uint32_t spoil(uint8_t *p, uint32_t n)
{
	switch (below(14)) {
	case 0:
		p[6] = 0x20;
		break;
	case 1:
		p[7] = 1;
		break;
	case 2:
		p[2 + below(2)] ^= (uint8_t)(1 << below(3));
		break;
	case 3:
		return n + below(20);
	case 4:
		return below(n);
	case 5:
		p[0] = (uint8_t)(p[0] + 1);
		break;
	case 6:
		p[below(n < 40 ? n : 40)] ^= (uint8_t)(1 << below(8));
		break;
	default:
		break;
	}
	return n;
}

static void make_packets(void)
{
	uint32_t flow = 0;

	memset(packet, 0, sizeof(packet));
	for (uint32_t i = 0; i < N; i++) {
		uint32_t payload = below(4) ? 600 : below(1200);

		if (!below(6))
			flow = below(FLOWS + 1);
		length[i] = flow == FLOWS ? put6(packet[i], payload) : put4(packet[i], flow, payload);
		if (!below(4))
			length[i] = spoil(packet[i], length[i]);
	}
}

static void keep(struct result *to, const struct pkt *p)
{
	*to = (struct result){.verdict = p->verdict, .reason = p->reason};
	if (p->verdict == VERDICT_DROP || p->verdict == VERDICT_HELD)
		return;
	to->len = p->len;
	assert_true(p->len <= sizeof(to->data));
	memcpy(to->data, p->data, p->len);
}

static void run_many(struct path_rig *r, void (*run)(struct path_rig *r))
{
	path_rig_clear(r);
	for (uint32_t i = 0; i < N; i++)
		path_rig_put(r, packet[i], length[i]);
	run(r);
	for (uint32_t i = 0; i < N; i++)
		keep(&many[i], &r->batch.pkt[i]);
}

/* A run of packets whose reassembly or waiting makes a difference in batches is alike too: each is put into
 * the same order. */
static void run_single(struct path_rig *r, void (*run)(struct path_rig *r))
{
	for (uint32_t i = 0; i < N; i++) {
		path_rig_clear(r);
		path_rig_put(r, packet[i], length[i]);
		run(r);
		keep(&single[i], &r->batch.pkt[0]);
	}
}

/* The outer identification counts in the order of sealing, which is the packets' in both. */
static void compare(void)
{
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(many[i].verdict, single[i].verdict);
		/* A forged copy of a packet of the same batch: there its number is not used up yet. */
		if (many[i].reason != DROP_IN_ESPAUTH || single[i].reason != DROP_IN_ESPREPLAY)
			assert_int_equal(many[i].reason, single[i].reason);
		assert_int_equal(many[i].len, single[i].len);
		assert_memory_equal(many[i].data, single[i].data, many[i].len);
	}
}

static uint32_t sent_of(const struct result *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < N; i++)
		if (r[i].verdict == VERDICT_SEND) {
			memcpy(packet[n], r[i].data, r[i].len);
			length[n++] = r[i].len;
		}
	return n;
}

/* The far end gets them with some repeated, changed, shortened, and of the clear ones among them. */
static void on_the_wire(uint32_t n)
{
	for (uint32_t i = n; i < N; i++) {
		uint32_t of = n ? below(n) : 0;

		memmove(packet[i], packet[of], sizeof(packet[i]));
		length[i] = length[of];
	}
	for (uint32_t i = 0; i < N; i++) {
		if (!below(12))
			packet[i][below(length[i] ? length[i] : 1)] ^= (uint8_t)(1 << below(8));
		else if (!below(30))
			length[i] = below(length[i] + 1);
	}
}

static void test_like_batches_and_single_packets_come_to_the_same(void **state)
{
	uint64_t sent = 0, delivered = 0;

	(void)state;
	rng_seeded_init(&rng, 77);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t n;

		make_packets();
		run_many(&pair_a, path_rig_out);
		run_single(&one_a, path_rig_out);
		compare();
		n = sent_of(many);
		sent += n;
		on_the_wire(n);
		run_many(&pair_b, path_rig_in);
		run_single(&one_b, path_rig_in);
		compare();
		for (uint32_t i = 0; i < N; i++)
			delivered += many[i].verdict == VERDICT_DELIVER;
	}
	assert_true(sent > ROUNDS * N / 3);
	assert_true(delivered > ROUNDS * N / 4);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), path_rig_kame(&one_b, KAME_IN_SUCCESS));
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_SUCCESS), path_rig_kame(&one_a, KAME_OUT_SUCCESS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        test_like_batches_and_single_packets_come_to_the_same, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
