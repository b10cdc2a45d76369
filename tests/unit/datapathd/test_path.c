/*
 * Both pipelines against each other: every transform in every mode, bundles, levels, and what must be dropped
 * with which reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_rig.h"
#include "wire/ip/csum.h"
#include "wire/ip/ecn.h"
#include "wire/ip/ip.h"

#define A      "10.0.0.1"
#define B      "10.0.0.2"
#define NET_A  "192.168.1.0/24"
#define NET_B  "192.168.2.0/24"
#define HOST_A "192.168.1.5"
#define HOST_B "192.168.2.6"

static struct path_rig a, b;
static uint8_t buf[PKT_LEN_MAX];

static int setup(void **state)
{
	(void)state;
	path_rig_init(&a);
	path_rig_init(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	path_rig_fini(&a);
	path_rig_fini(&b);
	return 0;
}

/* The SA in both SADs. */
static void both(const struct sa_desc *d)
{
	assert_non_null(path_rig_add(&a, d, NULL));
	assert_non_null(path_rig_add(&b, d, NULL));
}

/* Policies out of A and into B for this selector, with the requests that `fill` adds. */
static void protect(const struct selector *sel, void (*fill)(struct policy *p))
{
	struct policy out = path_rig_policy(POLICY_OUT, sel, POLICY_IPSEC),
	              in = path_rig_policy(POLICY_IN, sel, POLICY_IPSEC);

	fill(&out);
	fill(&in);
	path_rig_spd(&a, &out, 1);
	path_rig_spd(&b, &in, 1);
}

static void tunnel_esp(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, A, B);
}

static void tunnel_ah(struct policy *p)
{
	path_rig_request(p, IPSEC_AH, IPSEC_TUNNEL, LEVEL_REQUIRE, A, B);
}

static void transport_esp(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
}

static void transport_ah(struct policy *p)
{
	path_rig_request(p, IPSEC_AH, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
}

static void transport_bundle(struct policy *p)
{
	transport_esp(p);
	transport_ah(p);
}

static void tunnel_bundle(struct policy *p)
{
	tunnel_esp(p);
	tunnel_ah(p);
}

static void use_tunnel_bundle(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, A, B);
	path_rig_request(p, IPSEC_AH, IPSEC_TUNNEL, LEVEL_USE, A, B);
}

static struct selector nets(void)
{
	return path_rig_selector(NET_A, NET_B, IPPROTO_ANY_);
}

static struct selector hosts(void)
{
	return path_rig_selector(A, B, IPPROTO_ANY_);
}

/* Sends one packet of `n` octets from A to B; it must arrive as it was. */
static void expect_arrives(const char *src, const char *dst, size_t n)
{
	size_t len = path_rig_udp(buf, src, dst, 1000, 2000, n);

	path_rig_clear(&a);
	path_rig_put(&a, buf, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_NONE);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(path_rig_wire(&a, &b), 1);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].reason, DROP_NONE);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(b.batch.pkt[0].len, len);
	assert_memory_equal(b.batch.pkt[0].data, buf, len);
}

