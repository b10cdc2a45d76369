/*
 * Both pipelines against each other: every transform in every mode, bundles, levels, fragments, and what must
 * not leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_pair.h"
#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

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
			const struct selector sel = tunnel ? pair_nets() : pair_hosts();
			struct sa_desc d = path_rig_desc(A, B, row[i].proto, ++spi,
			    i % 2    ? IPSEC_MODE_ANY
			    : tunnel ? IPSEC_TUNNEL
			             : IPSEC_TRANSPORT,
			    row[i].enc, row[i].auth);

			pair_add(&d);
			pair_protect(&sel, row[i].proto == IPSEC_ESP ? (tunnel ? tunnel_esp : transport_esp)
			                                             : (tunnel ? tunnel_ah : transport_ah));
			for (size_t n = 0; n < 40; n++)
				pair_expect_arrives(tunnel ? HOST_A : A, tunnel ? HOST_B : B, n);
			pair_expect_arrives(tunnel ? HOST_A : A, tunnel ? HOST_B : B, 1372);
			path_rig_delete(&pair_a, &d);
			path_rig_delete(&pair_b, &d);
		}
	}
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_SUCCESS), ARRAY_SIZE(row) * 2 * 41);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), ARRAY_SIZE(row) * 2 * 41);
	assert_int_equal(counter_get(&pair_b.counters.hist[0][HIST_IN_AH][ALG_AUTH_HMAC_MD5]), 2 * 41);
	assert_int_equal(counter_get(&pair_b.counters.hist[0][HIST_IN_ESP][ALG_ENC_AES_GCM_16]), 2 * 41);
	assert_int_equal(counter_get(&pair_a.counters.hist[0][HIST_OUT_ESP][ALG_ENC_3DES_CBC]), 4 * 41);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_AHAUTHSUCC), 8 * 41);
}

static void add_bundle_sas(enum ipsec_mode mode)
{
	struct sa_desc esp =
	    path_rig_desc(A, B, IPSEC_ESP, 0x2001, mode, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	struct sa_desc ah = path_rig_desc(A, B, IPSEC_AH, 0x2002, mode, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256);

	pair_add(&esp);
	pair_add(&ah);
}

static void test_transport_bundle_is_ip_ah_esp(void **state)
{
	const struct selector sel = pair_hosts();

	(void)state;
	add_bundle_sas(IPSEC_TRANSPORT);
	pair_protect(&sel, transport_bundle);
	pair_expect_arrives(A, B, 100);
	assert_int_equal(pair_b.batch.pkt[0].n_applied, 2);
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_SUCCESS), 2);
	assert_int_equal(path_rig_kame(&pair_b, KAME_IN_SUCCESS), 2);
	assert_int_equal(pair_a.batch.pkt[0].data[9], IPSEC_AH);
	assert_int_equal(pair_a.batch.pkt[0].data[20], IPSEC_ESP);
}

/* S: esp/tunnel/A-B ah/tunnel/A-B is IP(A,B) AH IP(A,B) ESP IP payload. */
static void test_tunnel_bundle_has_two_outer_headers(void **state)
{
	const struct selector sel = pair_nets();
	const uint8_t *p;

	(void)state;
	add_bundle_sas(IPSEC_TUNNEL);
	pair_protect(&sel, tunnel_bundle);
	pair_expect_arrives(HOST_A, HOST_B, 100);
	p = pair_a.batch.pkt[0].data;
	assert_int_equal(p[9], IPSEC_AH);
	assert_int_equal(p[20], 4);
	p += 20 + ah_len(16, 4);
	assert_int_equal(p[9], IPSEC_ESP);
}

/* S63: AH SAs whose endpoints fit no policy: level use sends ESP alone and counts nothing. */
static void test_use_bundle_with_esp_only_sends_esp_only_S63(void **state)
{
	const struct selector sel = pair_hosts();
	struct sa_desc esp =
	    path_rig_desc(A, B, IPSEC_ESP, 0x10001, IPSEC_TUNNEL, ALG_ENC_3DES_CBC, ALG_AUTH_NONE);

	(void)state;
	pair_add(&esp);
	pair_protect(&sel, use_tunnel_bundle);
	pair_expect_arrives(A, B, 10);
	assert_int_equal(pair_a.batch.pkt[0].data[9], IPSEC_ESP);
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_NOSA), 0);
	assert_int_equal(counter_get(&pair_a.counters.path[PATH_ACQUIRE_WANTED]), 1);
}

