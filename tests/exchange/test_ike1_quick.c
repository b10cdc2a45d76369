/*
 * Version 1, phase 2 looked at closely: acquires that cross with the peer's, lifetimes that are told, the
 * commit bit, and original addresses behind a NAT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000 };

static struct rig rig;

static struct ike_conf *plain(void)
{
	return rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
}

static void begin(void)
{
	rig_init(&rig, 1, plain(), plain());
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void assert_pairs(size_t n)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
}

/* --- acquires that cross --- */

static bool responds(const struct rig_side *s)
{
	list_foreach (sa, &s->core->isakmp, struct isakmp, all)
		if (!list_is_empty(&sa->quicks))
			return true;
	return false;
}

/* The responder's own packet, at every moment from the policy being known until the pair has been there for a
 * while: no second pair, and whoever waits is told well. */
static void test_responders_packet_waits_for_the_peers_pair(void **state)
{
	enum { KNOWN_MS = 2, STEPS = 200 };

	for (uint64_t after = KNOWN_MS; after < STEPS; after += after < 40 ? 1 : 20) {
		begin();
		rig_packet(&rig.a, 0);
		while (!responds(&rig.b))
			rig_run(&rig, 1);
		rig_run(&rig, after);
		rig_packet(&rig.b, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(rig.a.n_done_ok + rig.b.n_done_ok, 2);
		assert_int_equal(rig.a.n_done_bad + rig.b.n_done_bad, 0);
		assert_int_equal(rig.b.core->counters.established1, 1);
		rig_fini(&rig);
	}
}

/* Message 3 never comes: who waits hears of it, and its next packet is served. */
static bool lose_end(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	bool *lose = r->arg;

	return !*lose || d[18] != IKE1_QUICK || !from_a || n_d > 100;
}

static void test_responders_packet_when_the_peer_gives_up(void **state)
{
	bool lose = true;

	begin();
	rig.arg = &lose;
	rig.wire.tamper = lose_end;
	rig_packet(&rig.a, 0);
	while (!responds(&rig.b))
		rig_run(&rig, 1);
	rig_run(&rig, 5);
	rig_packet(&rig.b, 0);
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig.b.n_done_ok, 0);
	assert_int_equal(rig.b.n_done_bad, 1);
	lose = false;
	rig_packet(&rig.b, 0);
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig.b.n_done_ok, 1);
	rig_traffic(&rig);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

/* A pair that is older does not silence a question: something is wrong with it. */
static void test_later_packets_are_heard(void **state)
{
	begin();
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(2);
	rig_fini(&rig);
}

/* --- RESPONDER-LIFETIME of phase 1; phase 2's is in test_ike1_terms --- */

static uint64_t isakmp_life(const struct rig_side *s)
{
	const struct isakmp *sa = list_entry(s->core->isakmp.next, struct isakmp, all);

	return sa->terms.seconds;
}

static void test_lifetime_of_phase_1_is_told(void **state)
{
	static const struct {
		enum proposal_check check;
		uint64_t offered, own, want;
	} rows[] = {
	    {CHECK_OBEY, 3600, 1800, 3600},
	    {CHECK_OBEY, 200000, 1800, IKE_LIFE_MAX_S}, /* longer than any peer gets */
	    {CHECK_STRICT, 1800, 3600, 1800},
	    {CHECK_CLAIM, 1800, 3600, 1800},
	    {CHECK_EXACT, 3600, 3600, 3600},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike_conf *a = plain(), *b = plain();

		a->peer[0].offer[0].seconds = rows[i].offered;
		b->peer[0].offer[0].seconds = rows[i].own;
		b->peer[0].check = rows[i].check;
		rig_init(&rig, 1, a, b);
		rig_policy(&rig, IPSEC_TRANSPORT, TCP);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(isakmp_life(&rig.a), rows[i].want);
		assert_int_equal(isakmp_life(&rig.b), rows[i].want);
		rig_fini(&rig);
	}
}

