/*
 * What must be dropped on the way in, with which reason and which of KAME's counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_pair.h"
#include "wire/ip/ip.h"

/* A sealed packet from A, in pair_buf; its length. */
static size_t sealed_packet(void (*fill)(struct policy *), const struct sa_desc *d, bool tunnel)
{
	const struct selector sel = tunnel ? pair_nets() : pair_hosts();

	pair_add(d);
	pair_protect(&sel, fill);
	pair_send(tunnel ? HOST_A : A, tunnel ? HOST_B : B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	memcpy(pair_buf, pair_a.batch.pkt[0].data, pair_a.batch.pkt[0].len);
	return pair_a.batch.pkt[0].len;
}

static enum drop_reason receive(const uint8_t *p, size_t len)
{
	path_rig_clear(&pair_b);
	path_rig_put(&pair_b, p, len);
	path_rig_in(&pair_b);
	return pair_b.batch.pkt[0].reason;
}

static void test_replayed_esp_counts_replay_only(void **state)
{
	const struct sa_desc d = pair_esp(0x5001, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);
	uint64_t ok, hist;

	(void)state;
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
	ok = path_rig_kame(&pair_b, KAME_IN_SUCCESS);
	hist = counter_get(&pair_b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_CBC]);
	assert_int_equal(receive(pair_buf, len), DROP_IN_ESPREPLAY);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_ESPREPLAY), 1);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), ok);
	assert_int_equal(counter_get(&pair_b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_CBC]), hist);
}

/* Two copies in one batch pass the pre-check; the commit takes one of them. */
static void test_replay_inside_one_batch_is_caught_at_commit(void **state)
{
	const struct sa_desc d = pair_esp(0x5002, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	path_rig_clear(&pair_b);
	path_rig_put(&pair_b, pair_buf, len);
	path_rig_put(&pair_b, pair_buf, len);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(pair_b.batch.pkt[1].reason, DROP_IN_ESPREPLAY);
}

static void test_replayed_ah_counts_ahreplay(void **state)
{
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_AH, 0x5003, IPSEC_TUNNEL, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1);
	size_t len = sealed_packet(tunnel_ah, &d, true);

	(void)state;
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
	assert_int_equal(receive(pair_buf, len), DROP_IN_AHREPLAY);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_AHREPLAY), 1);
}

/* Every single changed octet: dropped, with nothing but a drop reason to show for it, and nothing moves in
 * K's list. */
static void test_every_damaged_octet_of_esp_is_dropped(void **state)
{
	const struct sa_desc d = pair_esp(0x5004, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	for (size_t i = 20; i < len; i++) {
		pair_buf[i] ^= 0x20;
		assert_int_not_equal(receive(pair_buf, len), DROP_NONE);
		if (i >= 28)
			assert_int_equal(pair_b.batch.pkt[0].reason, DROP_IN_ESPAUTH);
		pair_buf[i] ^= 0x20;
	}
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), 0);
	assert_int_equal(
	    path_rig_kame(&pair_b, KAME_IN_ESPAUTHFAIL), path_rig_drops(&pair_b, DROP_IN_ESPAUTH));
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
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
		pair_buf[i] ^= 0x20;
		assert_int_not_equal(receive(pair_buf, len), DROP_NONE);
		pair_buf[i] ^= 0x20;
	}
	assert_true(path_rig_kame(&pair_b, KAME_IN_AHAUTHFAIL) > 50);
	/* KAME counts AH in its histogram before the ICV is looked at. */
	assert_int_equal(counter_get(&pair_b.counters.hist[0][HIST_IN_AH][ALG_AUTH_HMAC_SHA256]),
	    path_rig_kame(&pair_b, KAME_IN_AHAUTHFAIL));
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
}

static void test_truncated_packets_are_dropped(void **state)
{
	const struct sa_desc d = pair_esp(0x5006, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		assert_int_not_equal(receive(pair_buf, n), DROP_NONE);
		if (n < 20)
			continue;
		ip4_set_payload(pair_buf, IPSEC_ESP, (uint16_t)n);
		assert_int_not_equal(receive(pair_buf, n), DROP_NONE);
		ip4_set_payload(pair_buf, IPSEC_ESP, (uint16_t)len);
	}
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), 0);
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
}