static void test_every_transform_in_every_mode_arrives(void **state)
{
	static const struct {
		enum ipsec_proto proto;
		enum alg_enc enc;
		enum alg_auth auth;
	} row[] = {
	    {IPSEC_ESP, ALG_ENC_NULL, ALG_AUTH_NONE},
	    {IPSEC_ESP, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1},
	    {IPSEC_ESP, ALG_ENC_3DES_CBC, ALG_AUTH_NONE},
	    {IPSEC_ESP, ALG_ENC_3DES_CBC, ALG_AUTH_HMAC_MD5},
	    {IPSEC_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256},
	    {IPSEC_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA512},
	    {IPSEC_ESP, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE},
	    {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_MD5},
	    {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1},
	    {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA384},
	    {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA512},
	};
	uint32_t spi = 0x1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		for (int tunnel = 0; tunnel < 2; tunnel++) {
			const struct selector sel = tunnel ? nets() : hosts();
			struct sa_desc d = path_rig_desc(A, B, row[i].proto, ++spi,
			    i % 2    ? IPSEC_MODE_ANY
			    : tunnel ? IPSEC_TUNNEL
			             : IPSEC_TRANSPORT,
			    row[i].enc, row[i].auth);

			both(&d);
			protect(&sel, row[i].proto == IPSEC_ESP ? (tunnel ? tunnel_esp : transport_esp)
			                                        : (tunnel ? tunnel_ah : transport_ah));
			for (size_t n = 0; n < 40; n++)
				expect_arrives(tunnel ? HOST_A : A, tunnel ? HOST_B : B, n);
			expect_arrives(tunnel ? HOST_A : A, tunnel ? HOST_B : B, 1372);
			path_rig_delete(&a, &d);
			path_rig_delete(&b, &d);
		}
	}
	assert_int_equal(path_rig_kame(&a, KAME_OUT_SUCCESS), ARRAY_SIZE(row) * 2 * 41);
	assert_int_equal(path_rig_kame(&b, KAME_IN_SUCCESS), ARRAY_SIZE(row) * 2 * 41);
	assert_int_equal(counter_get(&b.counters.hist[0][HIST_IN_AH][ALG_AUTH_HMAC_MD5]), 2 * 41);
	assert_int_equal(counter_get(&b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_GCM_16]), 2 * 41);
	assert_int_equal(counter_get(&a.counters.hist[0][HIST_OUT_ESP][ALG_ENC_3DES_CBC]), 4 * 41);
	assert_int_equal(path_rig_kame(&b, KAME_IN_AHAUTHSUCC), 8 * 41);
}

static void add_bundle_sas(enum ipsec_mode mode)
{
	struct sa_desc esp =
	    path_rig_desc(A, B, IPSEC_ESP, 0x2001, mode, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	struct sa_desc ah = path_rig_desc(A, B, IPSEC_AH, 0x2002, mode, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256);

	both(&esp);
	both(&ah);
}

static void test_transport_bundle_is_ip_ah_esp(void **state)
{
	const struct selector sel = hosts();

	(void)state;
	add_bundle_sas(IPSEC_TRANSPORT);
	protect(&sel, transport_bundle);
	expect_arrives(A, B, 100);
	assert_int_equal(b.batch.pkt[0].n_applied, 2);
	assert_int_equal(path_rig_kame(&a, KAME_OUT_SUCCESS), 2);
	assert_int_equal(path_rig_kame(&b, KAME_IN_SUCCESS), 2);
	assert_int_equal(a.batch.pkt[0].data[9], IPSEC_AH);
	assert_int_equal(a.batch.pkt[0].data[20], IPSEC_ESP);
}

/* S: esp/tunnel/A-B ah/tunnel/A-B is IP(A,B) AH IP(A,B) ESP IP payload. */
static void test_tunnel_bundle_has_two_outer_headers(void **state)
{
	const struct selector sel = nets();
	const uint8_t *p;

	(void)state;
	add_bundle_sas(IPSEC_TUNNEL);
	protect(&sel, tunnel_bundle);
	expect_arrives(HOST_A, HOST_B, 100);
	p = a.batch.pkt[0].data;
	assert_int_equal(p[9], IPSEC_AH);
	assert_int_equal(p[20], 4);
	p += 20 + ah_len(16, 4);
	assert_int_equal(p[9], IPSEC_ESP);
}

static size_t send_clear_packet(const char *src, const char *dst)
{
	size_t len = path_rig_udp(buf, src, dst, 1000, 2000, 64);

	path_rig_clear(&a);
	path_rig_put(&a, buf, len);
	path_rig_out(&a);
	return len;
}

/* S63: AH SAs whose endpoints fit no policy: level use sends ESP alone and counts nothing. */
static void test_use_bundle_with_esp_only_sends_esp_only_S63(void **state)
{
	const struct selector sel = hosts();
	struct sa_desc esp =
	    path_rig_desc(A, B, IPSEC_ESP, 0x10001, IPSEC_TUNNEL, ALG_ENC_3DES_CBC, ALG_AUTH_NONE);

	(void)state;
	both(&esp);
	protect(&sel, use_tunnel_bundle);
	expect_arrives(A, B, 10);
	assert_int_equal(a.batch.pkt[0].data[9], IPSEC_ESP);
	assert_int_equal(path_rig_kame(&a, KAME_OUT_NOSA), 0);
	assert_int_equal(counter_get(&a.counters.path[PATH_ACQUIRE_WANTED]), 1);
}

static void test_use_without_sa_goes_in_clear_unchanged(void **state)
{
	const struct selector sel = hosts();
	size_t len;

	(void)state;
	protect(&sel, use_tunnel_bundle);
	len = send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_CLEAR);
	assert_int_equal(a.batch.pkt[0].len, len);
	assert_memory_equal(a.batch.pkt[0].data, buf, len);
	for (unsigned k = 0; k < KAME_N; k++)
		assert_int_equal(path_rig_kame(&a, (enum kame_counter)k), 0);
}

