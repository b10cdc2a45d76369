/*
 * Version 2 when things go wrong: each message lost in turn, each octet of each message altered, both sides
 * at once, and random schedules of a bad wire. What has to hold in the end: both sides have the same SAs or
 * none, nothing waits for ever, and nobody who does not know the key gets one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "support/ike_rig.h"
#include "wire/ike/v2.h"

enum { TCP = 6, LONG_MS = 120000, SCHEDULES = 5000, SCHEDULES_LONG = 1000000 };

static struct rig rig;

static void begin(uint64_t seed, enum ike_auth_method auth)
{
	rig_init(&rig, seed, rig_conf2(auth), rig_conf2(auth));
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void assert_sound(const char *what, uint64_t number)
{
	const char *why = "";

	if (getenv("IKE_DEBUG"))
		printf("--- %s %llu at %llu\nA: %s\nB: %s\n", what, (unsigned long long)number,
		    (unsigned long long)rig.clock.ms, rig.a.log, rig.b.log);

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s %llu: %s", what, (unsigned long long)number, why);
}

static void assert_sas(const char *what, uint64_t number)
{
	if (rig.a.core->ike2.n != 1 || rig.b.core->ike2.n != 1)
		fail_msg("%s %llu: %u and %u IKE SAs", what, (unsigned long long)number, rig.a.core->ike2.n,
		    rig.b.core->ike2.n);
}

/* One IKE SA and one child on each side, and the same ones. */
static void assert_one(const char *what, uint64_t number)
{
	assert_sound(what, number);
	assert_sas(what, number);
	if (rig_count(&rig.a, false) != 1 || rig_count(&rig.b, false) != 1)
		fail_msg("%s %llu: %zu and %zu children", what, (unsigned long long)number,
		    rig_count(&rig.a, false), rig_count(&rig.b, false));
}

static const enum ike_auth_method kinds[] = {IKE_AUTH_PSK, IKE_AUTH_RSA};

/* One datagram is lost, the n-th; all others arrive. */
static unsigned lost;

static bool lose_one(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return n != lost;
}

static void test_each_message_lost(void **state)
{
	enum { MESSAGES = 4 };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (lost = 0; lost < MESSAGES; lost++) {
			begin(1, kinds[k]);
			rig.wire.tamper = lose_one;
			rig_packet(&rig.a, 0);
			rig_run(&rig, LONG_MS);
			assert_one("lost message", lost);
			rig_fini(&rig);
		}
}

/* One octet of one datagram is another; it never arrives as it was. */
static unsigned altered, offset;

static bool alter_one(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	if (n == altered && offset < n_d)
		d[offset] ^= 0x41;
	return true;
}

/* Repetitions arrive unaltered, but what was altered in a first message may have been taken: then the proofs
 * do not fit, and nothing comes of it. */
static void test_each_octet_altered(void **state)
{
	enum { MESSAGES = 4, OCTETS = 500 };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (altered = 0; altered < MESSAGES; altered++)
			for (offset = 0; offset < OCTETS; offset++) {
				begin(1, kinds[k]);
				rig.wire.tamper = alter_one;
				rig_packet(&rig.a, 0);
				rig_run(&rig, LONG_MS);
				assert_sound("altered octet", altered * 1000 + offset);
				rig_fini(&rig);
			}
}

static void test_wrong_key(void **state)
{
	begin(1, IKE_AUTH_PSK);
	rig.b.psk = "another key";
	rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_sound("wrong key", 0);
	assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.b, true), 0);
	assert_int_equal(rig.last_grant, 0);
	assert_true(rig.a.n_done_bad > 0);
	assert_true(rig_logged(&rig.a, "AUTHENTICATION_FAILED"));
	rig_fini(&rig);
}

static void test_nobody_there(void **state)
{
	begin(1, IKE_AUTH_PSK);
	rig.b.dead = true;
	rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_sound("nobody", 0);
	assert_int_equal(rig.a.core->ike2.n, 0);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_true(rig_logged(&rig.a, "IKE-SA failed: no answer."));
	assert_int_equal(rig.n_datagrams, 6);
	rig_fini(&rig);
}

/* Both begin: of the two IKE SAs one goes, with its child. */
static void test_both_at_once(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (uint64_t seed = 1; seed < 20; seed++) {
			begin(seed, kinds[k]);
			rig_packet(&rig.a, 0);
			rig_packet(&rig.b, 0);
			rig_run(&rig, LONG_MS);
			assert_one("both at once", seed);
			rig_fini(&rig);
		}
}

/* --- renewals --- */

static struct child *the_child(struct rig_side *s)
{
	struct child *newest = NULL;

	list_foreach (k, &s->core->children, struct child, node)
		if (!k->replaced)
			newest = k;
	return newest;
}

static struct ikesa *the_sa(struct rig_side *s)
{
	struct ikesa *newest = NULL;

	list_foreach (sa, &s->core->ike2.sas, struct ikesa, all)
		if (ike2_is_up(sa))
			newest = sa;
	return newest;
}

static void renew_child(struct rig_side *s)
{
	struct child *k = the_child(s);

	if (k)
		k->ops->renew(k);
}

