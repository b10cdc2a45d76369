/*
 * Version 1's messages in fragments: with certificates so large that they do not fit, each fragment lost,
 * doubled, altered and late; and what a stranger can fill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/core/frags.h"
#include "keyd/ike1/fragment.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000, CERT = 4000 };

static struct rig rig;

enum act { NOTHING, LOSE, DOUBLE, ALTER, LATE, ACTS };

static struct {
	enum act act;
	unsigned at, offset; /* the n-th fragment, and an octet of it */
	unsigned fragments;
	size_t longest;
} wire;

static bool on_the_way(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	bool is = d[16] == IKE1_P_FRAGMENT, now = is && wire.fragments == wire.at;

	wire.fragments += is;
	wire.longest = n_d > wire.longest ? n_d : wire.longest;
	r->wire.twice = now && wire.act == DOUBLE ? 1000 : 0;
	r->wire.late = now && wire.act == LATE ? 1000 : 0;
	if (now && wire.act == ALTER && wire.offset < n_d)
		d[wire.offset] ^= 0x41;
	return !(now && wire.act == LOSE);
}

static struct ike_conf *conf_of(enum ike_mode mode, enum ike_switch frag)
{
	struct ike_conf *c = rig_conf(mode, IKE_AUTH_RSA, true);

	c->peer[0].ike_frag = frag;
	return c;
}

static void begin(enum ike_mode mode, enum ike_switch a, enum ike_switch b)
{
	rig_init(&rig, 1, conf_of(mode, a), conf_of(mode, b));
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	rig.a.cert_len = rig.b.cert_len = CERT;
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
	rig.wire.tamper = on_the_way;
	wire.fragments = 0;
	wire.longest = 0;
}

static void assert_pairs(size_t n, const char *what)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s, fragment %u, octet %u: %s", what, wire.at, wire.offset, why);
	if (rig_count(&rig.a, false) != n || rig_count(&rig.b, false) != n)
		fail_msg("%s, fragment %u, octet %u: %zu and %zu SAs", what, wire.at, wire.offset,
		    rig_count(&rig.a, false), rig_count(&rig.b, false));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rig.a.core->fragments[i].octets + rig.b.core->fragments[i].octets, 0);
		assert_true(list_is_empty(&rig.a.core->fragments[i].rooms));
	}
}

static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

static void meet(uint64_t ms, const char *what)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, ms);
	assert_pairs(1, what);
}

static void test_both_announce(void **state)
{
	wire.act = NOTHING;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(modes[i], IKE_ON, IKE_ON);
		meet(ENOUGH_MS, "whole");
		assert_true(wire.longest <= FRAGS_FIT);
		assert_int_equal(wire.fragments, 8); /* four of each side's certificate */
		assert_int_equal(rig.a.core->counters.malformed + rig.b.core->counters.malformed, 0);
		rig_fini(&rig);
	}
}

/* Each side is sent fragments by whoever heard that it takes them, and only then. */
static void test_who_announces(void **state)
{
	wire.act = NOTHING;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(modes[i], IKE_OFF, IKE_OFF);
		meet(ENOUGH_MS, "off");
		assert_int_equal(wire.fragments, 0);
		rig_fini(&rig);
		begin(modes[i], IKE_ON, IKE_OFF);
		meet(ENOUGH_MS, "A alone");
		assert_int_equal(wire.fragments, 4);
		assert_int_equal(rig.a.core->counters.fragments, 4);
		rig_fini(&rig);
		begin(modes[i], IKE_OFF, IKE_ON);
		meet(ENOUGH_MS, "B alone");
		assert_int_equal(rig.b.core->counters.fragments, 4);
		assert_int_equal(rig.a.core->counters.fragments, 0);
		rig_fini(&rig);
	}
}

/* force: the initiator does not wait to hear of it; who takes none does not understand. */
static void test_force(void **state)
{
	wire.act = NOTHING;
	begin(IKE_MODE_MAIN, IKE_FORCE, IKE_OFF);
	rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_pairs(0, "force");
	assert_true(rig.b.core->counters.fragments > 0);
	rig_fini(&rig);
}

