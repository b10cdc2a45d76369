/*
 * Version 2 with a peer that does what is allowed and awkward: nothing of ours may be ended twice, or used
 * after its end, by what the end of one thing does to others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "support/ike_rig.h"

enum { TCP = 6, UDP = 17, ENOUGH_MS = 2000, LONG_MS = 120000, PAIRS_MAX = 64 };

static struct rig rig;

static void begin(uint64_t seed)
{
	rig_init(&rig, seed, rig_conf2(IKE_AUTH_PSK), rig_conf2(IKE_AUTH_PSK));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void connect_from(struct rig_side *s)
{
	rig_packet(s, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
}

static void assert_sound(void)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static void renew_sa(struct rig_side *s)
{
	const struct ike_row_filter f = {.sas = true, .remote = s == &rig.a ? rig.b.addr : rig.a.addr};
	struct ike_row_ended n;

	core_renew(s->core, &f, &n);
	assert_int_equal(n.n_sas, 1);
}

/* Both begin, neither has a policy that fits the other's: a first child that fails, and an IKE SA that is one
 * too many, end together. */
static void test_both_at_once_and_no_policy_fits(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		begin(seed);
		rig.b.out[0].sel.proto = rig.b.in[0].sel.proto = UDP;
		rig_packet(&rig.a, 0);
		rig_run(&rig, seed % 25);
		rig_packet(&rig.b, 0);
		rig_run(&rig, LONG_MS);
		assert_sound();
		assert_int_equal(rig.a.core->n_children + rig.b.core->n_children, 0);
		assert_true(rig.a.core->ike2.n <= 1 && rig.b.core->ike2.n <= 1);
		rig_fini(&rig);
	}
}

/* B protects less than A asks for, and says so in its answer: of no use to A. */
static void narrow(void)
{
	rig.b.out[0].sel.dport = rig.b.in[0].sel.sport = 80;
}

static int no_room(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, uint64_t pair)
{
	return -ENOSPC;
}

/* What the peer has made in its answer, and we cannot use, does not stay with it: of the first child, which
 * came with the proofs, and of a further one; for what the peer says, and for what happens here. */
static void test_what_the_peer_made_for_nothing_is_deleted(void **state)
{
	(void)state;
	for (int further = 0; further < 2; further++)
		for (int here = 0; here < 2; here++) {
			begin(1);
			rig_policy(&rig, IPSEC_TUNNEL, UDP);
			if (further) {
				rig_packet(&rig.a, 1);
				rig_run(&rig, ENOUGH_MS);
				assert_true(rig_is_usable(&rig));
			}
			if (here)
				rig.a.core->ports.install = no_room;
			else
				narrow();
			rig_packet(&rig.a, 0);
			rig_run(&rig, ENOUGH_MS);
			assert_true(
			    rig_logged(&rig.a, here ? "the SA cannot be made" : "less than the policy has"));
			assert_int_equal(rig.a.core->ike2.n, 1);
			assert_int_equal(rig.b.core->ike2.n, 1);
			assert_int_equal(rig.a.core->n_children, further);
			assert_int_equal(rig.b.core->n_children, further);
			assert_int_equal(rig_count(&rig.b, true), further);
			assert_sound();
			rig_fini(&rig);
		}
}

static unsigned n_answers;

static bool lose_answers(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	n_answers += !from_a;
	return from_a;
}

/* The answer comes when our patience with the child is over. */
static void test_what_the_peer_made_too_late_is_deleted(void **state)
{
	struct ike2_pair *p;

	(void)state;
	begin(1);
	rig_policy(&rig, IPSEC_TUNNEL, UDP);
	connect_from(&rig.a);
	rig.wire.tamper = lose_answers;
	rig_packet(&rig.a, 1);
	rig_run(&rig, ENOUGH_MS);
	p = pair_of_policy(rig.a.core, rig.a.out[1].id);
	assert_non_null(p);
	assert_int_equal(p->state, PAIR_ASKED);
	pair_fail(p, 0, "time is up");
	assert_int_equal(rig.b.core->n_children, 2);
	rig.wire.tamper = NULL;
	rig_run(&rig, 10 * ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, 1);
	assert_int_equal(rig.a.core->n_children, 1);
	assert_true(rig_is_usable(&rig));
	assert_sound();
	rig_fini(&rig);
}

static struct child *newest(const struct rig_side *s)
{
	return list_entry(s->core->children.prev, struct child, node);
}

/* A has asked for one pair after the other and ended none, and renews the first: B's new one is one too many,
 * and the oldest is the one that it replaces. */