static void renew_sa(struct rig_side *s)
{
	struct ikesa *sa = the_sa(s);

	/* As if its time had come. */
	if (sa)
		assert_int_equal(timer_set(&s->core->timers, &sa->renew, core_now(s->core), sa->renew.fn), 0);
}

static void drop_child(struct rig_side *s)
{
	struct child *k = the_child(s);

	if (k)
		child_end(k, true, CHILD_DELETED);
}

static void drop_sa(struct rig_side *s)
{
	struct ikesa *sa = the_sa(s);

	if (sa)
		ike2_sa_leave(sa, "deleted");
}

typedef void (*deed)(struct rig_side *s);
static const struct {
	const char *name;
	deed fn;
} deeds[] = {{"renew the child", renew_child}, {"renew the IKE SA", renew_sa}, {"drop the child", drop_child},
    {"drop the IKE SA", drop_sa}};
enum { RENEW_SA = 1, DROP_CHILD = 2 };

static unsigned base;

static bool lose_from_base(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return n != base + lost;
}

/* What A and B do at the same moment, or B a moment later, with each message lost in turn: in the end there
 * is one of each, or, where something was dropped, after the next packet. */
static void collide(size_t a, size_t b, uint64_t apart_ms, unsigned lose)
{
	char what[200];

	snprintf(what, sizeof(what), "A: %s, B after %u ms: %s, message %u lost", deeds[a].name,
	    (unsigned)apart_ms, deeds[b].name, lose);
	begin(1 + lose, IKE_AUTH_PSK);
	rig_packet(&rig.a, 0);
	rig_run(&rig, 5000);
	assert_one(what, 0);
	base = rig.n_datagrams;
	lost = lose;
	rig.wire.tamper = lose_from_base;
	deeds[a].fn(&rig.a);
	rig_run(&rig, apart_ms);
	deeds[b].fn(&rig.b);
	rig_run(&rig, LONG_MS);
	assert_sound(what, 1);
	/* Nothing that only renews needs another packet. */
	if (a <= RENEW_SA && b <= RENEW_SA)
		assert_one(what, 1);
	else if (a <= DROP_CHILD && b <= DROP_CHILD)
		assert_sas(what, 1);
	if (!rig_count(&rig.a, false))
		rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_one(what, 2);
	rig_fini(&rig);
}

static void test_collisions(void **state)
{
	enum { MESSAGES = 10 };
	static const uint64_t apart[] = {0, 10, 25};

	for (size_t a = 0; a < ARRAY_SIZE(deeds); a++)
		for (size_t b = 0; b < ARRAY_SIZE(deeds); b++)
			for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
				for (unsigned n = 0; n < MESSAGES; n++)
					collide(a, b, apart[i], n);
}

/* --- random schedules --- */

static void one_schedule(uint64_t seed)
{
	struct rng_seeded dice;

	rng_seeded_init(&dice, seed * 7919);
	begin(seed, kinds[rng_below(&dice.rng, ARRAY_SIZE(kinds))]);
	rig.wire = (struct rig_wire){.loss = rng_below(&dice.rng, 400),
	    .twice = rng_below(&dice.rng, 300),
	    .late = rng_below(&dice.rng, 300)};
	for (uint32_t i = 0, n = 1 + rng_below(&dice.rng, 8); i < n; i++) {
		struct rig_side *s = rng_below(&dice.rng, 2) ? &rig.a : &rig.b;
		uint32_t d = rng_below(&dice.rng, 2 + ARRAY_SIZE(deeds));

		if (d < ARRAY_SIZE(deeds))
			deeds[d].fn(s);
		else
			rig_packet(s, 0);
		rig_run(&rig, rng_below(&dice.rng, rng_below(&dice.rng, 3) ? 200 : 20000));
	}
	rig.wire = (struct rig_wire){0};
	rig_run(&rig, LONG_MS);
	/* One side may still believe in an IKE SA that the other has given up: traffic finds that out. */
	for (unsigned i = 0; i < 2 || (i < 8 && !rig_count(&rig.a, false)); i++) {
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		rig_traffic(&rig);
		rig_run(&rig, LONG_MS);
	}
	assert_one("schedule", seed);
	rig_fini(&rig);
}

static void test_random_schedules(void **state)
{
	const char *from = getenv("IKE_SEED");
	uint64_t first = from ? strtoull(from, NULL, 10) : 1, n = from                     ? 1
	                                                          : getenv("POSTERN_LONG") ? SCHEDULES_LONG
	                                                                                   : SCHEDULES;

	for (uint64_t seed = first; seed < first + n; seed++)
		one_schedule(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_message_lost),
	    cmocka_unit_test(test_each_octet_altered),
	    cmocka_unit_test(test_wrong_key),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_both_at_once),
	    cmocka_unit_test(test_collisions),
	    cmocka_unit_test(test_random_schedules),
	};

	const struct CMUnitTest again[] = {cmocka_unit_test(test_random_schedules)};

	/* One schedule of a failure once more, with IKE_DEBUG=1 to see what was said. */
	if (getenv("IKE_SEED"))
		return cmocka_run_group_tests(again, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