static void test_require_without_sa_drops_and_asks_once(void **state)
{
	const struct selector sel = hosts();
	struct acquire_hint h;

	(void)state;
	protect(&sel, transport_esp);
	for (int i = 0; i < 5; i++) {
		send_clear_packet(A, B);
		assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_NOSA);
	}
	assert_int_equal(path_rig_kame(&a, KAME_OUT_NOSA), 5);
	assert_true(acquire_ring_pop(&a.acquires, &h));
	assert_int_equal(h.policy_id, a.view->out[0]->p.id);
	assert_int_equal(h.packet.dport, 2000);
	assert_false(acquire_ring_pop(&a.acquires, &h));
}

static void test_no_policy_drops_outbound(void **state)
{
	(void)state;
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_NOPOLICY);
}

static void test_disabled_passes_out_and_refuses_in(void **state)
{
	const struct selector sel = hosts();

	(void)state;
	protect(&sel, transport_esp);
	a.view->enabled = false;
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_CLEAR);
	path_rig_in(&a);
	path_rig_clear(&a);
	path_rig_put(&a, buf, 60);
	path_rig_in(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_IN_DISABLED);
}

/* S77, RFC 4301 section 5.1.2, RFC 6040. */
static void test_tunnel_copies_tos_and_clears_df(void **state)
{
	const struct selector sel = nets();
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x3001, IPSEC_TUNNEL, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	size_t len = path_rig_udp(buf, HOST_A, HOST_B, 1, 2, 20);
	const uint8_t *o;

	(void)state;
	both(&d);
	protect(&sel, tunnel_esp);
	buf[6] |= 0x40;
	ip_set_tos(buf, 0x10);
	path_rig_clear(&a);
	path_rig_put(&a, buf, len);
	path_rig_out(&a);
	o = a.batch.pkt[0].data;
	assert_int_equal(o[1], 0x10);
	assert_int_equal(o[6] & 0x40, 0);
	assert_int_equal(o[8], 64);
	assert_true(o[4] || o[5]);
	assert_int_equal(csum_ip4_header(o, 20), o[10] << 8 | o[11]);
}

/* S74: numbers grow by one per packet, independent per SA. */
static void test_sequence_numbers_grow_by_one_per_sa(void **state)
{
	const struct selector sel = hosts();

	(void)state;
	add_bundle_sas(IPSEC_TRANSPORT);
	protect(&sel, transport_bundle);
	for (uint32_t i = 1; i <= 70; i++) {
		send_clear_packet(A, B);
		assert_int_equal(a.batch.pkt[0].data[20 + 8 + 3], i);
	}
}

static void exhaust(enum sa_flag flags, bool expect_sent)
{
	const struct selector sel = hosts();
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x4000 + flags, IPSEC_TRANSPORT, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	struct sa *sa;

	d.flags = flags;
	sa = path_rig_add(&a, &d, NULL);
	assert_non_null(sa);
	protect(&sel, transport_esp);
	atomic_store(&sa->slot->run.seq, UINT32_MAX - 1);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_SEND);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].verdict, expect_sent ? VERDICT_SEND : VERDICT_DROP);
	assert_int_equal(a.batch.pkt[0].reason, expect_sent ? DROP_NONE : DROP_OUT_SEQUENCE);
	path_rig_delete(&a, &d);
}

static void test_sequence_overflow_drops_unless_cyclic(void **state)
{
	(void)state;
	exhaust(0, false);
	exhaust(SA_F_CYCLIC, true);
}

/* A sealed packet from A, in buf; its length. */
static size_t sealed_packet(void (*fill)(struct policy *), const struct sa_desc *d, bool tunnel)
{
	const struct selector sel = tunnel ? nets() : hosts();

	both(d);
	protect(&sel, fill);
	send_clear_packet(tunnel ? HOST_A : A, tunnel ? HOST_B : B);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_SEND);
	memcpy(buf, a.batch.pkt[0].data, a.batch.pkt[0].len);
	return a.batch.pkt[0].len;
}

