/*
 * What the log says: the guide's lines at level info word for word, what its lines at level debug told at
 * level debug, and nothing secret at any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000 };

static struct rig rig;

static void negotiate(enum ike_mode mode, bool traces)
{
	struct ike_conf *a = rig_conf(mode, IKE_AUTH_PSK, false), *b = rig_conf(mode, IKE_AUTH_PSK, false);

	assert_int_equal(inet_addr_parse("10.0.0.110", &a->peer[0].addr), 0);
	rig_init(&rig, 1, a, b);
	rig.a.traces = rig.b.traces = traces;
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void says(const struct rig_side *s, const char *text)
{
	if (!rig_logged(s, text))
		fail_msg("not said: %s", text);
}

static int teardown(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* racoon's word for it (S184's kind), on both sides, and what the initiator showed before it was answered. */
static void test_words_of_base_mode(void **state)
{
	(void)state;
	negotiate(IKE_MODE_BASE, true);
	says(&rig.a, "begin Base mode.");
	says(&rig.b, "begin Base mode.");
	says(&rig.b, "respond new phase 1 negotiation: 10.0.0.110[500]<=>10.0.0.100[500]");
}

/* S178 to S201, as far as they are true of this program. */
static void test_words_of_a_negotiation_that_is_read_along(void **state)
{
	(void)state;
	negotiate(IKE_MODE_AGGRESSIVE, true);
	says(&rig.a, "configuration found for 10.0.0.110[500].");                       /* S182 */
	says(&rig.a, "IPsec-SA request for 10.0.0.110 queued due to no phase1 found."); /* S183 */
	says(&rig.a, "times of ");
	says(&rig.a, " bytes message will be sent from 10.0.0.100[500] to 10.0.0.110[500]"); /* S193 */
	says(&rig.b, " bytes message received from 10.0.0.100[500] to 10.0.0.110[500]");     /* S194 */
	says(&rig.b, "seen nptype=1(security association)");                                 /* S197 */
	says(&rig.b, "seen nptype=10(nonce)");
	says(&rig.b, "proposal #1: prot-id=1, spi-size=0, #trns=1"); /* S198 */
	says(&rig.b, "Encryption Algorithm 5");                      /* S199: 3DES */
	says(&rig.b, "Group Description 2");
	says(&rig.b, "matched: encryption(3des-cbc)"); /* S167, S189 */
	says(&rig.a, "begin QUICK mode.");             /* S184 */
	says(&rig.a,
	    "suitable outbound SP found: 10.0.0.100/32[any] 10.0.0.110/32[any] proto=6"); /* S176, S178 */
	says(&rig.a, "suitable inbound SP found: 10.0.0.110/32[any] 10.0.0.100/32[any] proto=6");
	says(&rig.a, "anonymous sainfo selected.");                                     /* S179 */
	says(&rig.b, "compute IV for phase2");                                          /* S186 */
	says(&rig.a, "GETSPI succeeded: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi="); /* S175, S187 */
	says(&rig.b, "HASH(1) validate");                                               /* S190 */
	says(&rig.a, "HASH(2) validate");
	says(&rig.b, "HASH(3) validate");
	says(&rig.b, "matched: (proto_id=ESP spi="); /* S180 */
	says(&rig.b, "(trns_id=3des-cbc encklen=0 authtype=hmac-sha1)");
	says(&rig.b, "KEYMAT computed for ESP");                                        /* S200 */
	says(&rig.a, "UPDATE succeeded: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi="); /* S201 */
	says(&rig.a, "ADD succeeded: ESP/Tunnel 10.0.0.100[0]->10.0.0.110[0] spi=");
}

static void test_words_of_an_anonymous_remote(void **state)
{
	struct ike_conf *a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	                *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	(void)state;
	b->peer[0].addr = (struct inet_addr){.family = INET_NONE};
	rig_init(&rig, 1, a, b);
	rig.b.traces = true;
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	says(&rig.b, "anonymous configuration selected for 10.0.0.100."); /* S181 */
}