/* Only the answerer has a limit: said in main mode's last message, and behind the others. */
static void test_lifetime_of_phase_1_that_was_not_offered(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct ike_conf *a = rig_conf(modes[i], IKE_AUTH_PSK, true),
		                *b = rig_conf(modes[i], IKE_AUTH_PSK, true);

		a->peer[0].offer[0].seconds = 0;
		b->peer[0].offer[0].seconds = 1200;
		rig_init(&rig, 1, a, b);
		rig_policy(&rig, IPSEC_TRANSPORT, TCP);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(isakmp_life(&rig.b), 1200);
		assert_int_equal(isakmp_life(&rig.a), 1200);
		assert_true(rig_logged(&rig.a, "RESPONDER-LIFETIME: 1200 s hold"));
		/* And it is renewed by that. */
		rig_run(&rig, 1200 * 810);
		assert_int_equal(rig.a.core->counters.established1, 2);
		rig_fini(&rig);
	}
}

/* --- the commit bit --- */

/* Every message of quick mode has the bit: the header is in no hash. */
struct commit {
	int lost, doubled; /* the n-th message of quick mode; -1: none */
	bool a_sets, b_sets;
	unsigned seen;
};

static bool set_commit(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	struct commit *c = r->arg;

	if (d[18] != IKE1_QUICK)
		return true;
	if (from_a ? c->a_sets : c->b_sets)
		d[19] |= IKE1_F_COMMIT;
	return (int)c->seen++ != c->lost;
}

static unsigned connected(const struct rig_side *s)
{
	unsigned n = 0;

	list_foreach (sa, &s->core->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			n += q->commit && q->state == QUICK_DONE;
	return n;
}

/* Each of the four messages lost in turn, and none. */
static void test_commit_bit_of_both(void **state)
{
	for (int lost = -1; lost < 6; lost++) {
		struct commit c = {.lost = lost, .a_sets = true, .b_sets = true};

		begin();
		rig.arg = &c;
		rig.wire.tamper = set_commit;
		rig_packet(&rig.a, 0);
		rig_run(&rig, lost < 0 ? ENOUGH_MS : 25000);
		assert_pairs(1);
		assert_true(c.seen >= 4);
		assert_int_equal(connected(&rig.a), 1);
		assert_int_equal(connected(&rig.b), 1);
		assert_int_equal(rig.a.n_done_ok, 1);
		rig_fini(&rig);
	}
}

/* Only who begins sets it: nobody need wait, and nobody does. */
static void test_commit_bit_of_the_initiator(void **state)
{
	struct commit c = {.lost = -1, .a_sets = true};

	begin();
	rig.arg = &c;
	rig.wire.tamper = set_commit;
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	assert_int_equal(c.seen, 4);
	rig_fini(&rig);
}

/* The answerer sets it and never says CONNECTED: nothing is sent into, and in the end nothing is left. */
static void test_commit_bit_and_no_word(void **state)
{
	struct commit c = {.lost = -1, .b_sets = true};

	begin();
	rig.arg = &c;
	rig.wire.tamper = set_commit;
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.a, false), 0);
	rig_run(&rig, LONG_MS);
	rig_traffic(&rig);
	assert_pairs(0);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_true(rig_logged(&rig.a, "no answer"));
	rig_fini(&rig);
}

/* --- original addresses --- */

static void begin_behind_nat(enum ipsec_mode mode, struct ike_conf *a, struct ike_conf *b)
{
	a->peer[0].nat_traversal = b->peer[0].nat_traversal = IKE_ON;
	rig_init(&rig, 1, a, b);
	rig.nat = inet_addr_v4(0x0a0000fe);
	rig.nat_port[0] = 30500;
	rig.nat_port[1] = 34500;
	rig_policy(&rig, mode, TCP);
}

static const struct sa_desc *sa_of(const struct rig_side *s, bool inbound)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial && s->sa[i].inbound == inbound)
			return &s->sa[i].desc;
	fail_msg("no such SA");
	return NULL;
}