static void test_each_fragment(void **state)
{
	static const char *const names[] = {
	    [LOSE] = "lost", [DOUBLE] = "doubled", [ALTER] = "altered", [LATE] = "late"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		for (wire.act = LOSE; wire.act < ACTS; wire.act++)
			for (wire.at = 0; wire.at < 8; wire.at++) {
				wire.offset = 700;
				begin(modes[i], IKE_ON, IKE_ON);
				meet(90000, names[wire.act]);
				rig_fini(&rig);
			}
	wire.offset = 0;
}

/* Every octet of a fragment's own header and some behind it. */
static void test_each_octet_altered(void **state)
{
	wire.act = ALTER;
	for (wire.at = 0; wire.at < 8; wire.at++)
		for (wire.offset = 0; wire.offset < 48; wire.offset++) {
			begin(IKE_MODE_MAIN, IKE_ON, IKE_ON);
			meet(90000, "altered");
			rig_fini(&rig);
		}
	wire.offset = 0;
}

/* --- what others can fill --- */

static struct isakmp *half_open(void)
{
	begin(IKE_MODE_MAIN, IKE_ON, IKE_ON);
	rig_packet(&rig.a, 0);
	while (list_is_empty(&rig.b.core->isakmp))
		rig_run(&rig, 1);
	rig.a.dead = true; /* B has answered message 1 and waits */
	return list_entry(rig.b.core->isakmp.next, struct isakmp, all);
}

static void toss(const struct isakmp *at, uint16_t id, uint8_t number, bool last, size_t n)
{
	static uint8_t data[FRAGS_OCTETS_MAX + 1], d[CORE_DATAGRAM_MAX];
	struct ike_hdr h = {.major = 1, .exchange = IKE1_MAIN};
	const struct ike1_fragment f = {
	    .id = id, .number = number, .last = last, .data = data, .len = (uint32_t)n};
	struct ike_out o;

	memcpy(h.icookie, at->icookie, IKE_COOKIE_LEN);
	memcpy(h.rcookie, at->rcookie, IKE_COOKIE_LEN);
	ike_out_init(&o, d, sizeof(d), &h);
	ike1_put_fragment(&o, &f);
	core_datagram(rig.b.core, &at->path, d, ike_out_end(&o));
}

static uint32_t kept(void)
{
	return rig.b.core->fragments[0].octets + rig.b.core->fragments[1].octets;
}

static void test_bounds_of_one(void **state)
{
	struct isakmp *sa = half_open();

	for (uint8_t i = 1; i < 40; i++)
		toss(sa, 7, i, false, 1000);
	assert_true(kept() > 0 && kept() <= FRAGS_OCTETS_MAX);
	toss(sa, 8, 1, false, 100); /* another message begins: the other one is forgotten */
	assert_int_equal(kept(), 100);
	toss(sa, 8, 1, false, 50);
	assert_int_equal(kept(), 50);
	toss(sa, 8, FRAGS_PARTS_MAX + 1, false, 50);
	assert_int_equal(kept(), 0);
	toss(sa, 8, 3, true, 50);
	toss(sa, 8, 4, false, 50); /* behind the last one */
	assert_int_equal(kept(), 0);
	toss(sa, 9, 1, false, FRAGS_OCTETS_MAX + 1);
	assert_int_equal(kept(), 0);
	toss(sa, 9, 1, false, 10);
	rig_run(&rig, FRAGMENT_LIFE_MS + 1000);
	assert_int_equal(kept(), 0);
	rig_fini(&rig);
}

/* Without the responder's cookie there is nobody to keep it for. */
static void test_strangers_fill_nothing(void **state)
{
	struct isakmp *sa = half_open(), forged = *sa;

	memset(forged.rcookie, 0, sizeof(forged.rcookie));
	toss(&forged, 1, 1, false, 1000);
	memset(forged.rcookie, 0x55, sizeof(forged.rcookie));
	toss(&forged, 1, 1, false, 1000);
	forged = *sa;
	forged.path.remote = inet_addr_v4(0x0a0000aa);
	toss(&forged, 1, 1, false, 1000);
	assert_int_equal(kept(), 0);
	assert_int_equal(rig.b.core->n_isakmp, 1);
	assert_int_equal(rig.b.core->counters.unknown, 3);
	rig_fini(&rig);
}

/* Many who each fill their place: the oldest lose it. */
static void test_bound_of_all(void **state)
{
	enum { MANY = 100 };
	struct isakmp *sa = half_open();
	struct ike_path path = sa->path;

	for (uint32_t i = 0; i < MANY; i++) {
		uint8_t icookie[IKE_COOKIE_LEN] = {1, 2, 3, 4, 5, 6, 7, (uint8_t)i};
		struct isakmp *one;

		path.remote = inet_addr_v4(0x0b000001 + i);
		one = isakmp_new(rig.b.core, 0, &path, IKE_MODE_MAIN, icookie);
		assert_non_null(one);
		for (uint8_t k = 1; k <= 30; k++)
			toss(one, 1, k, false, 1000);
		assert_true(kept() <= FRAGMENT_POOL_MAX);
	}
	assert_true(kept() > FRAGMENT_POOL_MAX / 2);
	rig_run(&rig, FRAGMENT_LIFE_MS + 1000);
	assert_int_equal(kept(), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_announce),
	    cmocka_unit_test(test_who_announces),
	    cmocka_unit_test(test_force),
	    cmocka_unit_test(test_each_fragment),
	    cmocka_unit_test(test_each_octet_altered),
	    cmocka_unit_test(test_bounds_of_one),
	    cmocka_unit_test(test_strangers_fill_nothing),
	    cmocka_unit_test(test_bound_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