static enum drop_reason receive(const uint8_t *p, size_t len)
{
	path_rig_clear(&b);
	path_rig_put(&b, p, len);
	path_rig_in(&b);
	return b.batch.pkt[0].reason;
}

static struct sa_desc esp_auth(uint32_t spi, enum ipsec_mode mode)
{
	return path_rig_desc(A, B, IPSEC_ESP, spi, mode, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);
}

static void test_replayed_esp_counts_replay_only(void **state)
{
	const struct sa_desc d = esp_auth(0x5001, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);
	uint64_t ok, hist;

	(void)state;
	assert_int_equal(receive(buf, len), DROP_NONE);
	ok = path_rig_kame(&b, KAME_IN_SUCCESS);
	hist = counter_get(&b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_CBC]);
	assert_int_equal(receive(buf, len), DROP_IN_ESPREPLAY);
	assert_int_equal(path_rig_kame(&b, KAME_IN_ESPREPLAY), 1);
	assert_int_equal(path_rig_kame(&b, KAME_IN_SUCCESS), ok);
	assert_int_equal(counter_get(&b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_CBC]), hist);
}

/* Two copies in one batch pass the pre-check; the commit takes one of them. */
static void test_replay_inside_one_batch_is_caught_at_commit(void **state)
{
	const struct sa_desc d = esp_auth(0x5002, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	path_rig_clear(&b);
	path_rig_put(&b, buf, len);
	path_rig_put(&b, buf, len);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(b.batch.pkt[1].reason, DROP_IN_ESPREPLAY);
}

static void test_replayed_ah_counts_ahreplay(void **state)
{
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_AH, 0x5003, IPSEC_TUNNEL, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1);
	size_t len = sealed_packet(tunnel_ah, &d, true);

	(void)state;
	assert_int_equal(receive(buf, len), DROP_NONE);
	assert_int_equal(receive(buf, len), DROP_IN_AHREPLAY);
	assert_int_equal(path_rig_kame(&b, KAME_IN_AHREPLAY), 1);
}

/* Every single changed octet: dropped, with nothing but a drop reason to show for it, and nothing moves in
 * K's list. */
static void test_every_damaged_octet_of_esp_is_dropped(void **state)
{
	const struct sa_desc d = esp_auth(0x5004, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	for (size_t i = 20; i < len; i++) {
		buf[i] ^= 0x20;
		assert_int_not_equal(receive(buf, len), DROP_NONE);
		if (i >= 28)
			assert_int_equal(b.batch.pkt[0].reason, DROP_IN_ESPAUTH);
		buf[i] ^= 0x20;
	}
	assert_int_equal(path_rig_kame(&b, KAME_IN_SUCCESS), 0);
	assert_int_equal(path_rig_kame(&b, KAME_IN_ESPAUTHFAIL), path_rig_drops(&b, DROP_IN_ESPAUTH));
	assert_int_equal(receive(buf, len), DROP_NONE);
}

static void test_every_damaged_octet_of_ah_is_dropped(void **state)
{
	/* Of the outer header only what may not change in transit counts (RFC 4302 section 3.3.3.1). */
	static const uint8_t mutable_octet[20] = {[1] = 1, [6] = 1, [7] = 1, [8] = 1, [10] = 1, [11] = 1};
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_AH, 0x5005, IPSEC_TRANSPORT, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256);
	size_t len = sealed_packet(transport_ah, &d, false);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		if (i < 20 && mutable_octet[i])
			continue;
		buf[i] ^= 0x20;
		assert_int_not_equal(receive(buf, len), DROP_NONE);
		buf[i] ^= 0x20;
	}
	assert_true(path_rig_kame(&b, KAME_IN_AHAUTHFAIL) > 50);
	/* KAME counts AH in its histogram before the ICV is looked at. */
	assert_int_equal(counter_get(&b.counters.hist[0][HIST_IN_AH][ALG_AUTH_HMAC_SHA256]),
	    path_rig_kame(&b, KAME_IN_AHAUTHFAIL));
	assert_int_equal(receive(buf, len), DROP_NONE);
}