static void test_the_oldest_of_too_many_is_the_one_that_is_renewed(void **state)
{
	struct child *first;

	(void)state;
	begin(1);
	connect_from(&rig.a);
	first = newest(&rig.a);
	first->replaced = true; /* so that A asks for another one, and not in its place */
	while (rig.b.core->n_children < PAIRS_MAX) {
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_ptr_not_equal(newest(&rig.a), first);
		child_end(newest(&rig.a), false, CHILD_FORGOTTEN);
	}
	first->replaced = false;
	first->ops->renew(first);
	rig_run(&rig, LONG_MS);
	assert_true(rig.b.core->n_children <= PAIRS_MAX);
	assert_int_equal(rig.a.core->n_children, 1);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

/* A begins anew while B renews the IKE SA that A does not know any more: the old one ends, and its successor
 * on the way with it. */
static void test_the_peer_begins_anew_during_our_renewal(void **state)
{
	(void)state;
	begin(1);
	connect_from(&rig.a);
	rig.a.dead = true;
	renew_sa(&rig.b);
	rig_run(&rig, 100);
	assert_int_equal(rig.b.core->ike2.n, 2);
	rig_restart(&rig.a, rig_conf2(IKE_AUTH_PSK));
	rig.a.dead = false;
	connect_from(&rig.a);
	assert_true(rig_logged(&rig.b, "purged: the peer began anew"));
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig.a.core->ike2.n, 1);
	assert_int_equal(rig.b.core->ike2.n, 1);
	assert_sound();
	rig_fini(&rig);
}

/* The same with what ends all of them. What A has made meanwhile, and B does not want any more, A finds dead.
 */
static void test_everything_ends_during_our_renewal(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 20; ms++) {
		struct ike_conf *a = rig_conf2(IKE_AUTH_PSK);

		a->peer[0].dpd = (struct ike_dpd){.delay_s = 10, .maxfail = 3};
		rig_init(&rig, 1, a, rig_conf2(IKE_AUTH_PSK));
		rig_policy(&rig, IPSEC_TUNNEL, TCP);
		connect_from(&rig.a);
		renew_sa(&rig.b);
		rig_run(&rig, ms);
		core_shutdown(rig.b.core);
		assert_int_equal(rig.b.core->n_children, 0);
		rig_run(&rig, LONG_MS);
		assert_int_equal(rig.a.core->ike2.n + rig.b.core->ike2.n, 0);
		rig_fini(&rig);
	}
}

/* A pair that waits for the end of the one before hears of it however that ends. */
static void test_a_pair_that_waits_hears_of_any_end(void **state)
{
	struct child *old;

	(void)state;
	begin(1);
	connect_from(&rig.a);
	old = newest(&rig.b);
	newest(&rig.a)->ops->renew(newest(&rig.a));
	for (unsigned ms = 0; rig_count(&rig.b, true) < 2; ms++) {
		assert_true(ms < ENOUGH_MS);
		rig_run(&rig, 1);
	}
	child_end(old, false, CHILD_EXPIRED);
	rig_run(&rig, 100);
	assert_int_equal(rig_count(&rig.b, false), 1);
	rig_run(&rig, LONG_MS);
	assert_sound();
	rig_fini(&rig);
}

/* Repetitions prove nothing, so that two in a moment are answered once, and later ones are answered still. */
static void test_repetitions_are_answered_for_ever_and_not_at_once(void **state)
{
	(void)state;
	begin(1);
	connect_from(&rig.a);
	rig.wire.tamper = lose_answers;
	rig.wire.twice = 1000;
	n_answers = 0;
	newest(&rig.a)->ops->renew(newest(&rig.a));
	rig_run(&rig, 100);
	assert_int_equal(n_answers, 1);
	rig_run(&rig, 10000);
	assert_in_range(n_answers, 5, 10); /* at 0, 0.5, 1.5, 3.5 and 7.5 s, and to twins that come late */
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_at_once_and_no_policy_fits),
	    cmocka_unit_test(test_what_the_peer_made_for_nothing_is_deleted),
	    cmocka_unit_test(test_what_the_peer_made_too_late_is_deleted),
	    cmocka_unit_test(test_the_oldest_of_too_many_is_the_one_that_is_renewed),
	    cmocka_unit_test(test_the_peer_begins_anew_during_our_renewal),
	    cmocka_unit_test(test_everything_ends_during_our_renewal),
	    cmocka_unit_test(test_a_pair_that_waits_hears_of_any_end),
	    cmocka_unit_test(test_repetitions_are_answered_for_ever_and_not_at_once),
	};

	return cmocka_run_group_tests_name("exchange/ike2 awkward", tests, NULL, NULL);
}
