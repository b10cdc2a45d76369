/*
 * Version 1 between two cores: every exchange as it should go, with what each message leads to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000 };

static struct rig rig;

static void begin(enum ike_mode mode, enum ike_auth_method auth)
{
	rig_init(&rig, 1, rig_conf(mode, auth, false), rig_conf(mode, auth, false));
	if (auth == IKE_AUTH_RSA) {
		rig.a.subject = "a certificate of A";
		rig.b.subject = "a certificate of B";
	}
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void assert_pair(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

/* S120, S123: the first packet asks, phase 1 and quick mode follow, 3DES with HMAC-SHA1 is what both have. */
static void establishes(enum ike_mode mode, enum ike_auth_method auth)
{
	begin(mode, auth);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	assert_int_equal(rig.a.n_done_ok, 1);
	assert_int_equal(rig.a.sa[0].desc.enc, ALG_ENC_3DES_CBC);
	assert_int_equal(rig.a.sa[0].desc.auth, ALG_AUTH_HMAC_SHA1);
	assert_int_equal(rig.a.sa[0].desc.life.hard_s, 36000);
	assert_true(rig_logged(&rig.a, "IPsec-SA established: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi="));
	assert_true(rig_logged(&rig.b, "respond new phase 2 negotiation: 10.0.0.110[0]<=>10.0.0.100[0]"));
	rig_fini(&rig);
}

static void test_main_psk(void **state)
{
	establishes(IKE_MODE_MAIN, IKE_AUTH_PSK);
}

static void test_aggressive_psk(void **state)
{
	establishes(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK);
}

static void test_main_rsa(void **state)
{
	establishes(IKE_MODE_MAIN, IKE_AUTH_RSA);
}

static void test_aggressive_rsa(void **state)
{
	establishes(IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA);
}

static void test_base_psk(void **state)
{
	establishes(IKE_MODE_BASE, IKE_AUTH_PSK);
}

static void test_base_rsa(void **state)
{
	establishes(IKE_MODE_BASE, IKE_AUTH_RSA);
}

static const struct ike_path *path_of(const struct rig_side *s)
{
	return &list_entry(s->core->isakmp.next, struct isakmp, all)->path;
}

/* One side pretends that there is a NAT: both move to port 4500 and protect in UDP (RFC 3947). Base mode's
 * responder is up before it has heard from there, and follows with the next message. */
static void test_nat(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct ike_conf *a = rig_conf(modes[i], IKE_AUTH_PSK, true),
		                *b = rig_conf(modes[i], IKE_AUTH_PSK, true);

		a->peer[0].nat_traversal = IKE_FORCE;
		b->peer[0].nat_traversal = IKE_ON;
		rig_init(&rig, 1, a, b);
		rig_policy(&rig, IPSEC_TUNNEL, TCP);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pair(1);
		assert_int_equal(rig.a.sa[0].desc.encap.dport, 4500);
		assert_int_equal(rig.b.sa[0].desc.encap.sport, 4500);
		assert_true(rig_logged(&rig.a, "ISAKMP-SA established 10.0.0.100[4500]-10.0.0.110[4500]"));
		assert_true(rig_logged(&rig.b,
		    modes[i] == IKE_MODE_BASE ? "ISAKMP-SA established 10.0.0.110[500]-10.0.0.100[500]"
		                              : "ISAKMP-SA established 10.0.0.110[4500]-10.0.0.100[4500]"));
		assert_int_equal(path_of(&rig.b)->local_port, 4500);
		assert_int_equal(path_of(&rig.b)->remote_port, 4500);
		assert_int_equal(path_of(&rig.a)->local_port, 4500);
		rig_fini(&rig);
	}
}

/* Both know how, and there is no NAT: nothing is different. */
static void test_no_nat(void **state)
{
	struct ike_conf *a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	                *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	a->peer[0].nat_traversal = b->peer[0].nat_traversal = IKE_ON;
	rig_init(&rig, 1, a, b);
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	assert_int_equal(rig.a.sa[0].desc.encap.dport, 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nat),
	    cmocka_unit_test(test_no_nat),
	    cmocka_unit_test(test_main_psk),
	    cmocka_unit_test(test_aggressive_psk),
	    cmocka_unit_test(test_main_rsa),
	    cmocka_unit_test(test_aggressive_rsa),
	    cmocka_unit_test(test_base_psk),
	    cmocka_unit_test(test_base_rsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