static void test_truncated_packets_are_dropped(void **state)
{
	const struct sa_desc d = esp_auth(0x5006, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		assert_int_not_equal(receive(buf, n), DROP_NONE);
		if (n < 20)
			continue;
		ip4_set_payload(buf, IPSEC_ESP, (uint16_t)n);
		assert_int_not_equal(receive(buf, n), DROP_NONE);
		ip4_set_payload(buf, IPSEC_ESP, (uint16_t)len);
	}
	assert_int_equal(path_rig_kame(&b, KAME_IN_SUCCESS), 0);
	assert_int_equal(receive(buf, len), DROP_NONE);
}

static void test_unknown_spi_counts_nosa(void **state)
{
	const struct sa_desc d = esp_auth(0x5007, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	buf[20] ^= 1;
	assert_int_equal(receive(buf, len), DROP_IN_NOSA);
	memset(buf + 20, 0, 4); /* RFC 4303 section 2.1: SPI 0 is for local use and never on the wire */
	assert_int_equal(receive(buf, len), DROP_IN_NOSA);
	assert_int_equal(path_rig_kame(&b, KAME_IN_NOSA), 2);
}

static void test_foreign_outer_source_counts_inval(void **state)
{
	const struct sa_desc d = esp_auth(0x5008, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	buf[15] = 99;
	assert_int_equal(receive(buf, len), DROP_IN_SOURCE);
	assert_int_equal(path_rig_kame(&b, KAME_IN_INVAL), 1);
}

static void test_dead_and_expired_sas_count_nosa(void **state)
{
	struct sa_desc d = esp_auth(0x5009, IPSEC_TUNNEL);
	size_t len;

	(void)state;
	d.life.hard_s = 10;
	len = sealed_packet(tunnel_esp, &d, true);
	b.clock.ms += 10000;
	assert_int_equal(receive(buf, len), DROP_IN_NOSA);
	b.clock.ms -= 10000;
	assert_int_equal(receive(buf, len), DROP_NONE);
	sad_expire(&b.sad, sad_find(&b.sad, &d.src, &d.dst, d.proto, d.spi));
	assert_int_equal(receive(buf, len), DROP_IN_NOSA);
}

static void test_hard_packet_limit_stops_outbound_exactly(void **state)
{
	const struct selector sel = hosts();
	struct sa_desc d = esp_auth(0x500a, IPSEC_TRANSPORT);

	(void)state;
	d.life.hard_packets = 3;
	both(&d);
	protect(&sel, transport_esp);
	for (int i = 0; i < 5; i++) {
		send_clear_packet(A, B);
		assert_int_equal(a.batch.pkt[0].reason, i < 3 ? DROP_NONE : DROP_OUT_NOSA);
	}
}

/* A packet that was sealed honestly by A under another policy than B's. */
static void test_inbound_policy_is_enforced(void **state)
{
	const struct sa_desc d = esp_auth(0x600a, IPSEC_MODE_ANY);
	size_t len = sealed_packet(transport_esp, &d, false);
	const struct selector sel = hosts(), other = path_rig_selector("10.9.9.9", B, IPPROTO_ANY_);
	struct policy p = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	tunnel_esp(&p); /* wants tunnel mode, gets transport */
	path_rig_spd(&b, &p, 1);
	assert_int_equal(receive(buf, len), DROP_IN_UNPROTECTED);
	assert_int_equal(path_rig_kame(&b, KAME_IN_POLVIO), 1);
	p = path_rig_policy(POLICY_IN, &sel, POLICY_DISCARD);
	path_rig_spd(&b, &p, 1);
	send_clear_packet(A, B);
	path_rig_wire(&a, &b);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].reason, DROP_IN_DISCARD);
	p = path_rig_policy(POLICY_IN, &sel, POLICY_PASS); /* protected beyond demand: accepted, as K does */
	path_rig_spd(&b, &p, 1);
	send_clear_packet(A, B);
	path_rig_wire(&a, &b);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
	p = path_rig_policy(
	    POLICY_IN, &other, POLICY_DISCARD); /* no match, transport: KAME's default policy */
	path_rig_spd(&b, &p, 1);
	send_clear_packet(A, B);
	path_rig_wire(&a, &b);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
}