static void test_use_without_sa_goes_in_clear_unchanged(void **state)
{
	const struct selector sel = pair_hosts();
	size_t len;

	(void)state;
	pair_protect(&sel, use_tunnel_bundle);
	len = pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_CLEAR);
	assert_int_equal(pair_a.batch.pkt[0].len, len);
	assert_memory_equal(pair_a.batch.pkt[0].data, pair_buf, len);
	for (unsigned k = 0; k < KAME_N; k++)
		assert_int_equal(path_rig_kame(&pair_a, (enum kame_counter)k), 0);
}

static void test_require_without_sa_drops_and_asks_once(void **state)
{
	const struct selector sel = pair_hosts();
	struct acquire_hint h;

	(void)state;
	pair_protect(&sel, transport_esp);
	for (int i = 0; i < 5; i++) {
		pair_send(A, B);
		assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_NOSA);
	}
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_NOSA), 5);
	assert_true(acquire_ring_pop(&pair_a.acquires, &h));
	assert_int_equal(h.policy_id, pair_a.view->list[SPD_OUT][0]->p.id);
	assert_int_equal(h.packet.dport, 2000);
	assert_false(acquire_ring_pop(&pair_a.acquires, &h));
}

static void test_no_policy_drops_outbound(void **state)
{
	(void)state;
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_NOPOLICY);
}

static void test_disabled_passes_out_and_refuses_in(void **state)
{
	const struct selector sel = pair_hosts();

	(void)state;
	pair_protect(&sel, transport_esp);
	pair_a.view->enabled = false;
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_CLEAR);
	path_rig_in(&pair_a);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, 60);
	path_rig_in(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_IN_DISABLED);
}

/* S77, RFC 4301 section 5.1.2, RFC 6040. */
static void test_tunnel_copies_tos_and_clears_df(void **state)
{
	const struct selector sel = pair_nets();
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x3001, IPSEC_TUNNEL, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	size_t len = path_rig_udp(pair_buf, HOST_A, HOST_B, 1, 2, 20);
	const uint8_t *o;

	(void)state;
	pair_add(&d);
	pair_protect(&sel, tunnel_esp);
	pair_buf[6] |= 0x40;
	ip_set_tos(pair_buf, 0x10);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	o = pair_a.batch.pkt[0].data;
	assert_int_equal(o[1], 0x10);
	assert_int_equal(o[6] & 0x40, 0);
	assert_int_equal(o[8], 64);
	assert_true(o[4] || o[5]);
	assert_int_equal(csum_ip4_header(o, 20), o[10] << 8 | o[11]);
}

/* S74: numbers grow by one per packet, independent per SA. */
static void test_sequence_numbers_grow_by_one_per_sa(void **state)
{
	const struct selector sel = pair_hosts();

	(void)state;
	add_bundle_sas(IPSEC_TRANSPORT);
	pair_protect(&sel, transport_bundle);
	for (uint32_t i = 1; i <= 70; i++) {
		pair_send(A, B);
		assert_int_equal(pair_a.batch.pkt[0].data[20 + 8 + 3], i);
	}
}

static void exhaust(enum sa_flag flags, bool expect_sent)
{
	const struct selector sel = pair_hosts();
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x4000 + flags, IPSEC_TRANSPORT, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	struct sa *sa;

	d.flags = flags;
	sa = path_rig_add(&pair_a, &d, NULL);
	assert_non_null(sa);
	pair_protect(&sel, transport_esp);
	atomic_store(&sa->slot->run.seq, UINT32_MAX - 1);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, expect_sent ? VERDICT_SEND : VERDICT_DROP);
	assert_int_equal(pair_a.batch.pkt[0].reason, expect_sent ? DROP_NONE : DROP_OUT_SEQUENCE);
	path_rig_delete(&pair_a, &d);
}

