/*
 * The administrator's word in version 2: new keys now, from either side or both, while packets pass and
 * messages are lost. What is in use stays until what takes its place is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "support/ike_rig.h"

enum { TCP = 6, UDP = 17, ENOUGH_MS = 2000, CALM_MS = 120000 };

static struct rig rig;

static void begin(uint64_t seed, unsigned policies)
{
	static const uint16_t upper[] = {TCP, UDP};

	rig_init(&rig, seed, rig_conf2(IKE_AUTH_PSK), rig_conf2(IKE_AUTH_PSK));
	for (unsigned i = 0; i < policies; i++)
		rig_policy(&rig, IPSEC_TUNNEL, upper[i]);
	for (unsigned i = 0; i < policies; i++)
		rig_packet(&rig.a, i);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.a, false), policies);
}

static struct ike_row_ended rekey(struct rig_side *s, bool ike)
{
	const struct ike_row_filter f = {
	    .sas = ike, .children = true, .remote = s == &rig.a ? rig.b.addr : rig.a.addr};
	struct ike_row_ended n;

	core_renew(s->core, &f, &n);
	return n;
}

static uint32_t newest_spi(const struct rig_side *s, uint32_t policy)
{
	const struct child *k = child_of_policy(s->core, policy);

	assert_non_null(k);
	return k->part[0].spi_out;
}

static void assert_sound(unsigned children)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s\nA: %s\nB: %s", why, rig.a.log, rig.b.log);
	assert_int_equal(rig.a.core->ike2.n, 1);
	assert_int_equal(rig.b.core->ike2.n, 1);
	assert_int_equal(rig_count(&rig.a, false), children);
	assert_int_equal(rig_count(&rig.b, false), children);
}

static void test_children(void **state)
{
	struct ike_row_ended n;
	uint32_t was[2];

	begin(1, 2);
	for (unsigned i = 0; i < 2; i++)
		was[i] = newest_spi(&rig.a, rig.a.out[i].id);
	n = rekey(&rig.a, false);
	assert_int_equal(n.n_sas, 0);
	assert_int_equal(n.n_children, 2);
	assert_true(rig_live(&rig, ENOUGH_MS));
	for (unsigned i = 0; i < 2; i++)
		assert_int_not_equal(newest_spi(&rig.a, rig.a.out[i].id), was[i]);
	rig_run(&rig, CALM_MS);
	assert_sound(2);
	rig_fini(&rig);
}

/* A word that comes twice is meant once. */
static void test_ike_sa_with_its_children(void **state)
{
	struct ike_row_ended n;
	unsigned before;

	begin(1, 1);
	before = rig.n_datagrams;
	for (unsigned i = 0; i < 2; i++) {
		n = rekey(&rig.a, true);
		assert_int_equal(n.n_sas, 1);
		assert_int_equal(n.n_children, 1);
	}
	assert_true(rig_live(&rig, ENOUGH_MS));
	/* The IKE SA and its end, the child and its end: a request and an answer each. */
	assert_int_equal(rig.n_datagrams - before, 8);
	assert_true(rig_logged(&rig.a, "in place of another one"));
	rig_run(&rig, CALM_MS);
	assert_sound(1);
	rig_fini(&rig);
}

static void test_nothing_there(void **state)
{
	struct ike_row_ended n;

	rig_init(&rig, 1, rig_conf2(IKE_AUTH_PSK), rig_conf2(IKE_AUTH_PSK));
	n = rekey(&rig.a, true);
	assert_int_equal(n.n_sas + n.n_children, 0);
	assert_int_equal(rig.n_datagrams, 0);
	rig_fini(&rig);
}

/* Again and again, by A, by B and by both at once, every sixth time the IKE SA too, over a wire that loses.
 * At every moment what either side sends through, the other one receives. */
static void again_and_again(uint64_t seed, unsigned loss)
{
	begin(seed, 1);
	rig.wire.loss = loss;
	for (unsigned i = 0; i < 30; i++) {
		bool ike = i % 6 == 5;

		if (i % 3 != 1)
			(void)rekey(&rig.a, ike);
		if (i % 3 != 0)
			(void)rekey(&rig.b, ike);
		if (!rig_live(&rig, 1500)) {
			printf("A: %s\nB: %s\n", rig.a.log, rig.b.log);
			fail_msg("seed %llu: a packet would be lost", (unsigned long long)seed);
		}
	}
	rig.wire.loss = 0;
	rig_run(&rig, CALM_MS);
	assert_sound(1);
	rig_fini(&rig);
}

static unsigned lost;

static bool lose_one(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return n != lost;
}

/* A's request is lost, and when it comes again B has renewed the pair itself and has forgotten the old one.
 */
static void test_what_the_peer_has_renewed_meanwhile(void **state)
{
	begin(1, 1);
	lost = rig.n_datagrams;
	rig.wire.tamper = lose_one;
	(void)rekey(&rig.a, false);
	rig_run(&rig, 20);
	assert_int_equal(rig.n_datagrams, lost + 1);
	(void)rekey(&rig.b, false);
	rig_run(&rig, 300);
	list_foreach_safe (k, next, &rig.b.core->children, struct child, node)
		if (k->replaced)
			child_end(k, false, CHILD_FORGOTTEN);
	assert_int_equal(rig.b.core->n_children, 1);
	assert_true(rig_live(&rig, ENOUGH_MS));
	assert_true(rig_logged(&rig.a, "the peer has renewed it meanwhile"));
	rig_run(&rig, CALM_MS);
	assert_sound(1);
	rig_fini(&rig);
}

static void test_from_both_sides_under_loss(void **state)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		again_and_again(seed, seed % 2 ? 10 : 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_children),
	    cmocka_unit_test(test_ike_sa_with_its_children),
	    cmocka_unit_test(test_nothing_there),
	    cmocka_unit_test(test_what_the_peer_has_renewed_meanwhile),
	    cmocka_unit_test(test_from_both_sides_under_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