static void test_tunnelled_packet_outside_any_policy_is_dropped(void **state)
{
	const struct sa_desc d = esp_auth(0x600b, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	path_rig_spd(&b, NULL, 0);
	assert_int_equal(receive(buf, len), DROP_IN_NOPOLICY);
	assert_int_equal(path_rig_kame(&b, KAME_IN_POLVIO), 1);
}

/* The policy's endpoints count, not only the SA's (RFC 4301 section 5.2). */
static void test_wrong_tunnel_endpoints_in_policy_are_refused(void **state)
{
	const struct sa_desc d = esp_auth(0x600c, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);
	const struct selector sel = nets();
	struct policy p = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	path_rig_request(&p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, "10.7.7.7", B);
	path_rig_spd(&b, &p, 1);
	assert_int_equal(receive(buf, len), DROP_IN_UNPROTECTED);
}

static void test_unique_wants_its_reqid_both_ways(void **state)
{
	struct sa_desc d = esp_auth(0x600d, IPSEC_TRANSPORT);
	const struct selector sel = hosts();
	struct policy out = path_rig_policy(POLICY_OUT, &sel, POLICY_IPSEC),
	              in = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	path_rig_request(&out, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	path_rig_request(&in, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	out.req[0].reqid = 7;
	in.req[0].reqid = 8;
	path_rig_spd(&a, &out, 1);
	path_rig_spd(&b, &in, 1);
	d.reqid = 6;
	assert_non_null(path_rig_add(&a, &d, NULL));
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_NOSA);
	path_rig_delete(&a, &d);
	d.reqid = 7;
	both(&d);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_SEND);
	path_rig_wire(&a, &b);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].reason, DROP_IN_UNPROTECTED);
	in.req[0].reqid = 7;
	path_rig_spd(&b, &in, 1);
	send_clear_packet(A, B);
	path_rig_wire(&a, &b);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
}

/* S137, S138. */
static void test_newest_or_oldest_sa_is_chosen_S137_S138(void **state)
{
	struct sa_desc first = esp_auth(0x7001, IPSEC_TRANSPORT), second = esp_auth(0x7002, IPSEC_TRANSPORT);
	const struct selector sel = hosts();

	(void)state;
	both(&first);
	both(&second);
	protect(&sel, transport_esp);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].data[23], 0x02);
	sad_set_prefer_old(&a.sad, true);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].data[23], 0x01);
	sad_set_prefer_old(&a.sad, false);
	send_clear_packet(A, B);
	assert_int_equal(a.batch.pkt[0].data[23], 0x02);
	/* Both survive. */
	assert_int_equal(a.sad.n, 2);
}

static void fragment(uint8_t *p, size_t *len, const uint8_t *whole, size_t total, size_t from, size_t n)
{
	memcpy(p, whole, 20);
	memcpy(p + 20, whole + 20 + from, n);
	p[6] = (uint8_t)((from / 8) >> 8 | (20 + from + n < total ? 0x20 : 0));
	p[7] = (uint8_t)(from / 8);
	ip4_set_payload(p, 17, (uint16_t)(20 + n));
	*len = 20 + n;
}

static void test_transport_mode_reassembles_before_sealing(void **state)
{
	static uint8_t whole[4000], piece[2000];
	const struct sa_desc d = esp_auth(0x8001, IPSEC_TRANSPORT);
	const struct selector sel = hosts();
	size_t total = path_rig_udp(whole, A, B, 5, 6, 3000), len;

	(void)state;
	both(&d);
	protect(&sel, transport_esp);
	path_rig_clear(&a);
	for (size_t at = 0; at < total - 20; at += 1376) {
		size_t n = total - 20 - at < 1376 ? total - 20 - at : 1376;

		fragment(piece, &len, whole, total, at, n);
		path_rig_put(&a, piece, len);
	}
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_HELD);
	assert_int_equal(a.batch.pkt[1].verdict, VERDICT_HELD);
	assert_int_equal(a.batch.pkt[2].verdict, VERDICT_SEND);
	assert_int_equal(path_rig_wire(&a, &b), 1);
	path_rig_in(&b);
	assert_int_equal(b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(b.batch.pkt[0].len, total);
	assert_memory_equal(b.batch.pkt[0].data, whole, total);
}