static void test_sequence_overflow_drops_unless_cyclic(void **state)
{
	(void)state;
	exhaust(0, false);
	exhaust(SA_F_CYCLIC, true);
}

static void test_hard_packet_limit_stops_outbound_exactly(void **state)
{
	const struct selector sel = pair_hosts();
	struct sa_desc d = pair_esp(0x500a, IPSEC_TRANSPORT);

	(void)state;
	d.life.hard_packets = 3;
	pair_add(&d);
	pair_protect(&sel, transport_esp);
	for (int i = 0; i < 5; i++) {
		pair_send(A, B);
		assert_int_equal(pair_a.batch.pkt[0].reason, i < 3 ? DROP_NONE : DROP_OUT_NOSA);
	}
}

static void test_unique_wants_its_reqid_both_ways(void **state)
{
	struct sa_desc d = pair_esp(0x600d, IPSEC_TRANSPORT);
	const struct selector sel = pair_hosts();
	struct policy out = path_rig_policy(POLICY_OUT, &sel, POLICY_IPSEC),
	              in = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	path_rig_request(&out, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	path_rig_request(&in, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	out.req[0].reqid = 7;
	in.req[0].reqid = 8;
	path_rig_spd(&pair_a, &out, 1);
	path_rig_spd(&pair_b, &in, 1);
	d.reqid = 6;
	assert_non_null(path_rig_add(&pair_a, &d, NULL));
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_NOSA);
	path_rig_delete(&pair_a, &d);
	d.reqid = 7;
	pair_add(&d);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	path_rig_wire(&pair_a, &pair_b);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].reason, DROP_IN_UNPROTECTED);
	in.req[0].reqid = 7;
	path_rig_spd(&pair_b, &in, 1);
	pair_send(A, B);
	path_rig_wire(&pair_a, &pair_b);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
}

/* What was agreed on for several policies is for each of them, and for no other. */
static void test_unique_takes_an_sa_of_several_policies(void **state)
{
	static const uint32_t more[] = {9, 11};
	struct sa_desc d = pair_esp(0x600e, IPSEC_TRANSPORT);
	const struct selector sel = pair_hosts();
	struct policy out = path_rig_policy(POLICY_OUT, &sel, POLICY_IPSEC),
	              in = path_rig_policy(POLICY_IN, &sel, POLICY_IPSEC);

	(void)state;
	path_rig_request(&out, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	path_rig_request(&in, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_UNIQUE, NULL, NULL);
	d.reqid = 7;
	d.more_reqids = more;
	d.n_more = ARRAY_SIZE(more);
	pair_add(&d);
	for (uint32_t reqid = 6; reqid <= 12; reqid++) {
		bool served = reqid == 7 || reqid == 9 || reqid == 11;

		out.req[0].reqid = reqid;
		path_rig_spd(&pair_a, &out, 1);
		pair_send(A, B);
		assert_int_equal(pair_a.batch.pkt[0].verdict, served ? VERDICT_SEND : VERDICT_DROP);
		out.req[0].reqid = 7;
		in.req[0].reqid = reqid;
		path_rig_spd(&pair_a, &out, 1);
		path_rig_spd(&pair_b, &in, 1);
		pair_send(A, B);
		path_rig_wire(&pair_a, &pair_b);
		path_rig_in(&pair_b);
		assert_int_equal(pair_b.batch.pkt[0].reason, served ? DROP_NONE : DROP_IN_UNPROTECTED);
	}
}

/* S137, S138. */
static void test_newest_or_oldest_sa_is_chosen_S137_S138(void **state)
{
	struct sa_desc first = pair_esp(0x7001, IPSEC_TRANSPORT), second = pair_esp(0x7002, IPSEC_TRANSPORT);
	const struct selector sel = pair_hosts();

	(void)state;
	pair_add(&first);
	pair_add(&second);
	pair_protect(&sel, transport_esp);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].data[23], 0x02);
	sad_set_prefer_old(&pair_a.sad, true);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].data[23], 0x01);
	sad_set_prefer_old(&pair_a.sad, false);
	pair_send(A, B);
	assert_int_equal(pair_a.batch.pkt[0].data[23], 0x02);
	/* Both survive. */
	assert_int_equal(pair_a.sad.n, 2);
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
	const struct sa_desc d = pair_esp(0x8001, IPSEC_TRANSPORT);
	const struct selector sel = pair_hosts();
	size_t total = path_rig_udp(whole, A, B, 5, 6, 3000), len;

	(void)state;
	pair_add(&d);
	pair_protect(&sel, transport_esp);
	path_rig_clear(&pair_a);
	for (size_t at = 0; at < total - 20; at += 1376) {
		size_t n = total - 20 - at < 1376 ? total - 20 - at : 1376;

		fragment(piece, &len, whole, total, at, n);
		path_rig_put(&pair_a, piece, len);
	}
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_HELD);
	assert_int_equal(pair_a.batch.pkt[1].verdict, VERDICT_HELD);
	assert_int_equal(pair_a.batch.pkt[2].verdict, VERDICT_SEND);
	assert_int_equal(path_rig_wire(&pair_a, &pair_b), 1);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(pair_b.batch.pkt[0].len, total);
	assert_memory_equal(pair_b.batch.pkt[0].data, whole, total);
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
	path_rig_spd(&pair_a, p, 2);
	/* Not seen: what cannot be read may not slip through a hole for ports. */
	path_rig_clear(&pair_a);
	fragment(piece, &len, whole, total, 1376, total - 20 - 1376);
	path_rig_put(&pair_a, piece, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_DISCARD);
	path_rig_clear(&pair_a);
	fragment(piece, &len, whole, total, 0, 1376);
	path_rig_put(&pair_a, piece, len);
	fragment(piece, &len, whole, total, 1376, total - 20 - 1376);
	path_rig_put(&pair_a, piece, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_CLEAR);
	assert_int_equal(pair_a.batch.pkt[1].verdict, VERDICT_CLEAR);
	/* After a while it is forgotten. */
	pair_a.clock.ms += FRAG_MEMORY_MS;
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, piece, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_DISCARD);
}

