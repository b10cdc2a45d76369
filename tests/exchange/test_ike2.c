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
	if (ike_auth_is_rsa(a->peer[0].offer[0].auth)) {
		rig.a.subject = "a certificate of A";
		rig.b.subject = "a certificate of B";
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_psk),
	    cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