static void test_unknown_spi_counts_nosa(void **state)
{
	const struct sa_desc d = pair_esp(0x5007, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	struct unknown_ring ring = {0};
	struct unknown_spi u;

	(void)state;
	pair_b.path.unknown = &ring;
	pair_buf[20] ^= 1;
	assert_int_equal(receive(pair_buf, len), DROP_IN_NOSA);
	assert_true(unknown_ring_pop(&ring, &u));
	assert_true(inet_addr_equal(&u.src, &d.src) && inet_addr_equal(&u.dst, &d.dst));
	assert_int_equal(u.proto, IPSEC_ESP);
	assert_int_equal(u.spi, 0x5007 ^ 0x01000000);
	/* A flood is a few hints, and never more than the ring has room for. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(receive(pair_buf, len), DROP_IN_NOSA);
	for (unsigned n = 0; unknown_ring_pop(&ring, &u); n++)
		assert_true(n < UNKNOWN_RING_SLOTS);
	pair_b.path.unknown = NULL;
	memset(pair_buf + 20, 0, 4); /* RFC 4303 section 2.1: SPI 0 is for local use and never on the wire */
	assert_int_equal(receive(pair_buf, len), DROP_IN_NOSA);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_NOSA), 1002);
}

static void test_foreign_outer_source_counts_inval(void **state)
{
	const struct sa_desc d = pair_esp(0x5008, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	pair_buf[15] = 99;
	assert_int_equal(receive(pair_buf, len), DROP_IN_SOURCE);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_INVAL), 1);
}

static void test_dead_and_expired_sas_count_nosa(void **state)
{
	struct sa_desc d = pair_esp(0x5009, IPSEC_TUNNEL);
	size_t len;

	(void)state;
	d.life.hard_s = 10;
	len = sealed_packet(tunnel_esp, &d, true);
	pair_b.clock.ms += 10000;
	assert_int_equal(receive(pair_buf, len), DROP_IN_NOSA);
	pair_b.clock.ms -= 10000;
	assert_int_equal(receive(pair_buf, len), DROP_NONE);
	sad_expire(&pair_b.sad, sad_find(&pair_b.sad, &d.src, &d.dst, d.proto, d.spi));
	assert_int_equal(receive(pair_buf, len), DROP_IN_NOSA);
}

/* A packet that was sealed honestly by A under another policy than B's. */
static void test_inbound_policy_is_enforced(void **state)
{
	const struct sa_desc d = pair_esp(0x600a, IPSEC_MODE_ANY);
	size_t len = sealed_packet(transport_esp, &d, false);
	const struct selector sel = pair_hosts(), other = path_rig_selector("10.9.9.9", B, IPPROTO_ANY_);
	struct policy p = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	tunnel_esp(&p); /* wants tunnel mode, gets transport */
	path_rig_spd(&pair_b, &p, 1);
	assert_int_equal(receive(pair_buf, len), DROP_IN_UNPROTECTED);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_POLVIO), 1);
	p = path_rig_policy(POLICY_IN, &sel, POLICY_DISCARD);
	path_rig_spd(&pair_b, &p, 1);
	pair_send(A, B);
	path_rig_wire(&pair_a, &pair_b);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].reason, DROP_IN_DISCARD);
	p = path_rig_policy(POLICY_IN, &sel, POLICY_PASS); /* protected beyond demand: accepted, as K does */
	path_rig_spd(&pair_b, &p, 1);
	pair_send(A, B);
	path_rig_wire(&pair_a, &pair_b);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
	p = path_rig_policy(
	    POLICY_IN, &other, POLICY_DISCARD); /* no match, transport: KAME's default policy */
	path_rig_spd(&pair_b, &p, 1);
	pair_send(A, B);
	path_rig_wire(&pair_a, &pair_b);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
}

static void test_tunnelled_packet_outside_any_policy_is_dropped(void **state)
{
	const struct sa_desc d = pair_esp(0x600b, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);

	(void)state;
	path_rig_spd(&pair_b, NULL, 0);
	assert_int_equal(receive(pair_buf, len), DROP_IN_NOPOLICY);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_POLVIO), 1);
}

/* The policy's endpoints count, not only the SA's (RFC 4301 section 5.2). */
static void test_wrong_tunnel_endpoints_in_policy_are_refused(void **state)
{
	const struct sa_desc d = pair_esp(0x600c, IPSEC_TUNNEL);
	size_t len = sealed_packet(tunnel_esp, &d, true);
	const struct selector sel = pair_nets();
	struct policy p = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	path_rig_request(&p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, "10.7.7.7", B);
	path_rig_spd(&pair_b, &p, 1);
	assert_int_equal(receive(pair_buf, len), DROP_IN_UNPROTECTED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_replayed_esp_counts_replay_only),
	    T(test_replay_inside_one_batch_is_caught_at_commit),
	    T(test_replayed_ah_counts_ahreplay),
	    T(test_every_damaged_octet_of_esp_is_dropped),
	    T(test_every_damaged_octet_of_ah_is_dropped),
	    T(test_truncated_packets_are_dropped),
	    T(test_unknown_spi_counts_nosa),
	    T(test_foreign_outer_source_counts_inval),
	    T(test_dead_and_expired_sas_count_nosa),
	    T(test_inbound_policy_is_enforced),
	    T(test_tunnelled_packet_outside_any_policy_is_dropped),
	    T(test_wrong_tunnel_endpoints_in_policy_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
