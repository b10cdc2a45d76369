/*
 * Version 2: who both are is proved anew, with another IKE SA beside the one there is (RFC 7296
 * section 2.8.3), and no moment in which a packet could not go.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, UDP = 17, ENOUGH_MS = 2000, PROOF_S = 600, CALM_MS = 60000 };

static struct rig rig;

static struct ike_conf *conf_with(const char *addr, uint64_t proof_s)
{
	struct ike_conf *c = rig_conf2(IKE_AUTH_PSK);

	assert_int_equal(inet_addr_parse(addr, &c->peer[0].addr), 0);
	c->peer[0].offer[0].seconds = 28800;
	c->peer[0].reauth_s = proof_s;
	c->child[0].seconds = 7200;
	return c;
}

static void begin(uint64_t a_s, uint64_t b_s)
{
	rig_init(&rig, 1, conf_with("10.0.0.110", a_s), conf_with("10.0.0.100", b_s));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_policy(&rig, IPSEC_TUNNEL, UDP);
	rig_packet(&rig.a, 0);
	rig_packet(&rig.a, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
}

/* Both children are there, under one IKE SA, at both ends. */
static void assert_whole(void)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s\n%s\n%s", why, rig.a.log, rig.b.log);
	assert_int_equal(rig.a.core->ike2.n, 1);
	assert_int_equal(rig.b.core->ike2.n, 1);
	assert_int_equal(rig.a.core->n_children, 2);
	assert_int_equal(rig.b.core->n_children, 2);
}

static uint64_t last_proof(const struct rig_side *s)
{
	return list_entry(s->core->ike2.sas.next, struct ikesa, all)->proof_ms;
}

static void lives(uint64_t a_s, uint64_t b_s)
{
	enum { TIMES = 5 };
	uint64_t since;

	begin(a_s, b_s);
	since = last_proof(&rig.a);
	assert_true(rig_live(&rig, (uint64_t)TIMES * PROOF_S * 1000));
	assert_true(last_proof(&rig.a) > since + (uint64_t)(TIMES - 2) * PROOF_S * 1000);
	assert_true(rig.a.core->counters.established1 >= TIMES);
	assert_int_equal(rig.a.core->counters.failed1 + rig.b.core->counters.failed1, 0);
	rig_run(&rig, CALM_MS);
	assert_whole();
	rig_fini(&rig);
}

static void test_who_began_proves_it_anew(void **state)
{
	(void)state;
	lives(PROOF_S, 0);
}

static void test_who_answered_proves_it_anew(void **state)
{
	(void)state;
	lives(0, PROOF_S);
}

static void test_both_want_it(void **state)
{
	(void)state;
	lives(PROOF_S, PROOF_S);
}

/* A renewal keys anew and proves nothing: the time goes on. */
static void test_renewals_in_between_prove_nothing(void **state)
{
	uint64_t since;

	(void)state;
	begin(PROOF_S, 0);
	since = last_proof(&rig.a);
	rig.a.core->conf->c->peer[0].offer[0].seconds = PROOF_S / 3;
	for (unsigned i = 0; i < 3; i++) {
		struct ikesa *sa = list_entry(rig.a.core->ike2.sas.next, struct ikesa, all);

		assert_int_equal(
		    timer_set(&rig.a.core->timers, &sa->renew, core_now(rig.a.core), sa->renew.fn), 0);
		assert_true(rig_live(&rig, 5000));
		assert_int_equal(last_proof(&rig.a), since);
	}
	assert_true(rig_live(&rig, (uint64_t)PROOF_S * 1000));
	assert_true(last_proof(&rig.a) > since);
	rig_fini(&rig);
}

/* Without a proof the old one goes on until somebody sees to it, and is tried again. */
static void test_a_proof_that_fails_takes_nothing_away(void **state)
{
	(void)state;
	begin(PROOF_S, 0);
	rig.b.psk = "another key by now";
	assert_true(rig_live(&rig, (uint64_t)2 * PROOF_S * 1000));
	assert_true(rig_logged(&rig.a, "AUTHENTICATION_FAILED"));
	rig.b.psk = rig.a.psk;
	assert_true(rig_live(&rig, (uint64_t)PROOF_S * 1000));
	rig_run(&rig, CALM_MS);
	assert_whole();
	rig_fini(&rig);
}

static int no_room(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, uint64_t partner)
{
	return -ENOSPC;
}

/* The new IKE SA comes up, and no child can be made under it: the old one keeps its own. */
static void test_without_children_the_old_one_stays(void **state)
{
	(void)state;
	for (unsigned there = 0; there < 2; there++) {
		struct core_ports *ports;
		int (*install)(void *, uint64_t, uint64_t, const struct sa_desc *, uint64_t);

		begin(PROOF_S, 0);
		ports = there ? &rig.b.core->ports : &rig.a.core->ports;
		install = ports->install;
		ports->install = no_room;
		assert_true(rig_live(&rig, (uint64_t)PROOF_S * 1000));
		assert_int_equal(rig.a.core->n_children, 2);
		assert_true(rig.a.core->counters.established1 > 1);
		ports->install = install;
		assert_true(rig_live(&rig, (uint64_t)PROOF_S * 1000));
		rig_run(&rig, CALM_MS);
		assert_whole();
		rig_fini(&rig);
	}
}

static unsigned base, lost;

static bool lose_one(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return n != base + lost;
}

static void test_each_message_lost(void **state)
{
	enum { MESSAGES = 12 };

	(void)state;
	for (lost = 0; lost < MESSAGES; lost++) {
		begin(PROOF_S, 0);
		base = rig.n_datagrams;
		rig.wire.tamper = lose_one;
		assert_true(rig_live(&rig, (uint64_t)PROOF_S * 1000));
		rig_run(&rig, CALM_MS);
		assert_whole();
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_began_proves_it_anew),
	    cmocka_unit_test(test_who_answered_proves_it_anew),
	    cmocka_unit_test(test_both_want_it),
	    cmocka_unit_test(test_renewals_in_between_prove_nothing),
	    cmocka_unit_test(test_a_proof_that_fails_takes_nothing_away),
	    cmocka_unit_test(test_without_children_the_old_one_stays),
	    cmocka_unit_test(test_each_message_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