static void test_malformed_clear_packets_are_dropped(void **state)
{
	size_t len = path_rig_udp(pair_buf, A, B, 1, 2, 30);

	(void)state;
	for (size_t n = 0; n < 20; n++) {
		path_rig_clear(&pair_a);
		path_rig_put(&pair_a, pair_buf, n);
		path_rig_out(&pair_a);
		assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_MALFORMED);
	}
	pair_buf[0] = 0x75;
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_MALFORMED);
}

static void test_packet_that_would_grow_beyond_ip_is_cut_first(void **state)
{
	const struct sa_desc d = pair_esp(0x9001, IPSEC_TUNNEL);
	const struct selector sel = pair_nets();
	size_t len = path_rig_udp(pair_buf, HOST_A, HOST_B, 1, 2, 65500);

	(void)state;
	pair_add(&d);
	pair_protect(&sel, tunnel_esp);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.n, 3);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_CUT);
	for (uint32_t i = 1; i < 3; i++)
		assert_int_equal(pair_a.batch.pkt[i].verdict, VERDICT_SEND);
}

static void test_packet_that_grows_beyond_ip_and_cannot_be_cut_is_dropped(void **state)
{
	const struct sa_desc d = pair_esp(0x9001, IPSEC_TRANSPORT);
	const struct selector sel = pair_hosts();
	size_t len = path_rig_udp(pair_buf, A, B, 1, 2, 65500);

	(void)state;
	pair_add(&d);
	pair_protect(&sel, transport_esp);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_TOOBIG);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
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
	    T(test_hard_packet_limit_stops_outbound_exactly),
	    T(test_unique_wants_its_reqid_both_ways),
	    T(test_unique_takes_an_sa_of_several_policies),
	    T(test_newest_or_oldest_sa_is_chosen_S137_S138),
	    T(test_transport_mode_reassembles_before_sealing),
	    T(test_later_fragments_follow_the_first),
	    T(test_malformed_clear_packets_are_dropped),
	    T(test_packet_that_would_grow_beyond_ip_is_cut_first),
	    T(test_packet_that_grows_beyond_ip_and_cannot_be_cut_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
