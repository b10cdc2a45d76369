/*
 * Version 2 with a small peer, which refuses whatever is asked for in CREATE_CHILD_SA (NO_ADDITIONAL_SAS, RFC
 * 7296 section 4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "keyd/ike2/exchange.h"
#include "support/ike_rig.h"

enum { TCP = 6, UDP = 17, ENOUGH_MS = 2000, LONG_MS = 200000, FLAGS_AT = 19, EXCHANGE_AT = 18 };

static struct rig rig;
static unsigned n_refused;

/* A's request does not reach B's core, which answers in its stead; and B knows that it takes no more. */
static bool refuse_all(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	struct ikesa *sa;

	if (!from_a || n_d < IKE_HDR_LEN || d[EXCHANGE_AT] != IKE2_CREATE_CHILD_SA ||
	    (d[FLAGS_AT] & IKE2_F_RESPONSE))
		return true;
	sa = ike2_find(r->b.core, d + IKE2_SPI, false);
	assert_non_null(sa);
	n_refused++;
	sa->full = true;
	ike2_send_refusal(sa, IKE2_CREATE_CHILD_SA, IKE2_N_NO_ADDITIONAL_SAS, NULL, 0);
	return false;
}

static struct ike_conf *conf_with(const char *addr, uint64_t child_s, uint64_t sa_s)
{
	struct ike_conf *c = rig_conf2(IKE_AUTH_PSK);

	assert_int_equal(inet_addr_parse(addr, &c->peer[0].addr), 0);
	c->child[0].seconds = child_s;
	c->peer[0].offer[0].seconds = sa_s;
	return c;
}

static void begin(uint64_t child_s, uint64_t sa_s)
{
	struct ike_conf *b = conf_with("10.0.0.100", child_s, sa_s);

	n_refused = 0;
	b->peer[0].rekey = IKE_OFF;
	rig_init(&rig, 1, conf_with("10.0.0.110", child_s, sa_s), b);
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_policy(&rig, IPSEC_TUNNEL, UDP);
	rig.wire.tamper = refuse_all;
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
	assert_int_equal(rig.a.core->ike2.n, 1);
}

static void assert_there(size_t n_sas, size_t n_children)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	assert_int_equal(rig.a.core->ike2.n, n_sas);
	assert_int_equal(rig.b.core->ike2.n, n_sas);
	assert_int_equal(rig.a.core->n_children, n_children);
	assert_int_equal(rig.b.core->n_children, n_children);
	assert_true(rig_is_usable(&rig));
}

/* One child under each IKE SA; whoever waits hears of its own alone. */
static void test_a_further_child_has_an_ike_sa_of_its_own(void **state)
{
	(void)state;
	begin(3600, 28800);
	rig_packet(&rig.a, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(n_refused, 1);
	assert_int_equal(rig.a.n_done_ok, 2);
	assert_int_equal(rig.a.n_done_bad, 0);
	assert_true(
	    rig_logged(&rig.a, "takes no more under this IKE SA (NO_ADDITIONAL_SAS): another one is begun"));
	assert_there(2, 2);
	rig_run(&rig, ENOUGH_MS);
	assert_there(2, 2);
	rig_fini(&rig);
}

/* The time for a renewal comes again and again: each is a new IKE SA with its child, and the old ones go. */
static void test_a_child_is_renewed_with_its_ike_sa(void **state)
{
	uint8_t was[IKE2_SPI];

	(void)state;
	begin(60, 28800);
	memcpy(was, list_entry(rig.a.core->ike2.sas.next, struct ikesa, all)->spi_i, IKE2_SPI);
	assert_true(rig_live(&rig, LONG_MS));
	assert_true(n_refused >= 3);
	rig_run(&rig, ENOUGH_MS);
	assert_there(1, 1);
	assert_memory_not_equal(
	    was, list_entry(rig.a.core->ike2.sas.next, struct ikesa, all)->spi_i, IKE2_SPI);
	assert_true(rig_logged(&rig.a, "replaced by one that was begun anew"));
	rig_fini(&rig);
}

static void test_an_ike_sa_is_renewed_from_the_beginning(void **state)
{
	(void)state;
	begin(3600, 60);
	assert_true(rig_live(&rig, LONG_MS));
	assert_true(n_refused >= 3);
	rig_run(&rig, ENOUGH_MS);
	assert_there(1, 1);
	rig_fini(&rig);
}

/* Whom we cannot call has to come by itself: nothing is begun, and nothing asked for again and again. */
static void test_a_peer_that_cannot_be_called(void **state)
{
	struct ike_conf *a = conf_with("10.0.0.110", 3600, 28800), *b = conf_with("10.0.0.100", 3600, 28800);

	(void)state;
	n_refused = 0;
	a->peer[0].passive = true;
	rig_init(&rig, 1, a, b);
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_policy(&rig, IPSEC_TUNNEL, UDP);
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_there(1, 1);
	list_foreach (sa, &rig.a.core->ike2.sas, struct ikesa, all)
		sa->full = true;
	list_foreach (k, &rig.a.core->children, struct child, node)
		pair_child_ops.renew(k);
	rig_run(&rig, ENOUGH_MS);
	assert_there(1, 1);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_further_child_has_an_ike_sa_of_its_own),
	    cmocka_unit_test(test_a_child_is_renewed_with_its_ike_sa),
	    cmocka_unit_test(test_an_ike_sa_is_renewed_from_the_beginning),
	    cmocka_unit_test(test_a_peer_that_cannot_be_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