/* Transport mode from behind a NAT: the identity is the private address, the policy has the public one. */
static void test_nat_original_addresses(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin_behind_nat(IPSEC_TRANSPORT, rig_conf(modes[i], IKE_AUTH_PSK, true),
		    rig_conf(modes[i], IKE_AUTH_PSK, true));
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_true(inet_addr_equal(&sa_of(&rig.b, true)->encap.nat_oa, &rig.a.addr));
		assert_true(inet_addr_equal(&sa_of(&rig.b, true)->src, &rig.nat));
		assert_int_equal(sa_of(&rig.b, false)->encap.dport, 34500);
		assert_true(inet_addr_equal(&sa_of(&rig.a, true)->encap.nat_oa, &rig.b.addr));
		rig_fini(&rig);
	}
}

/* One side's announcement of RFC 3947 was altered, so that the other means the draft. */
static bool spoil(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	static const uint8_t rfc3947[] = {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45};
	uint8_t *at = from_a == *(bool *)r->arg ? memmem(d, n_d, rfc3947, sizeof(rfc3947)) : NULL;

	if (at)
		*at ^= 1;
	return true;
}

/* They agree all the same, on what is used first. */
static void test_nat_of_two_forms(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};
	bool whose[] = {false, true};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(modes); i++) {
		begin_behind_nat(IPSEC_TRANSPORT, rig_conf(modes[i / 2], IKE_AUTH_PSK, true),
		    rig_conf(modes[i / 2], IKE_AUTH_PSK, true));
		rig.arg = &whose[i % 2];
		rig.wire.tamper = spoil;
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(sa_of(&rig.b, false)->encap.dport, 34500);
		rig_fini(&rig);
	}
}

/* What each side's configuration says of ESP in UDP goes with what it sends on, and with nothing else. */
static void test_nat_says_how_to_cut_and_to_keep_awake(void **state)
{
	struct ike_conf *a = plain(), *b = plain();

	a->peer[0].esp_frag = 552;
	a->timers.natt_keepalive_s = 7;
	b->timers.natt_keepalive_s = 0;
	begin_behind_nat(IPSEC_TRANSPORT, a, b);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.a, false)->encap.frag, 552);
	assert_int_equal(sa_of(&rig.a, false)->encap.keepalive_s, 7);
	assert_int_equal(sa_of(&rig.a, true)->encap.frag, 0);
	assert_int_equal(sa_of(&rig.a, true)->encap.keepalive_s, 0);
	assert_int_equal(sa_of(&rig.b, false)->encap.frag, 0);
	assert_int_equal(sa_of(&rig.b, false)->encap.keepalive_s, SA_KEEPALIVE_NONE);
	rig_fini(&rig);
}

static void test_nat_tunnels_say_none(void **state)
{
	begin_behind_nat(IPSEC_TUNNEL, plain(), plain());
	/* The networks inside are those of both ends, whatever is between. */
	rig.b.out[0].sel.dst = inet_prefix_host(&rig.a.addr);
	rig.b.in[0].sel.src = inet_prefix_host(&rig.a.addr);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.b, true)->encap.nat_oa.family, INET_NONE);
	assert_int_equal(sa_of(&rig.b, false)->encap.keepalive_s, 0); /* as the data path is told */
	rig_fini(&rig);
}

/* The translator forgets, and gives another port: the next message that proves to be A's moves all there is.
 */
