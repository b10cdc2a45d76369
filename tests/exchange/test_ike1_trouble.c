/*
 * Version 1 when things go wrong: the wrong key, both sides starting at once, services that die, and random
 * schedules of a bad wire. What has to hold in the end: both sides have the same SAs or none, nothing waits
 * for ever, and nobody who does not know the key gets one. Single messages: test_ike1_altered.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"
#include "wire/ike/msg.h"
#include "wire/ike/v1.h"

enum { TCP = 6, LONG_MS = 400000, SCHEDULES = 1000, SCHEDULES_LONG = 100000 };

static struct rig rig;

static void begin(uint64_t seed, enum ike_mode mode, enum ike_auth_method auth)
{
	rig_init(&rig, seed, rig_conf(mode, auth, true), rig_conf(mode, auth, true));
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void assert_sound(const char *what, uint64_t number)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s %llu: %s", what, (unsigned long long)number, why);
}

static const struct {
	enum ike_mode mode;
	enum ike_auth_method auth;
} kinds[] = {
    {IKE_MODE_MAIN, IKE_AUTH_PSK},
    {IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK},
    {IKE_MODE_MAIN, IKE_AUTH_RSA},
    {IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA},
    {IKE_MODE_BASE, IKE_AUTH_PSK},
    {IKE_MODE_BASE, IKE_AUTH_RSA},
};

/* Everything a peer with another key can do: no SA, no ticket, no leave. */
static void test_wrong_key(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (kinds[k].auth != IKE_AUTH_PSK)
			continue;
		begin(1, kinds[k].mode, IKE_AUTH_PSK);
		rig.b.psk = "another key";
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		assert_sound("wrong key", k);
		assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.b, true), 0);
		assert_int_equal(rig.last_grant, 0);
		assert_true(rig.a.n_done_bad > 0);
		rig_fini(&rig);
	}
}

/* certd is another one from the n-th datagram on. */
static unsigned reborn;

static bool restart_at(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	if (n == reborn) {
		rig_certd_restart(&r->a);
		rig_certd_restart(&r->b);
	}
	return true;
}

/* Whoever still needs certd gives up at once and says why, and the next packet begins another. */
static void test_certd_restarts(void **state)
{
	enum { MESSAGES = 6 };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (reborn = 0; reborn < MESSAGES; reborn++) {
			bool up;

			begin(1, kinds[k].mode, kinds[k].auth);
			rig.wire.tamper = restart_at;
			rig_packet(&rig.a, 0);
			rig_run(&rig, LONG_MS);
			assert_sound("certd restarted at", reborn);
			up = rig_count(&rig.a, false) == 1 && rig_count(&rig.b, false) == 1;
			if (!up && !rig_logged(&rig.a, "no such exchange") &&
			    !rig_logged(&rig.b, "no such exchange"))
				fail_msg("kind %zu, datagram %u: not a word", k, reborn);
			if (!up)
				rig_packet(&rig.a, 0);
			rig_run(&rig, LONG_MS);
			assert_sound("after certd restarted at", reborn);
			if (rig_count(&rig.a, false) != 1 || rig_count(&rig.b, false) != 1)
				fail_msg("kind %zu, datagram %u: no SAs", k, reborn);
			rig_fini(&rig);
		}
}

/* A peer that has not looked at the end of aggressive mode yet passes over what comes behind it (so does
 * strongSwan now and then). */
static bool lose_first_quick(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	enum { EXCHANGE_AT = 18, QUICK = 32 };
	bool *gone = r->arg;

	(void)n;
	if (*gone || !from_a || n_d <= EXCHANGE_AT || d[EXCHANGE_AT] != QUICK)
		return true;
	*gone = true;
	return false;
}

static void test_first_quick_message_behind_aggressive_mode_is_soon_repeated(void **state)
{
	bool gone = false;

	(void)state;
	rig_init(&rig, 1, rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, true),
	    rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, true));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig.arg = &gone;
	rig.wire.tamper = lose_first_quick;
	rig_packet(&rig.a, 0);
	rig_run(&rig, 1500);
	assert_true(gone);
	assert_int_equal(rig_count(&rig.a, true), 1);
	assert_int_equal(rig_count(&rig.b, true), 1);
	rig_fini(&rig);
}

/* What B's certificate is said to be encoded as. */
static uint8_t encoding;