/* A port policy decides later fragments by what the first one said. */
static void test_later_fragments_follow_the_first(void **state)
{
	static uint8_t whole[3000], piece[2000];
	struct selector ports = path_rig_selector(NET_A, NET_B, 17),
	                rest = path_rig_selector(NET_A, NET_B, IPPROTO_ANY_);
	struct policy p[2];
	size_t total = path_rig_udp(whole, HOST_A, HOST_B, 5, 53, 2000), len;

	(void)state;
	ports.dport = 53;
	p[0] = path_rig_policy(POLICY_OUT, &ports, POLICY_PASS);
	p[1] = path_rig_policy(POLICY_OUT, &rest, POLICY_DISCARD);
	path_rig_spd(&a, p, 2);
	/* Not seen: what cannot be read may not slip through a hole for ports. */
	path_rig_clear(&a);
	fragment(piece, &len, whole, total, 1376, total - 20 - 1376);
	path_rig_put(&a, piece, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_DISCARD);
	path_rig_clear(&a);
	fragment(piece, &len, whole, total, 0, 1376);
	path_rig_put(&a, piece, len);
	fragment(piece, &len, whole, total, 1376, total - 20 - 1376);
	path_rig_put(&a, piece, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].verdict, VERDICT_CLEAR);
	assert_int_equal(a.batch.pkt[1].verdict, VERDICT_CLEAR);
	/* After a while it is forgotten. */
	a.clock.ms += FRAG_MEMORY_MS;
	path_rig_clear(&a);
	path_rig_put(&a, piece, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_DISCARD);
}

static void test_malformed_clear_packets_are_dropped(void **state)
{
	size_t len = path_rig_udp(buf, A, B, 1, 2, 30);

	(void)state;
	for (size_t n = 0; n < 20; n++) {
		path_rig_clear(&a);
		path_rig_put(&a, buf, n);
		path_rig_out(&a);
		assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_MALFORMED);
	}
	buf[0] = 0x75;
	path_rig_clear(&a);
	path_rig_put(&a, buf, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_MALFORMED);
}

static void test_packet_that_grows_beyond_ip_is_dropped(void **state)
{
	const struct sa_desc d = esp_auth(0x9001, IPSEC_TUNNEL);
	const struct selector sel = nets();
	size_t len = path_rig_udp(buf, HOST_A, HOST_B, 1, 2, 65500);

	(void)state;
	both(&d);
	protect(&sel, tunnel_esp);
	path_rig_clear(&a);
	path_rig_put(&a, buf, len);
	path_rig_out(&a);
	assert_int_equal(a.batch.pkt[0].reason, DROP_OUT_TOOBIG);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_every_transform_in_every_mode_arrives),
	    T(test_transport_bundle_is_ip_ah_esp),
	    T(test_tunnel_bundle_has_two_outer_headers),
	    T(test_use_bundle_with_esp_only_sends_esp_only_S63),
	    T(test_use_without_sa_goes_in_clear_unchanged),
	    T(test_require_without_sa_drops_and_asks_once),
	    T(test_no_policy_drops_outbound),
	    T(test_disabled_passes_out_and_refuses_in),
	    T(test_tunnel_copies_tos_and_clears_df),
	    T(test_sequence_numbers_grow_by_one_per_sa),
	    T(test_sequence_overflow_drops_unless_cyclic),
	    T(test_replayed_esp_counts_replay_only),
	    T(test_replay_inside_one_batch_is_caught_at_commit),
	    T(test_replayed_ah_counts_ahreplay),
	    T(test_every_damaged_octet_of_esp_is_dropped),
	    T(test_every_damaged_octet_of_ah_is_dropped),
	    T(test_truncated_packets_are_dropped),
	    T(test_unknown_spi_counts_nosa),
	    T(test_foreign_outer_source_counts_inval),
	    T(test_dead_and_expired_sas_count_nosa),
	    T(test_hard_packet_limit_stops_outbound_exactly),
	    T(test_inbound_policy_is_enforced),
	    T(test_tunnelled_packet_outside_any_policy_is_dropped),
	    T(test_wrong_tunnel_endpoints_in_policy_are_refused),
	    T(test_unique_wants_its_reqid_both_ways),
	    T(test_newest_or_oldest_sa_is_chosen_S137_S138),
	    T(test_transport_mode_reassembles_before_sealing),
	    T(test_later_fragments_follow_the_first),
	    T(test_malformed_clear_packets_are_dropped),
	    T(test_packet_that_grows_beyond_ip_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