static void test_nat_mapping_that_changes(void **state)
{
	enum { MOVED = 40000, QUIET_MS = 30000 };
	struct ike_conf *a = plain(), *b = plain();

	a->peer[0].dpd = b->peer[0].dpd =
	    (struct ike_dpd){.announce = true, .delay_s = 10, .retry_s = 2, .maxfail = 8};
	b->peer[0].dpd.delay_s = 0;
	begin_behind_nat(IPSEC_TRANSPORT, a, b);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(sa_of(&rig.b, false)->encap.dport, 34500);
	rig.nat_port[1] = MOVED;
	rig_run(&rig, QUIET_MS);
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.b, false)->encap.dport, MOVED);
	assert_int_equal(list_entry(rig.b.core->children.next, struct child, node)->path.remote_port, MOVED);
	assert_int_equal(rig.a.core->counters.established1, 1);
	/* Whoever comes after a kill knows it too. */
	rig_rebirth(&rig.b);
	assert_int_equal(list_entry(rig.b.core->isakmp.next, struct isakmp, all)->path.remote_port, MOVED);
	assert_int_equal(list_entry(rig.b.core->children.next, struct child, node)->path.remote_port, MOVED);
	rig_run(&rig, QUIET_MS);
	assert_pairs(1);
	rig_fini(&rig);
}

/* datapathd has seen it by a packet. */
static void test_nat_mapping_that_the_data_path_saw_change(void **state)
{
	const struct child *k;

	begin_behind_nat(IPSEC_TRANSPORT, plain(), plain());
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	k = list_entry(rig.b.core->children.next, struct child, node);
	core_moved(rig.b.core, k->part[0].serial_in + 1000, 40000); /* nobody's */
	assert_int_equal(list_entry(rig.b.core->isakmp.next, struct isakmp, all)->path.remote_port, 34500);
	core_moved(rig.b.core, k->part[0].serial_in, 40000);
	assert_int_equal(list_entry(rig.b.core->isakmp.next, struct isakmp, all)->path.remote_port, 40000);
	assert_int_equal(k->path.remote_port, 40000);
	rig_fini(&rig);
}

/* The server made the pair and renews it when the client's ISAKMP SA is gone: where the translator has put
 * the client, not at port 4500. */
static void test_nat_server_begins_anew(void **state)
{
	enum { LIFE_S = 600 };
	struct ike_conf *a = plain(), *b = plain();

	a->peer[0].rekey = b->peer[0].rekey = IKE_OFF;
	a->peer[0].offer[0].seconds = b->peer[0].offer[0].seconds = LIFE_S / 2;
	a->child[0].seconds = b->child[0].seconds = LIFE_S;
	begin_behind_nat(IPSEC_TRANSPORT, a, b);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	/* The client's pair is spent, the next one is the server's. */
	rig_spent(&rig.a, true);
	rig_run(&rig, ENOUGH_MS);
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	assert_true(list_entry(rig.b.core->children.next, struct child, node)->initiator);
	assert_true(rig_live(&rig, (uint64_t)LIFE_S * 2000));
	assert_true(rig.b.core->counters.established1 > 1);
	assert_int_equal(rig.b.core->counters.failed1, 0);
	rig_fini(&rig);
}

