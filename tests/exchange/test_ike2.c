/*
 * Version 2 between two cores: every exchange as it should go, with what each message leads to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000 };

static struct rig rig;

static void begin_with(struct ike_conf *a, struct ike_conf *b)
{
	rig_init(&rig, 1, a, b);
	if (ike_auth_is_rsa(a->peer[0].offer[0].auth))
		rig.a.subject = "a certificate of A";
	if (ike_auth_is_rsa(b->peer[0].offer[0].auth))
		rig.b.subject = "a certificate of B";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void begin(enum ike_auth_method auth)
{
	begin_with(rig_conf2(auth), rig_conf2(auth));
}

static size_t sas(const struct rig_side *s)
{
	return s->core->ike2.n;
}

static void assert_pair(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
	assert_int_equal(sas(&rig.a), 1);
	assert_int_equal(sas(&rig.b), 1);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

/* Who may only answer: its own answer to the first packet may come before the pair is whole, or was on its
 * way here when it got so. */
static void test_passive_answers_the_first_packet(void **state)
{
	for (size_t whole = 0; whole < 2; whole++) {
		struct ike_conf *b = rig_conf2(IKE_AUTH_PSK);

		b->peer[0].passive = true;
		begin_with(rig_conf2(IKE_AUTH_PSK), b);
		rig_packet(&rig.a, 0);
		while (!(whole ? rig.b.core->n_children : rig_count(&rig.b, true)))
			rig_run(&rig, 1);
		rig_packet(&rig.b, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pair(1);
		assert_int_equal(rig.b.n_done_ok, 1);
		assert_int_equal(rig.b.n_done_bad, 0);
		rig_fini(&rig);
	}
}

static void establishes(enum ike_auth_method auth)
{
	begin(auth);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	assert_int_equal(rig.a.n_done_ok, 1);
	assert_int_equal(rig.n_datagrams, 4);
	assert_int_equal(rig.a.sa[0].desc.enc, ALG_ENC_AES_GCM_16);
	assert_int_equal(rig.a.sa[0].desc.flags, SA_F_ESN);
	assert_true(rig_logged(&rig.a, "IPsec-SA established: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi="));
	assert_true(rig_logged(&rig.b, "IKE-SA established"));
	rig_fini(&rig);
}

static void test_psk(void **state)
{
	establishes(IKE_AUTH_PSK);
}

static void test_certificates(void **state)
{
	establishes(IKE_AUTH_RSA);
}

static struct ike_conf *conf_of(enum ike_auth_method ours, enum ike_auth_method peers)
{
	struct ike_conf *c = rig_conf2(ours);

	c->peer[0].peer_auth = peers;
	return c;
}

/* One by its certificate and the other by a secret, whoever begins; no certificate is sent that nobody asked
 * for. */
static void test_each_side_in_its_own_way(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum ike_auth_method a = i ? IKE_AUTH_PSK : IKE_AUTH_RSA, b = i ? IKE_AUTH_RSA : IKE_AUTH_PSK;

		begin_with(conf_of(a, b), conf_of(b, a));
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pair(1);
		rig_fini(&rig);
	}
}

/* The configuration says how the peer proves itself, and nothing else will do. */
static void test_a_side_in_another_way_than_was_configured(void **state)
{
	(void)state;
	begin_with(conf_of(IKE_AUTH_RSA, IKE_AUTH_PSK), rig_conf2(IKE_AUTH_RSA));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(sas(&rig.a), 0);
	assert_int_equal(sas(&rig.b), 0);
	assert_int_equal(rig_count(&rig.a, true), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_passive_answers_the_first_packet),
	    cmocka_unit_test(test_psk),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_each_side_in_its_own_way),
	    cmocka_unit_test(test_a_side_in_another_way_than_was_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