static bool recode(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	/* An encoding, and the certificate behind it. */
	static const char cert[] = "\x04"
	                           "a certificate of B";
	uint8_t *at = from_a ? NULL : memmem(d, n_d, cert, sizeof(cert) - 1);

	if (at)
		at[0] = encoding;
	return true;
}

/* Wrapped in PKCS #7 or not is certd-verify's to see; what is neither is no certificate. */
static void test_encodings_of_certificates(void **state)
{
	for (encoding = IKE1_CERT_PKCS7; encoding <= IKE1_CERT_CRL; encoding++) {
		bool read = encoding == IKE1_CERT_PKCS7 || encoding == IKE1_CERT_X509_SIG;

		begin(1, IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA);
		rig.wire.tamper = recode;
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		assert_sound("encoding", encoding);
		assert_int_equal(rig_count(&rig.a, true), read);
		rig_fini(&rig);
	}
}

static bool only_the_first(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return from_a;
}

/* Of main mode certd hears nothing before there is an answer, on either side. */
static void test_main_mode_asks_certd_late(void **state)
{
	begin(1, IKE_MODE_MAIN, IKE_AUTH_RSA);
	rig.wire.tamper = only_the_first;
	rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_true(rig.b.core->counters.failed1 > 0);
	assert_int_equal(rig.a.n_begun, 0);
	assert_int_equal(rig.b.n_begun, 0);
	rig_fini(&rig);
}

static void test_nobody_there(void **state)
{
	begin(1, IKE_MODE_MAIN, IKE_AUTH_PSK);
	rig.b.dead = true;
	rig_packet(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	assert_sound("nobody", 0);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_true(rig_logged(&rig.a, "phase1 negotiation failed: no answer."));
	/* The first transmission and as many repetitions as racoon made (racoon-conf.md 3.2). */
	assert_int_equal(rig.n_datagrams, 6);
	rig_fini(&rig);
}

static void test_both_at_once(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		begin(1, kinds[k].mode, kinds[k].auth);
		rig_packet(&rig.a, 0);
		rig_packet(&rig.b, 0);
		rig_run(&rig, LONG_MS);
		assert_sound("both at once", k);
		assert_int_equal(rig.a.n_done_ok, 1);
		assert_int_equal(rig.b.n_done_ok, 1);
		rig_fini(&rig);
	}
}

/* A bad wire for a while, packets from either side at random moments, and now and then keyd dies and is
 * started again on one of them; then a good one. */
static void one_schedule(uint64_t seed)
{
	struct rng_seeded dice;
	size_t k;

	rng_seeded_init(&dice, seed * 7919);
	k = rng_below(&dice.rng, ARRAY_SIZE(kinds));
	begin(seed, kinds[k].mode, kinds[k].auth);
	rig.wire = (struct rig_wire){.loss = rng_below(&dice.rng, 400),
	    .twice = rng_below(&dice.rng, 300),
	    .late = rng_below(&dice.rng, 300)};
	for (uint32_t i = 0, n = 1 + rng_below(&dice.rng, 4); i < n; i++) {
		rig_packet(rng_below(&dice.rng, 2) ? &rig.a : &rig.b, 0);
		rig_run(&rig, rng_below(&dice.rng, 30000));
		if (rng_below(&dice.rng, 3) == 0)
			rig_rebirth(rng_below(&dice.rng, 2) ? &rig.a : &rig.b);
	}
	rig.wire = (struct rig_wire){0};
	rig_run(&rig, LONG_MS);
	/* One side may still believe in ISAKMP SAs that the other has given up, or whose last message of
	 * phase 1 it never got: each packet finds out one. */
	for (unsigned i = 0; i < 2 || (i < 8 && !rig_count(&rig.a, false)); i++) {
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
	}
	rig_traffic(&rig);
	assert_sound("schedule", seed);
	if (!rig_count(&rig.a, false))
		fail_msg("schedule %llu: no SAs over a good wire", (unsigned long long)seed);
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
	    cmocka_unit_test(test_first_quick_message_behind_aggressive_mode_is_soon_repeated),
	    cmocka_unit_test(test_wrong_key),
	    cmocka_unit_test(test_encodings_of_certificates),
	    cmocka_unit_test(test_certd_restarts),
	    cmocka_unit_test(test_main_mode_asks_certd_late),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_both_at_once),
	    cmocka_unit_test(test_random_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