/* A peer that has proved who it is, and begins one quick mode after the other for one policy. */
static void test_peer_that_asks_too_much(void **state)
{
	enum { MANY = ISAKMP_ASKS_BURST + 200 };
	uint32_t under_way = 0;
	struct isakmp *sa;

	rig_init(&rig, 1, plain(), plain());
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	sa = list_entry(rig.a.core->isakmp.next, struct isakmp, all);
	for (int i = 0; i < MANY; i++) {
		struct quick *q = quick_new(sa, true);

		assert_non_null(q);
		q->out = rig.a.out[0];
		quick_begin(q);
	}
	for (int ms = 0; ms < 1000; ms++) {
		uint32_t n = 0;

		rig_run(&rig, 1);
		list_foreach (b, &rig.b.core->isakmp, struct isakmp, all)
			list_foreach (q, &b->quicks, struct quick, node)
				n += q->state != QUICK_DONE;
		under_way = n > under_way ? n : under_way;
	}
	assert_in_range(under_way, 2, ISAKMP_ASKED_MAX);
	assert_true(rig_logged(&rig.b, "the peer begins more quick modes than are answered at once"));
	rig_run(&rig, 120000);
	assert_in_range(rig.b.core->n_children, 1, 64);
	assert_in_range(rig.a.core->n_children, 1, 64);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

/* --- who has seen the cookies, and has no keys --- */

enum { EXCHANGE_AT = 18, FLAGS_AT = 19, MSG_ID_AT = 20, LEN_AT = 24, SHORT = 64, LONG = 60000 };

/* A message of quick mode under B's ISAKMP SA, of random octets. */
static void forge_quick(uint32_t n)
{
	static uint8_t d[IKE_HDR_LEN + LONG];
	const struct isakmp *sa = list_entry(rig.b.core->isakmp.next, struct isakmp, all);
	struct wr w = wr_init(d + MSG_ID_AT, 8);

	rig.rng.rng.fill(&rig.rng.rng, d + IKE_HDR_LEN, n);
	memcpy(d, sa->icookie, IKE_COOKIE_LEN);
	memcpy(d + IKE_COOKIE_LEN, sa->rcookie, IKE_COOKIE_LEN);
	d[2 * IKE_COOKIE_LEN] = IKE1_P_HASH;
	d[2 * IKE_COOKIE_LEN + 1] = 0x10;
	d[EXCHANGE_AT] = IKE1_QUICK;
	d[FLAGS_AT] = IKE1_F_ENCRYPTED;
	wr_u32(&w, rng_below(&rig.rng.rng, 1U << 30) + 1);
	wr_u32(&w, IKE_HDR_LEN + n);
	core_datagram(rig.b.core, &sa->path, d, IKE_HDR_LEN + n);
}

/* They cost the peer none of what it may ask for. */
static void test_forged_messages_take_nothing_from_the_peer(void **state)
{
	enum { UDP = 17, AT_ONCE = 600, SECONDS = 120, EVERY_MS = 20 };

	begin();
	rig_policy(&rig, IPSEC_TRANSPORT, UDP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	for (unsigned i = 0; i < AT_ONCE; i++)
		forge_quick(SHORT);
	rig_packet(&rig.a, 1);
	for (unsigned i = 0; i < SECONDS * 1000 / EVERY_MS; i++) {
		forge_quick(SHORT);
		rig_run(&rig, EVERY_MS);
	}
	assert_pairs(2);
	assert_int_equal(rig.b.core->counters.refused_busy, 0);
	assert_int_equal(rig.b.core->counters.established1, 1);
	rig_fini(&rig);
}

/* However long it is, its first block says that it is nobody's. */
static void test_forged_message_is_not_deciphered_to_its_end(void **state)
{
	begin();
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	forge_quick(LONG);
	assert_true(rig_logged(&rig.b, "passed over: its first block is not that of a hash."));
	assert_int_equal(rig.b.core->counters.malformed, 1);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_responders_packet_waits_for_the_peers_pair),
	    cmocka_unit_test(test_responders_packet_when_the_peer_gives_up),
	    cmocka_unit_test(test_later_packets_are_heard),
	    cmocka_unit_test(test_lifetime_of_phase_1_is_told),
	    cmocka_unit_test(test_lifetime_of_phase_1_that_was_not_offered),
	    cmocka_unit_test(test_commit_bit_of_both),
	    cmocka_unit_test(test_commit_bit_of_the_initiator),
	    cmocka_unit_test(test_commit_bit_and_no_word),
	    cmocka_unit_test(test_nat_original_addresses),
	    cmocka_unit_test(test_nat_of_two_forms),
	    cmocka_unit_test(test_nat_says_how_to_cut_and_to_keep_awake),
	    cmocka_unit_test(test_nat_tunnels_say_none),
	    cmocka_unit_test(test_nat_mapping_that_changes),
	    cmocka_unit_test(test_nat_mapping_that_the_data_path_saw_change),
	    cmocka_unit_test(test_nat_server_begins_anew),
	    cmocka_unit_test(test_peer_that_asks_too_much),
	    cmocka_unit_test(test_forged_messages_take_nothing_from_the_peer),
	    cmocka_unit_test(test_forged_message_is_not_deciphered_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