/* S177: the end of a pair, in racoon's words. */
static void test_words_of_an_end(void **state)
{
	(void)state;
	negotiate(IKE_MODE_MAIN, false);
	rig_spent(&rig.a, true);
	rig_run(&rig, ENOUGH_MS);
	says(&rig.a, "IPsec-SA expired: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=");
	says(&rig.a, "phase2 sa expired 10.0.0.100-10.0.0.110");
	says(&rig.a, "begin Identity Protection mode.");
	says(&rig.b, "purged IPsec-SA proto_id=ESP spi=");
	says(&rig.b, "phase2 sa deleted 10.0.0.110-10.0.0.100");
}

static void test_words_of_debug_are_not_made_for_nobody(void **state)
{
	(void)state;
	negotiate(IKE_MODE_MAIN, false);
	assert_false(rig_logged(&rig.a, "begin QUICK mode."));
	assert_false(rig_logged(&rig.a, "seen nptype"));
	says(&rig.a, "IPsec-SA established: ESP/Tunnel");
}

/* S188, S191, S192, S200, S205: the guide's log has keys in it; this one has none. */
static void test_words_hold_no_key_octets(void **state)
{
	(void)state;
	negotiate(IKE_MODE_MAIN, true);
	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		const struct sa_desc *d = &rig.a.sa[i].desc;
		char hex[9];

		for (size_t at = 0; at + 4 <= d->enc_key_len; at++) {
			snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", rig.a.sa[i].enc_key[at],
			    rig.a.sa[i].enc_key[at + 1], rig.a.sa[i].enc_key[at + 2],
			    rig.a.sa[i].enc_key[at + 3]);
			assert_false(rig_logged(&rig.a, hex));
		}
	}
}

/* A flood that is read along has an end, and says how much of it was left out. */
static void test_words_of_debug_have_a_bound(void **state)
{
	static uint8_t d[28 + 4];
	struct ike_path path;

	(void)state;
	negotiate(IKE_MODE_MAIN, true);
	path = (struct ike_path){
	    .local = rig.a.addr, .remote = rig.b.addr, .local_port = 500, .remote_port = 500};
	rig.a.n_log = 0;
	for (int i = 0; i < 20000; i++)
		core_datagram(rig.a.core, &path, d, sizeof(d));
	assert_true(rig.a.core->traces_held > 10000);
	rig_run(&rig, ENOUGH_MS);
	core_datagram(rig.a.core, &path, d, sizeof(d));
	says(&rig.a, "lines of level debug were left out");
}

static void listens_on(struct ike_conf *c, const char *address)
{
	assert_int_equal(inet_addr_parse(address, &c->listen[c->n_listen].addr), 0);
	c->listen[c->n_listen++].port = IKE_PORT;
}

static void with_listen(const char *a_address, const char *b_address)
{
	struct ike_conf *a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	                *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	if (a_address)
		listens_on(a, a_address);
	if (b_address)
		listens_on(b, b_address);
	rig_init(&rig, 1, a, b);
	rig.a.traces = true;
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void test_listen_names_the_addresses_that_are_answered_on(void **state)
{
	(void)state;
	with_listen("10.0.0.100", "10.0.0.110");
	assert_int_equal(rig_count(&rig.a, true), 1);
	rig_fini(&rig);
	with_listen(NULL, "10.0.0.111");
	assert_int_equal(rig_count(&rig.a, true), 0);
	assert_true(rig.b.core->counters.not_listening > 0);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	rig_fini(&rig);
	with_listen("10.0.0.101", NULL);
	assert_int_equal(rig_count(&rig.a, true), 0);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	says(&rig.a, "listen names other addresses of this host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_words_of_a_negotiation_that_is_read_along, teardown),
	    cmocka_unit_test_teardown(test_words_of_base_mode, teardown),
	    cmocka_unit_test_teardown(test_words_of_an_anonymous_remote, teardown),
	    cmocka_unit_test_teardown(test_words_of_an_end, teardown),
	    cmocka_unit_test_teardown(test_words_of_debug_are_not_made_for_nobody, teardown),
	    cmocka_unit_test_teardown(test_words_hold_no_key_octets, teardown),
	    cmocka_unit_test_teardown(test_words_of_debug_have_a_bound, teardown),
	    cmocka_unit_test_teardown(test_listen_names_the_addresses_that_are_answered_on, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
