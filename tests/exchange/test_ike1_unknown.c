/*
 * Version 1, and a peer that sends into an SA that is not there any more: it hears of it, strangers hear
 * nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000 };

static struct rig rig;

/* A peer that is named by its address. */
static struct ike_conf *named(uint32_t addr)
{
	struct ike_conf *c = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	c->peer[0].addr = inet_addr_v4(addr);
	return c;
}

static struct ike_conf *conf_b(void)
{
	return named(0x0a000064);
}

static void begin(void)
{
	rig_init(&rig, 1, named(0x0a00006e), conf_b());
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.a, false), 1);
}

/* B starts anew and remembers nothing; the first packet of A into the old SA is enough. */
static void test_after_a_start_the_peer_learns_soon(void **state)
{
	begin();
	rig_restart(&rig.b, conf_b());
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.a, false), 1); /* it cannot know yet */
	rig_traffic(&rig);
	assert_int_equal(rig_count(&rig.a, false), 0);
	assert_true(rig_logged(&rig.a, "IPsec-SA purged: the peer began anew"));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

/* The same by a deletion when there is an ISAKMP SA. */
static void test_under_an_isakmp_sa_it_is_deleted(void **state)
{
	unsigned before;

	begin();
	child_end(list_entry(rig.b.core->children.next, struct child, node), false, CHILD_FORGOTTEN);
	before = rig.n_datagrams;
	rig_traffic(&rig);
	assert_int_equal(rig_count(&rig.a, false), 0);
	assert_int_equal(rig.n_datagrams - before, 1);
	assert_true(rig_logged(&rig.a, "IPsec-SA deleted by the peer"));
	rig_fini(&rig);
}

/* A flood of packets in the peer's name: one negotiation, or some deletions a second. */
static void test_a_flood_costs_little(void **state)
{
	const struct inet_addr nobody = inet_addr_v4(0x0a0000aa);
	unsigned before;

	begin();
	before = rig.n_datagrams;
	for (uint32_t i = 0; i < 10000; i++)
		core_unknown_spi(rig.b.core, &rig.b.addr, &rig.a.addr, IPSEC_ESP, 0x77770000 + i);
	assert_in_range(rig.n_datagrams - before, 1, 10);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig)); /* what is there stays */
	rig_restart(&rig.b, conf_b());
	rig.a.dead = true;
	before = rig.n_datagrams;
	for (uint32_t i = 0; i < 10000; i++)
		core_unknown_spi(rig.b.core, &rig.b.addr, &rig.a.addr, IPSEC_ESP, 0x77770000 + i);
	assert_int_equal(rig.b.core->n_isakmp, 1);
	assert_int_equal(rig.n_datagrams - before, 1);
	before = rig.n_datagrams;
	for (uint32_t i = 0; i < 10000; i++)
		core_unknown_spi(rig.b.core, &rig.b.addr, &nobody, IPSEC_ESP, i);
	assert_int_equal(rig.n_datagrams, before);
	rig_fini(&rig);
}

/* Nothing is begun with whom the configuration does not name, who may not be begun with, and who is not to
 * hear of a new beginning. */
static void test_who_is_not_begun_with(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct ike_conf *b = conf_b();
		unsigned before;

		if (i == 0)
			b->peer[0].addr.family = INET_NONE;
		if (i == 1)
			b->peer[0].passive = true;
		if (i == 2)
			b->peer[0].initial_contact = false;
		begin();
		rig_restart(&rig.b, b);
		before = rig.n_datagrams;
		rig_traffic(&rig);
		assert_int_equal(rig.n_datagrams, before);
		assert_int_equal(rig.b.core->n_isakmp, 0);
		rig_fini(&rig);
	}
}

/* A hint that was under way while its SA was made is no reason to end it. */
static void test_a_late_hint(void **state)
{
	uint32_t spi = 0;

	begin();
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (rig.b.sa[i].serial && rig.b.sa[i].inbound)
			spi = rig.b.sa[i].desc.spi;
	core_unknown_spi(rig.b.core, &rig.b.addr, &rig.a.addr, IPSEC_ESP, spi);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_after_a_start_the_peer_learns_soon),
	    cmocka_unit_test(test_under_an_isakmp_sa_it_is_deleted),
	    cmocka_unit_test(test_a_flood_costs_little),
	    cmocka_unit_test(test_who_is_not_begun_with),
	    cmocka_unit_test(test_a_late_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
